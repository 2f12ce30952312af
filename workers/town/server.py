"""The town on a real socket, with a way to hang up in the middle of a call."""

import contextlib
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_NO_GOODBYE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST


class HangUpProtocol(HttpToolsProtocol):
    """Hands each request a `drop`, because ASGI itself has no word for it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["drop"] = self._drop

    def _drop(self, hard: bool) -> None:
        if not hard:
            self.transport.close()
            return
        raw: Any = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_GOODBYE)
        self.transport.abort()


def _leave(signum: int, frame: object) -> None:
    """uvicorn raises the signal again after it has closed everything: by then it has been obeyed."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            self._ready(f"http://{host}:{port}")


def _say_ready(address: str) -> None:
    sys.stdout.write(f"Practice town: {address}\n")
    sys.stdout.flush()


def serve(app: Starlette, host: str, port: int, ready: Callable[[str], None] = _say_ready) -> None:
    """Runs until SIGTERM or SIGINT, then leaves at once, whoever is still connected."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=HangUpProtocol,
        ws="none",
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0,
        backlog=2048,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    listening = config.bind_socket()
    _Server(config, ready).run(sockets=[listening])
