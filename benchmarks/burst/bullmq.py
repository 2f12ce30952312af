"""BullMQ doing the same in one Node process: fetched into .cache when npm is there."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import make_url, select
from sqlmodel import col

from api.core.database import Database
from api.core.sealing import Sealer
from api.models import Delivery
from benchmarks.answering import Platform
from benchmarks.burst.result import Result, ahead, cpu_of
from benchmarks.burst.rows import Rows
from tests.support import databases

CACHE = Path(".cache/bullmq").absolute()
SCRIPT = Path(__file__).parent / "bull.mjs"
LONGEST_LINE = 64_000_000


@dataclass
class Bull:
    platform: Platform
    rows: Rows
    process: asyncio.subprocess.Process

    async def burst(self, posts: int) -> Result:
        await self.rows.clear()
        due = ahead(4 + posts / 2000)
        await self.rows.due(posts, due)
        jobs = await self._jobs(due)
        self.platform.seen()
        used = cpu_of(self.process.pid)
        answer = await self._told({"due": due.timestamp() * 1000, "jobs": jobs})
        cpu, seen = cpu_of(self.process.pid) - used, self.platform.seen()
        began = due.timestamp()
        return Result(
            "BullMQ, same rows", posts, sorted(answer["late"]), (min(seen.arrivals) - began) * 1000,
            sum(at < began for at in seen.arrivals), seen.overlaps, cpu, seen.cpu,
        )  # fmt: skip

    async def _jobs(self, due: datetime) -> list[dict[str, str]]:
        async with self.rows.database.read() as session:
            rows = await session.execute(
                select(col(Delivery.id), col(Delivery.account_id), col(Delivery.text)).where(
                    col(Delivery.due_at) == due
                )
            )
            return [{"id": str(row[0]), "account": row[1].hex, "text": row[2]} for row in rows]

    async def _told(self, burst: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(burst).encode() + b"\n")
        await self.process.stdin.drain()
        return await self.heard()

    async def heard(self) -> Any:
        assert self.process.stdout is not None
        async with asyncio.timeout(120):
            return json.loads(await self.process.stdout.readline())


async def installed() -> str:
    """Empty, or why it cannot take part."""
    if (CACHE / "node_modules" / "ioredis").exists():
        return ""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "BullMQ takes no part: there is no node and npm here."
    await asyncio.to_thread(_folder)
    process = await asyncio.create_subprocess_exec(
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "bullmq",
        "ioredis",
        "pg",
        cwd=CACHE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    return "" if await process.wait() == 0 else "BullMQ takes no part: npm could not install it."


def _folder() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "package.json").write_text('{"private": true}')


@contextlib.asynccontextmanager
async def bull(server: str, redis: str, platform: Platform, posts: int, in_flight: int) -> AsyncIterator[Bull]:
    url = await databases.own_postgresql(server, "bull")
    database = Database(url, pool=2)
    at = make_url(redis)
    asked = {
        "modules": str(CACHE), "database": url, "port": platform.port, "in_flight": in_flight,
        "redis": {"host": at.host or "127.0.0.1", "port": at.port or 6379, "db": int(at.database or 0)},
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "node", str(SCRIPT), json.dumps(asked), limit=LONGEST_LINE,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        rows = await Rows.made(database, Sealer(bytes(PrivateKey.generate().public_key)), platform.url, posts)
        engine = Bull(platform, rows, process)
        await engine.heard()
        yield engine
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await database.close()
        await databases.drop_postgresql(server, url)
