"""Wake-ups over arq: on Redis, or inside one process. Losing one makes something late by seconds, never lost.

arq carries one function, `wake`, with a job's name and what it is about. So a worker never meets a function that it
does not know (arq would delete the job), nothing slow ever runs inside arq, and a killed worker locks nothing for long.
"""

import asyncio
import fcntl
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import arq.worker
from arq.connections import ArqRedis
from arq.worker import Worker, func
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from api.core.ids import new_id
from api.core.jobs import Job
from api.core.log import log
from api.core.settings import Settings
from workers.jobs.steady import keep

if TYPE_CHECKING:
    from arq.typing import WorkerCoroutine

SEND, POLL, SLOW = "send", "poll", "slow"
QUEUES = (SEND, POLL, SLOW)
# A kind of work each, so that nothing slow stands before a send. What is not named here is slow.
QUEUE_OF = {"send": SEND, "poll": POLL, "read": POLL}
LOCK = "beatline.lock"
PREFIX = "beatline:"
LOST = [RedisConnectionError, RedisTimeoutError, OSError]  # without OSError a Redis restart kills a worker


class QueueTaken(Exception):
    """A queue in memory cannot be shared; the text is for whoever started the second process."""


def open_queue(settings: Settings) -> "ArqQueue":
    """memory:// belongs to one process: a second one is refused with a sentence."""
    if not settings.embedded:
        return ArqQueue(settings.redis_url)
    return ArqQueue(settings.redis_url, FakeServer(), _alone(settings.data_dir))


class ArqQueue:
    """What api and web wake workers with: no retries and a fifth of a second, for nobody waits for it."""

    def __init__(self, url: str, server: FakeServer | None = None, lock: IO[str] | None = None) -> None:
        self._url, self._server, self._lock = url, server, lock
        self._redis = self._connect(patient=False)

    async def wake(self, job: Job) -> None:
        """Asked twice before anybody looked is asked once."""
        queue = QUEUE_OF.get(job.name, SLOW)
        await self._redis.enqueue_job(
            "wake", job.name, job.about, _job_id=f"{queue}:{job.name}:{job.about}", _queue_name=PREFIX + queue
        )

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)
        if self._lock is not None:
            self._lock.close()

    async def listen(self, queue: str, ring: Callable[[Job], None], stop: asyncio.Event) -> None:
        """Hands every wake-up of a queue on, until stopped. A Redis that restarts is waited for."""

        async def once() -> float:
            await _listen_once(self._connect(patient=True), queue, ring, stop, memory=self._server is not None)
            return 0.5

        await keep(f"queue {queue}", once, stop)

    def _connect(self, *, patient: bool) -> ArqRedis:
        pool = FakeAsyncRedis(server=self._server).connection_pool if self._server else _pool(self._url, patient)
        return ArqRedis(pool_or_conn=pool, job_serializer=_dump, job_deserializer=_load)


async def _listen_once(
    redis: ArqRedis, queue: str, ring: Callable[[Job], None], stop: asyncio.Event, *, memory: bool
) -> None:
    async def wake(_: dict[Any, Any], name: str, about: str) -> None:
        ring(Job(name, about))

    if memory:
        vars(arq.worker)["log_redis_info"] = _say_nothing  # there is no INFO in memory
    worker = Worker(
        functions=[func(cast("WorkerCoroutine", wake), name="wake", timeout=5, keep_result=0, max_tries=1)],
        queue_name=PREFIX + queue,
        redis_pool=redis,
        handle_signals=False,
        keep_result=0,  # a kept result blocks asking for the same job again
        max_jobs=50,
        queue_read_limit=500,
        poll_delay=0.05,
        health_check_interval=10,
        health_check_key=f"{PREFIX}health:{queue}:{new_id().hex[-12:]}",
        job_serializer=_dump,  # JSON: with the default, whoever can write to Redis could run code here
        job_deserializer=_load,
        log_results=False,
    )
    running = asyncio.ensure_future(worker.async_run())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        stopped.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await _leave(worker)


async def _leave(worker: Worker) -> None:
    try:
        async with asyncio.timeout(1):
            await worker.close()
    except (*LOST, TimeoutError, asyncio.CancelledError):
        log.debug("left a queue that does not answer")


def _pool(url: str, patient: bool) -> ConnectionPool:
    if patient:
        options: dict[str, Any] = {"retry": Retry(ExponentialBackoff(cap=2, base=0.1), 50), "retry_on_error": LOST}
        return ConnectionPool.from_url(url, socket_connect_timeout=2, **options)
    options = {"retry": Retry(NoBackoff(), 0), "socket_timeout": 0.2, "socket_connect_timeout": 0.2}
    return ConnectionPool.from_url(url, **options)


def _alone(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise QueueTaken(
            f"Another Beatline is already running on {folder}. A queue in memory serves one process: stop the other "
            "one, or set BEATLINE_REDIS_URL to a Redis that all of them share."
        ) from error
    return lock


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, default=str).encode()


def _load(value: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(value)
    return loaded


async def _say_nothing(_: Any, __: Any) -> None:
    return None


@dataclass(slots=True)
class Hub:
    """Runs what is rung for, a kind of work at most so often at once; rung again meanwhile, it runs once more."""

    run: Callable[[Job], Awaitable[None]]
    turns: asyncio.Semaphore
    _again: dict[Job, bool]
    _tasks: set[asyncio.Task[None]]

    @classmethod
    def of(cls, run: Callable[[Job], Awaitable[None]], at_once: int) -> "Hub":
        return cls(run, asyncio.Semaphore(at_once), {}, set())

    def ring(self, job: Job) -> None:
        if job in self._again:
            self._again[job] = True
            return
        self._again[job] = False
        task = asyncio.create_task(self._serve(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, within: float) -> None:
        tasks = set(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, job: Job) -> None:
        try:
            async with self.turns:
                while True:
                    self._again[job] = False
                    await self._once(job)
                    if not self._again[job]:
                        break
        finally:
            del self._again[job]

    async def _once(self, job: Job) -> None:
        try:
            await self.run(job)
        except Exception:
            log.exception("job failed", job=job.name)  # its row is still there: the next look finds it
