"""A worker process: its loops, the wake-ups that ring for them, and a polite end."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from api.core.database import Database
from api.core.jobs import Job
from api.core.log import log
from api.core.runtime import Runtime
from api.core.settings import Settings
from workers.context import Context
from workers.jobs import alerts, connect, errands, limits, poll, read, renew, send, sharing, sightings, sweep
from workers.jobs.steady import keep
from workers.platforms import CONNECTORS
from workers.platforms.http import HttpxCarrier
from workers.queue import POLL, QUEUES, SEND, SLOW, ArqQueue, Hub, open_queue
from workers.vault import Keyring, LiveVault

Loop = Callable[[Context, asyncio.Event], Awaitable[None]]
Look = Callable[[Context, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker of one queue does: loops that find their rows by themselves, and jobs that say look now."""

    loops: tuple[Loop, ...]
    jobs: Mapping[str, Look]
    at_once: int


# To add work: a module in workers/jobs with `loop` and `JOBS`, and its line here.
WORK: dict[str, Work] = {
    SEND: Work((send.loop, sharing.loop), send.JOBS, 4),
    POLL: Work((poll.loop, read.loop, sharing.loop), poll.JOBS | read.JOBS, 20),
    SLOW: Work(
        (connect.loop, limits.loop, renew.loop, sweep.loop, errands.loop, alerts.loop, sightings.loop),
        connect.JOBS | limits.JOBS | sweep.JOBS | errands.JOBS | alerts.JOBS | sightings.JOBS,
        4,
    ),
}


async def work(context: Context, queues: Iterable[str], stop: asyncio.Event) -> None:
    """Until stopped: then what is being sent is finished, and what was only claimed is given back."""
    tasks = []
    for queue in queues:
        tasks += [asyncio.create_task(_steadily(context, each, stop)) for each in WORK[queue].loops]
        tasks.append(asyncio.create_task(_hear(context, queue, stop)))
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _steadily(context: Context, loop: Loop, stop: asyncio.Event) -> None:
    """A loop that falls, which is a bug, is started again: the others must not fall with it."""

    async def once() -> float:
        await loop(context, stop)
        return 1.0

    await keep(loop.__module__, once, stop)


async def _hear(context: Context, queue: str, stop: asyncio.Event) -> None:
    """Wake-ups; without a queue that can be listened to, the loops find everything by themselves."""
    jobs = WORK[queue].jobs

    async def run(job: Job) -> None:
        look = jobs.get(job.name)
        if look is None:
            log.info("a job of another release", job=job.name)
            return
        await look(context, job.about)

    hub = Hub.of(run, WORK[queue].at_once)
    if isinstance(context.runtime.queue, ArqQueue):
        await context.runtime.queue.listen(queue, hub.ring, stop)
    else:
        await stop.wait()
    await hub.close(context.runtime.settings.drain)


def make_context(runtime: Runtime) -> Context:
    """With the keys of this machine and a carrier that reaches the public internet only."""
    settings = runtime.settings
    ring = Keyring(settings.keys)
    ring.load_or_generate()
    vault = LiveVault(ring)  # the keys may be turned while this runs
    if runtime.sealer is None:
        runtime.sealer = vault.sealer
    carrier = HttpxCarrier(settings.private_hosts, settings.request_timeout, settings.connections)
    return Context(runtime, carrier, CONNECTORS, vault)


async def run(settings: Settings, queues: Iterable[str] = QUEUES) -> None:
    """A worker process, from its start to the signal that ends it."""
    runtime = Runtime(settings, Database(settings.database), open_queue(settings))
    context = make_context(runtime)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await work(context, queues, stop)
    finally:
        await close(context)


async def close(context: Context) -> None:
    if isinstance(context.carrier, HttpxCarrier):
        await context.carrier.aclose()
    if isinstance(context.runtime.queue, ArqQueue):
        with contextlib.suppress(OSError):
            await context.runtime.queue.close()
    await context.runtime.close()
