"""beatline serve, work, town: the processes of an installation."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Annotated

import typer
from starlette.types import ASGIApp

from api.core.runtime import Runtime
from api.identity.door import Door
from beatline import assembly, serving
from beatline.installation import Data, Failure, opened, queue_of, say, settings_for
from workers import main as workers
from workers.queue import QUEUES
from workers.town import __main__ as practice_town

Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]


def serve(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8000,
    services: Annotated[str, typer.Option("--services", help="By comma: REST services, or web; empty: all.")] = "",
    data: Data = None,
) -> None:
    """Serve pages and REST. With nothing installed (memory://) the worker runs in this process as well."""
    settings = settings_for(data)
    names = [name.strip() for name in services.split(",") if name.strip()] or sorted(settings.services)
    listener = serving.listening(host, port)
    queue = queue_of(settings)
    serving.prepare(settings)

    async def run() -> None:
        stop = serving.stop_on_signals()
        async with opened(settings, queue) as runtime, working_beside(runtime, stop), the_door(runtime) as door:
            app = application(runtime, door, names)
            serving.settle_memory()
            say("Serving on http://{}:{}".format(*listener.getsockname()[:2]))
            await serving.serve_until(stop, app, listener, settings)
        await queue.close()

    serving.run(run())


def work(
    queues: Annotated[str, typer.Option("--queues", help="By comma: send, poll, slow.")] = "send,poll,slow",
    data: Data = None,
) -> None:
    """Send, poll and sweep, as one of any number of workers."""
    settings = settings_for(data)
    if settings.embedded:
        raise Failure(
            "A worker of its own needs Redis: set BEATLINE_REDIS_URL=redis://…. Without it, beatline serve works by itself.",
            2,
        )
    names, queue = _named(queues), queue_of(settings)
    serving.prepare(settings)

    async def run() -> None:
        stop = serving.stop_on_signals()
        async with opened(settings, queue) as runtime, assembly.context_over(runtime) as context:
            serving.settle_memory()
            await workers.work(context, names, stop)
        await queue.close()

    serving.run(run())


def town(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8001,
    data: Data = None,
) -> None:
    """The practice town by itself. What else it understands: python -m workers.town --help."""
    serving.listening(host, port).close()
    settings = settings_for(data)
    file = settings.data_dir / "town.sqlite3"
    file.parent.mkdir(parents=True, exist_ok=True)
    practice_town.main([f"--host={host}", f"--port={port}", f"--data={file}", *context.args])


def application(runtime: Runtime, door: Door, names: Collection[str]) -> ASGIApp:
    try:
        return assembly.application(runtime, door, names)
    except ValueError as error:
        raise Failure(str(error), 2) from error


@contextlib.asynccontextmanager
async def the_door(runtime: Runtime) -> AsyncIterator[Door]:
    door = Door(runtime)
    try:
        yield door
    finally:
        await door.close()


@contextlib.asynccontextmanager
async def working_beside(runtime: Runtime, stop: asyncio.Event) -> AsyncIterator[None]:
    """A worker in the same process, where there is no queue outside it. Should it fall, the process stops."""
    if not runtime.settings.embedded:
        yield
        return
    async with assembly.context_over(runtime) as context:
        working = asyncio.create_task(workers.work(context, QUEUES, stop))
        working.add_done_callback(lambda _: stop.set())
        try:
            yield
        finally:
            stop.set()
            await working


def _named(queues: str) -> list[str]:
    names = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        raise Failure(f"There is no queue called {', '.join(unknown) or 'nothing'}; there are {', '.join(QUEUES)}.", 2)
    return names
