"""The dispatcher as people run it: `beatline work` on PostgreSQL and Redis, `beatline serve` alone on SQLite."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from api.core.clock import now
from api.core.database import Database
from benchmarks.answering import Platform
from benchmarks.burst.result import EACH, Result, ahead, cpu_of
from benchmarks.burst.rows import Rows
from tests.support import databases
from workers.vault import Keyring


@dataclass(frozen=True, slots=True)
class Engine:
    """A running worker and what it works on."""

    name: str
    platform: Platform
    rows: Rows
    pid: int

    async def burst(self, posts: int) -> Result:
        await self.rows.clear()
        due = ahead(4 + posts / 4000)
        used = cpu_of(self.pid)
        await self.rows.due(posts, due)
        self.platform.seen()
        await asyncio.sleep((due - now()).total_seconds() + posts / 10_000)
        await self.all_sent()
        cpu, seen = cpu_of(self.pid) - used, self.platform.seen()
        began = due.timestamp()
        return Result(
            self.name, posts, await self.rows.lateness(due), (min(seen.arrivals) - began) * 1000,
            sum(at < began for at in seen.arrivals), seen.overlaps, cpu, seen.cpu,
        )  # fmt: skip

    async def all_sent(self) -> None:
        async with asyncio.timeout(120):
            while await self.rows.not_sent():  # noqa: ASYNC110 - another process does the work
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def on_postgresql(
    server: str, redis: str, platform: Platform, posts: int, in_flight: int
) -> AsyncIterator[Engine]:
    url = await databases.own_postgresql(server, "ours")
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = {"DATABASE_URL": url, "REDIS_URL": redis, "DATA_DIR": folder}
            command = ["work", "--queues", "send"]
            async with _running("PostgreSQL and Redis", settings, command, platform, posts, in_flight) as engine:
                yield engine
    finally:
        await databases.drop_postgresql(server, url)


@contextlib.asynccontextmanager
async def on_sqlite(platform: Platform, posts: int, in_flight: int) -> AsyncIterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        url = databases.sqlite_copy(await databases.sqlite_template(Path(folder)), Path(folder))
        settings = {"DATABASE_URL": url, "REDIS_URL": "memory://", "DATA_DIR": folder}
        command = ["serve", "--port", str(_free_port())]
        async with _running("SQLite, queue in-process", settings, command, platform, posts, in_flight) as engine:
            yield engine


@contextlib.asynccontextmanager
async def _running(
    name: str, settings: Mapping[str, str], command: list[str], platform: Platform, posts: int, in_flight: int
) -> AsyncIterator[Engine]:
    settings = {
        **settings, "IN_FLIGHT": str(in_flight), "CONNECTIONS": str(in_flight), "LOG_LEVEL": "WARNING",
        "ALLOW_PRIVATE_HOSTS": f"127.0.0.1:{platform.port}", "PRACTICE_HOSTS": f"127.0.0.1:{platform.port}",
    }  # fmt: skip
    database = Database(settings["DATABASE_URL"], pool=2)
    sealer = Keyring(Path(settings["DATA_DIR"]) / "keys").load_or_generate().sealer
    rows = await Rows.made(database, sealer, platform.url, posts)
    environment = os.environ | {f"BEATLINE_{key}": value for key, value in settings.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "beatline", *command, env=environment)
    engine = Engine(name, platform, rows, process.pid)
    try:
        await rows.due(min(EACH * 50, posts), now())  # it lives, and has seen all of its own code once
        await engine.all_sent()
        yield engine
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await database.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
