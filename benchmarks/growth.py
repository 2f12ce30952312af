"""What one send costs the database, with few and with many deliveries stored from before.

    python -m benchmarks.growth [--stored 10000,1000000] [--rounds 15] [--database postgresql://…]

Every size has a database of its own, on SQLite and, where a server is named, on PostgreSQL. The sizes take turns, round
by round, so that whatever else the machine does meets all of them. Exits with 1 when a send costs more than 1.2 times
as much with the most stored as with the fewest. Ten million on PostgreSQL take about 8 GB and a quarter of an hour.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from nacl.public import PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import now
from api.core.database import Database
from api.core.sealing import Sealer
from api.outbox import service as outbox
from api.outbox.life import Outcome, Rules, Sent
from benchmarks.burst.rows import Rows
from tests.support import databases

BATCH = 200
ACCOUNTS = 200
MOST = 1.2
AHEAD, LEASE = timedelta(seconds=5), timedelta(seconds=60)
RULES = Rules(30, timedelta(seconds=30), 20)
COLUMNS = (
    "id, created_at, updated_at, version, force_id, team_id, account_id, text, language, visibility, state, due_at,"
    " not_before, useful_until, attempts, empty_lists, read_backs, sent_at, lateness_ms, remote_id, url"
)
VALUES = "1, :force, :team, {account}, 'Surgery today', 'en', 'public', 'sent', {at}, {at}, {at}, 1, 0, 0, {at}, 40"
ON_POSTGRESQL = """
    INSERT INTO deliveries ({columns})
    SELECT gen_random_uuid(), {at}, {at}, {values}, 'old-' || n, 'https://town.example/' || n
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n, (SELECT array_agg(id) AS ids FROM accounts) AS a
"""
ON_SQLITE = """
    WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
      a AS (SELECT id, row_number() OVER () - 1 AS place FROM accounts)
    INSERT INTO deliveries ({columns})
    SELECT lower(hex(randomblob(16))), {at}, {at}, {values}, 'old-' || n, 'https://town.example/' || n
    FROM numbers JOIN a ON a.place = n % {accounts}
"""

Costs = dict[str, list[float]]
"""Milliseconds of each round, by step."""


class Store:
    """One database with so many deliveries that were sent long ago."""

    def __init__(self, database: Database, rows: Rows, stored: int) -> None:
        self.stored, self._database, self._rows = stored, database, rows
        self.costs: Costs = defaultdict(list)

    async def fill(self) -> None:
        began, step = time.perf_counter(), 100_000
        for first in range(0, self.stored, step):
            async with self._database.write() as session:
                await session.execute(
                    text(self._filling()),
                    {
                        "first": first,
                        "last": min(first + step, self.stored) - 1,
                        "force": self._plain(self._rows.cast.force.id),
                        "team": self._plain(self._rows.cast.team.id),
                    },
                )
        async with self._database.engine.connect() as connection:
            options = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await options.execute(text("ANALYZE" if self._database.sqlite else "VACUUM ANALYZE deliveries"))
        print(f"  {self.stored:>10,} stored in {time.perf_counter() - began:.0f} s")

    async def round(self) -> None:
        """What a worker does for a batch, from the look for what is due to the last word on it."""
        await self._rows.due(BATCH, now())
        moment = now()
        claims = await self._timed("claim", lambda s: outbox.claim(s, "w", moment, AHEAD, LEASE, BATCH))
        ids = [claim.id for claim in claims]
        await self._timed("fence", lambda s: outbox.start(s, "w", ids, moment, LEASE))
        await self._timed("renew", lambda s: outbox.renew(s, "w", ids, moment, LEASE))
        await self._timed("read back, the ids that are taken", self._linked)
        sent = [Outcome(each, "w", Sent(each.hex, "https://town.example/1", now())) for each in ids]
        await self._timed("record", lambda s: outbox.record(s, sent, moment, RULES))
        await self._timed("leases and missed", self._expire)
        assert len(ids) == BATCH

    async def _linked(self, session: AsyncSession) -> None:
        account = self._rows.accounts[0]
        await outbox.linked(session, account, UUID(int=0), now() - timedelta(minutes=10))

    async def _expire(self, session: AsyncSession) -> None:
        await outbox.expire_leases(session, now(), AHEAD)
        await outbox.miss(session, now())

    async def _timed(self, step: str, work: object) -> list[outbox.Claim]:
        began = time.perf_counter()
        async with self._database.write() as session:
            result = await work(session)  # type: ignore[operator]
        self.costs[step].append((time.perf_counter() - began) * 1000)
        return result  # type: ignore[no-any-return]

    def _filling(self) -> str:
        if self._database.sqlite:
            at = "datetime('now', '-' || (n % 500000 + 100) || ' minutes') || '.000000'"
            insert, account = ON_SQLITE, "a.id"
        else:
            at = "now() - (n % 500000 + 100) * interval '1 minute'"
            insert, account = ON_POSTGRESQL, f"a.ids[n % {ACCOUNTS} + 1]"
        values = VALUES.format(at=at, account=account)
        return insert.format(columns=COLUMNS, at=at, values=values, accounts=ACCOUNTS)

    def _plain(self, value: UUID) -> UUID | str:
        return value.hex if self._database.sqlite else value


@contextlib.asynccontextmanager
async def stores(server: str, sizes: list[int]) -> AsyncIterator[list[Store]]:
    made: list[Store] = []
    async with contextlib.AsyncExitStack() as stack:
        for size in sizes:
            if server:
                url = await databases.own_postgresql(server, f"growth_{size}")
                stack.push_async_callback(databases.drop_postgresql, server, url)
            else:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                url = databases.sqlite_copy(await databases.sqlite_template(folder), folder)
            database = Database(url, pool=2)
            stack.push_async_callback(database.close)
            sealer = Sealer(bytes(PrivateKey.generate().public_key))
            rows = await Rows.made(database, sealer, "https://town.example", ACCOUNTS * 4)
            made.append(Store(database, rows, size))
            await made[-1].fill()
        yield made


async def compare(server: str, sizes: list[int], rounds: int) -> bool:
    print(f"\n{'PostgreSQL' if server else 'SQLite'}; µs a send, the middle of {rounds} rounds of {BATCH}")
    async with stores(server, sizes) as made:
        for number in range(rounds + 2):
            for store in made:
                await store.round()
                if number < 2:  # it has seen everything once
                    store.costs.clear()
        print(f"  {'':<34}" + "".join(f"{store.stored:>14,}" for store in made) + "     most : fewest")
        for step in made[0].costs:
            _line(step, [_middle(store.costs[step]) for store in made])
        whole = [sum(_middle(each) for each in store.costs.values()) for store in made]
        _line("all of it", whole)
    kept = whole[-1] / whole[0] <= MOST
    print(f"  {'PASS' if kept else 'FAIL'}  a send costs at most {MOST} times as much")
    return kept


def _middle(times: list[float]) -> float:
    return statistics.median(times) / BATCH * 1000


def _line(name: str, costs: list[float]) -> None:
    print(f"  {name:<34}" + "".join(f"{cost:>14.1f}" for cost in costs) + f"  {costs[-1] / costs[0]:>14.2f}")


async def measure(server: str, sizes: list[int], rounds: int) -> bool:
    kept = await compare("", sizes, rounds)
    return (await compare(server, sizes, rounds) if server else True) and kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", default="10000,1000000")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--database", default="", help="a PostgreSQL server to make databases on")
    asked = parser.parse_args()
    numbers = sorted(int(size) for size in asked.stored.split(","))
    sys.exit(0 if asyncio.run(measure(asked.database, numbers, asked.rounds)) else 1)
