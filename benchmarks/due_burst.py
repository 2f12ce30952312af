"""N posts over N/4 accounts due in the same second: how late they go out, against plain asyncio in the same run.

python -m benchmarks.due_burst [--posts 500] [--in-flight 500] [--database postgresql://…]
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import uvloop
from sqlalchemy import func, insert, select
from sqlmodel import col

from api.core.clock import now
from api.core.database import Database
from api.core.ids import new_id
from api.core.runtime import Runtime
from api.core.sealing import Sealer
from api.core.settings import Settings
from api.models import Account, AccountState, Delivery, DeliveryState, Secret, SecretKind
from api.platforms.values import Platform, Visibility
from benchmarks.answering import answering
from tests.support import databases
from tests.support.factories import a_cast
from workers.context import Context
from workers.jobs.send import Dispatcher
from workers.main import close, make_context

EACH = 4
"""Posts of one account; they go out one after another."""


@dataclass(frozen=True)
class Result:
    name: str
    posts: int
    seconds: float
    lateness: list[float]
    """In milliseconds, sorted."""
    cpu: float

    @property
    def rate(self) -> float:
        return self.posts / self.seconds

    def line(self, limit: "Result") -> str:
        p50, p99 = (self.lateness[int(len(self.lateness) * share)] for share in (0.5, 0.99))
        return (
            f"{self.name:<28} {self.rate:>8,.0f}/s  {self.rate / limit.rate:>5.2f} of the limit   "
            f"late p50 {p50:>6.0f} ms  p99 {p99:>6.0f} ms  max {self.lateness[-1]:>6.0f} ms   "
            f"{self.cpu / self.posts * 1e6:>6.0f} µs CPU a send"
        )


async def plain(port: int, posts: int, in_flight: int) -> Result:
    """Raw connections, no state: as fast as asyncio can ask, in the same shape."""
    accounts = iter(range(posts // EACH))
    at_once = min(in_flight, posts // EACH)
    wires = [await asyncio.open_connection("127.0.0.1", port) for _ in range(at_once)]
    body = b'{"status":"Hello","visibility":"public","language":"en"}'
    request = (
        b"POST /api/v1/statuses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer token\r\nidempotency-key: key\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    )
    lateness: list[float] = []

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in accounts:
            for _ in range(EACH):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2].split(b"\r\n")[0]))
                lateness.append((time.perf_counter() - began) * 1000)

    used, began = _cpu(), time.perf_counter()
    await asyncio.gather(*(send(*wire) for wire in wires))
    seconds, cpu = time.perf_counter() - began, _cpu() - used
    for _, writer in wires:
        writer.close()
    return Result("plain asyncio (the limit)", posts, seconds, sorted(lateness), cpu)


async def burst(url: str, folder: Path, port: int, posts: int, in_flight: int) -> Result:
    """The dispatcher as it runs in a worker, through the Mastodon connector, with every change durable."""
    settings = Settings(
        data_dir=folder, database_url=url, in_flight=in_flight, connections=in_flight,
        allow_private_hosts=frozenset({f"127.0.0.1:{port}"}), redis_url="redis://unused",
    )  # fmt: skip
    async with _context(settings) as context:
        due = now() + timedelta(seconds=3 + posts / 5000)
        await _fill(context.runtime, context.vault.sealer, f"http://127.0.0.1:{port}", posts, due)
        stop = asyncio.Event()
        working = asyncio.create_task(Dispatcher(context).run(stop))
        await asyncio.sleep((due - now()).total_seconds() - 0.5)
        used = _cpu()
        while await _not_sent(context.runtime):  # noqa: ASYNC110
            await asyncio.sleep(0.25)
        cpu = _cpu() - used
        stop.set()
        await working
        async with context.runtime.read() as session:
            rows = (await session.execute(select(col(Delivery.lateness_ms)))).scalars()
            lateness = sorted(float(row) for row in rows if row is not None)
    return Result(f"dispatcher on {url.partition(':')[0]}", posts, lateness[-1] / 1000, lateness, cpu)


@asynccontextmanager
async def _context(settings: Settings) -> AsyncIterator[Context]:
    context = make_context(Runtime(settings, Database(settings.database)))
    try:
        yield context
    finally:
        await close(context)


async def _fill(runtime: Runtime, sealer: Sealer, instance: str, posts: int, due: datetime) -> None:
    box = sealer.seal(b"token")
    async with runtime.unit_of_work() as session:
        cast = await a_cast(session)
        accounts = [new_id() for _ in range(posts // EACH)]
        common = {"created_at": now(), "updated_at": now(), "version": 1, "force_id": cast.force.id}
        await session.execute(
            insert(Account),
            [
                common | {
                    "id": each, "team_id": cast.team.id, "platform": Platform.MASTODON, "instance": instance,
                    "remote_id": each.hex, "handle": each.hex, "name": "Team", "state": AccountState.ACTIVE,
                    "limits": {}, "practice": True,
                }
                for each in accounts
            ],
        )  # fmt: skip
        await session.execute(
            insert(Secret),
            [
                {"id": new_id(), "created_at": now(), "holder_id": each, "kind": SecretKind.ACCESS_TOKEN,
                 "key_id": box.key_id, "box": box.box}
                for each in accounts
            ],
        )  # fmt: skip
        await session.execute(
            insert(Delivery),
            [
                common | {
                    "id": new_id(), "team_id": cast.team.id, "account_id": accounts[number // EACH],
                    "text": f"Post number {number}", "visibility": Visibility.PUBLIC, "state": DeliveryState.QUEUED,
                    "due_at": due, "not_before": due, "useful_until": due + timedelta(hours=2),
                }
                for number in range(posts)
            ],
        )  # fmt: skip


async def _not_sent(runtime: Runtime) -> int:
    async with runtime.read() as session:
        rows = await session.execute(select(func.count()).where(col(Delivery.state) != DeliveryState.SENT))
        return int(rows.scalar_one())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(posts: int, in_flight: int, server: str) -> None:
    with answering() as port, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        limit = statistics_of([await plain(port, posts, in_flight) for _ in range(3)])
        print(f"{posts:,} posts over {posts // EACH:,} accounts, {in_flight} in flight, answered after 50 ms")
        print(limit.line(limit))
        template = await databases.sqlite_template(folder)
        print((await burst(f"sqlite:///{template}", folder, port, posts, in_flight)).line(limit))
        if server:
            url = await databases.own_postgresql(server)
            try:
                print((await burst(url, folder, port, posts, in_flight)).line(limit))
            finally:
                await databases.drop_postgresql(server, url)


def statistics_of(results: list[Result]) -> Result:
    """The middle one."""
    middle = statistics.median_low([result.seconds for result in results])
    return next(result for result in results if result.seconds == middle)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--in-flight", type=int, default=500)
    parser.add_argument("--database", default="", help="a PostgreSQL server to make a database on")
    asked = parser.parse_args()
    uvloop.run(measure(asked.posts, asked.in_flight, asked.database))
