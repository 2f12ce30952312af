"""Sockets, signals and stopping: what every long-running command shares."""

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import uvicorn
import uvloop
from prometheus_client import start_http_server
from starlette.types import ASGIApp

from api.core import log
from api.core.settings import Settings
from beatline.installation import Failure


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def settle_memory() -> None:
    """What is there when the work begins stays until the end: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def stop_on_signals(at_most: float | None = None) -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C; a second one, or `at_most` seconds, end the process at once. Nothing is lost by that."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def asked(_: int, __: object) -> None:
        """Heard between two instructions: however busy the loop is, the seconds begin to count now."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if at_most is not None:
            patience = threading.Timer(at_most, os._exit, [0])
            patience.daemon = True
            patience.start()
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    return stop


def listening(host: str, port: int, option: str = "--port") -> socket.socket:
    """Taken before anything else is done, so that a port in use is said at once."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Failure(
                f"Port {port} on {host} is taken. Stop what runs there, or use another one: {option} NUMBER"
            ) from error
        raise Failure(
            f"Nothing can listen on {host}, port {port} ({error.strerror}). Use others: --host, {option}"
        ) from error


def prepare(settings: Settings) -> None:
    """Logs and measurements of this process."""
    log.set_up(settings.log_level, as_json=settings.log_json)
    if settings.metrics_port:
        try:
            start_http_server(settings.metrics_port, settings.metrics_host)
        except OSError as error:
            raise Failure(f"Port {settings.metrics_port} for metrics is taken: BEATLINE_METRICS_PORT") from error


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard in one place, by `stop_on_signals`."""
        yield


async def serve_until(stop: asyncio.Event, app: ASGIApp, listener: socket.socket, settings: Settings) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=max(1, int(settings.drain)),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=",".join(sorted(settings.trusted_proxies)),
    )
    server = _Server(config)
    serving, stopping = asyncio.create_task(server.serve([listener])), asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    stop.set()
    await stopping
