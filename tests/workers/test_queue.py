"""Wake-ups: coalesced, JSON, never waited for, and one process only where they live in memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api.core.jobs import Job
from api.core.settings import Settings
from tests.support import means
from tests.support.town import free_port
from workers.queue import ArqQueue, Hub, QueueTaken, open_queue

REDIS = [pytest.param("memory://", id="memory")]
if means.REDIS_URL:
    REDIS.append(pytest.param(means.REDIS_URL, id="redis"))


@pytest.fixture(params=REDIS)
async def queue(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ArqQueue]:
    if request.param != "memory://":
        async with Redis.from_url(request.param) as redis:
            await redis.flushdb()
    queue = open_queue(Settings(data_dir=tmp_path, redis_url=request.param))
    yield queue
    await queue.close()


class Ears:
    """Listens to one queue for as long as the block lasts."""

    def __init__(self, queue: ArqQueue, name: str) -> None:
        self.heard: list[Job] = []
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(queue.listen(name, self.heard.append, self._stop))

    async def __aenter__(self) -> "Ears":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.wait_for(self._task, 5)

    async def hears(self, *jobs: Job, within: float = 5) -> None:
        async with asyncio.timeout(within):
            while not set(jobs) <= set(self.heard):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_a_wake_up_is_heard_on_its_own_queue(queue: ArqQueue) -> None:
    async with Ears(queue, "send") as send, Ears(queue, "poll") as poll, Ears(queue, "slow") as slow:
        for job in (Job("send"), Job("poll", "one"), Job("read", "one"), Job("connect", "two")):
            await queue.wake(job)
        await send.hears(Job("send"))
        await poll.hears(Job("poll", "one"), Job("read", "one"))
        await slow.hears(Job("connect", "two"))
    assert (len(send.heard), len(poll.heard), len(slow.heard)) == (1, 2, 1)


async def test_asked_twice_before_anybody_looked_is_asked_once(queue: ArqQueue) -> None:
    for _ in range(5):
        await queue.wake(Job("send"))
    async with Ears(queue, "send") as ears:
        await ears.hears(Job("send"))
        await asyncio.sleep(0.2)
        assert ears.heard == [Job("send")]
        await queue.wake(Job("send"))
        await asyncio.sleep(0.3)
        assert len(ears.heard) == 2


async def test_a_job_of_another_release_does_not_stop_the_next(queue: ArqQueue) -> None:
    async with Ears(queue, "slow") as ears:
        await queue.wake(Job("something new"))
        await queue.wake(Job("sweep"))
        await ears.hears(Job("something new"), Job("sweep"))


async def test_a_redis_that_is_down_costs_a_wake_up_a_moment_only() -> None:
    queue = ArqQueue(f"redis://127.0.0.1:{free_port()}/0")
    async with asyncio.timeout(10):  # arq's own patience is a minute
        with pytest.raises(Exception, match=r"."):
            await queue.wake(Job("send"))
    await queue.close()


@pytest.mark.skipif(not means.REDIS_URL, reason="BEATLINE_TEST_REDIS_URL is not set")
async def test_what_lies_in_redis_is_json_and_holds_ids_only() -> None:
    async with Redis.from_url(means.REDIS_URL) as redis:
        await redis.flushdb()
        queue = ArqQueue(means.REDIS_URL)
        await queue.wake(Job("poll", "0190"))
        stored = json.loads(await redis.get("arq:job:poll:poll:0190"))
        assert (stored["f"], stored["a"]) == ("wake", ["poll", "0190"])
        await queue.close()


async def test_a_flushed_redis_does_not_stop_the_listening(queue: ArqQueue) -> None:
    async with Ears(queue, "send") as ears:
        await queue.wake(Job("send"))
        await ears.hears(Job("send"))
        await queue._redis.flushdb()
        await queue.wake(Job("send"))
        async with asyncio.timeout(5):
            while len(ears.heard) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def test_a_second_process_on_a_queue_in_memory_is_refused_with_a_sentence(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="memory://")
    first = open_queue(settings)
    with pytest.raises(QueueTaken, match="stop the other"):
        open_queue(settings)
    asyncio.run(first.close())
    asyncio.run(open_queue(settings).close())


async def test_rung_for_while_it_ran_it_runs_once_more() -> None:
    runs: list[Job] = []
    going = asyncio.Event()

    async def run(job: Job) -> None:
        runs.append(job)
        await going.wait()

    hub = Hub.of(run, 4)
    for _ in range(4):
        hub.ring(Job("poll", "one"))
        await asyncio.sleep(0)
    going.set()
    await hub.close(1)
    assert runs == [Job("poll", "one")] * 2


async def test_a_job_that_falls_does_not_stop_the_next() -> None:
    runs: list[str] = []

    async def run(job: Job) -> None:
        runs.append(job.about)
        raise ValueError("a bug")

    hub = Hub.of(run, 1)
    hub.ring(Job("poll", "one"))
    hub.ring(Job("poll", "two"))
    await hub.close(1)
    assert runs == ["one", "two"]
