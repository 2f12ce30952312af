"""An application on a real socket, in a thread of its own: for clients that know nothing of asyncio."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.types import ASGIApp

Making = Callable[[], AbstractAsyncContextManager[ASGIApp]]


@contextlib.contextmanager
def served(making: Making) -> Iterator[str]:
    """`making` opens what the application needs in the loop in which it is then used."""
    listening, ready = socket.create_server(("127.0.0.1", 0)), threading.Event()
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        async with making() as app:
            config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
            servers.append(uvicorn.Server(config))
            ready.set()
            await servers[0].serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    try:
        assert ready.wait(20), "The application did not start."
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        if servers:
            servers[0].should_exit = True
        thread.join(20)
