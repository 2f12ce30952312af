"""Hours in minutes: steady sending on both practice servers while things break and a worker is killed now and then.

python -m benchmarks.soak [--seconds 600] [--rate 50] [--seed 1]

On PostgreSQL and Redis with two workers, where BEATLINE_TEST_DATABASE_URL and BEATLINE_TEST_REDIS_URL name them; else on
SQLite with one. Ends with 1 when anything was lost, doubled, or is shown otherwise than it is.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import linear_regression
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import func, insert, select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.database import Database
from api.core.ids import new_id
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.models import Account, Delivery, DeliveryState, SecretKind
from api.platforms.values import Platform, Visibility
from tests.support import databases, means
from tests.support.factories import a_cast
from tests.support.judge import untrue
from tests.support.sky import RunningSky, running_sky
from tests.support.stage import OPEN
from tests.support.town import RunningTown, running_town
from tests.support.trial import RESIDENT
from tests.support.worker_process import WorkerProcess
from workers.queue import ArqQueue
from workers.town.scenario import people
from workers.vault import Keyring

ACCOUNTS = 40
"""On each platform. One that waits for a second holds up nobody else."""
SPEED = {"lease": 3.0, "request_timeout": 2.0, "read_back_wait": 4.0, "look_ahead": 2.0, "dispatch_interval": 0.2}
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "lost_answer", "probability": 0.02},
    {"kind": "error_after", "probability": 0.01},
    {"kind": "error_before", "probability": 0.01},
    {"kind": "reset", "probability": 0.01},
    {"kind": "cut_body", "probability": 0.01},
    {"kind": "html", "probability": 0.005},
    {"kind": "slow_after", "probability": 0.005, "seconds": 2.5},
    {"kind": "rate_limited", "probability": 0.002, "seconds": 1.0},
)
EXPIRED = {"kind": "token_expired", "path": "/xrpc/com.atproto.repo.putRecord", "probability": 0.005}
KILLED_EVERY = (8.0, 20.0)
GIVE_UP_AFTER = 180.0
KINDS = ("post",) * 7 + ("reply",) * 2 + ("direct",)


@dataclass
class Field:
    """Both servers, and our accounts on them."""

    runtime: Runtime
    town: RunningTown
    sky: RunningSky
    accounts: list[tuple[Account, dict[str, str]]] = field(default_factory=list)
    """With what a resident said to each: in public, and to it alone."""

    def server(self, platform: Platform) -> RunningTown:
        return self.sky if platform is Platform.BLUESKY else self.town


def names() -> tuple[str, ...]:
    return tuple(one.handle for one in people() if "@" not in one.handle and one.handle != RESIDENT)[:ACCOUNTS]


async def settle_in(where: Field) -> Any:
    sealer = Keyring(where.runtime.settings.keys).load_or_generate().sealer
    async with where.runtime.unit_of_work() as session:
        cast = await a_cast(session)
        for name in names():
            for platform, secret, remote_id, handle in (await on_town(where, name), await on_sky(where, name)):
                account = Account(
                    force_id=cast.force.id, platform=platform, instance=where.server(platform).url, name=name,
                    remote_id=remote_id, handle=handle, practice=True,
                )  # fmt: skip
                session.add(account)
                await session.flush()
                await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealer.seal(secret.encode()))
                where.accounts.append((account, await asked(where.server(platform), name)))
    return cast.force.id


async def on_town(where: Field, name: str) -> tuple[Platform, str, str, str]:
    async with where.town.client(name) as client:
        me = (await client.get("/api/v1/accounts/verify_credentials")).json()
    return Platform.MASTODON, where.town.tokens[name], me["id"], f"{name}@town.example"


async def on_sky(where: Field, name: str) -> tuple[Platform, str, str, str]:
    session = await where.sky.session(name)
    return Platform.BLUESKY, where.sky.token(session).secret, session["did"], session["handle"]


async def asked(server: RunningTown, name: str) -> dict[str, str]:
    said = {
        kind: await server.say(RESIDENT, "Is anybody there?", to=name, visibility=kind) for kind in ("public", "direct")
    }
    return {kind: str(one["id"]) for kind, one in said.items()}


def drawn(where: Field, force_id: Any, number: int, due: datetime, chance: Random) -> dict[str, Any]:
    account, said = chance.choice(where.accounts)
    kind = chance.choice(KINDS)
    visibility = Visibility.DIRECT if kind == "direct" else Visibility.PUBLIC
    text = f"@{RESIDENT} {number}" if kind == "direct" and account.platform is Platform.MASTODON else f"Number {number}"
    made = now()
    return {
        "id": new_id(), "force_id": force_id, "account_id": account.id, "text": text, "visibility": visibility,
        "in_reply_to": {"post": None, "reply": said["public"], "direct": said["direct"]}[kind],
        "state": DeliveryState.QUEUED, "due_at": due, "not_before": due, "useful_until": due + timedelta(hours=2),
        "created_at": made, "updated_at": made,
    }  # fmt: skip


async def send_steadily(where: Field, force_id: Any, seconds: float, rate: int, chance: Random) -> int:
    """A second's worth at a time, each due at a moment of its own in the next second."""
    number, ends_at = 0, time.monotonic() + seconds
    while time.monotonic() < ends_at:
        began = time.monotonic()
        rows = [
            drawn(where, force_id, number + n, now() + timedelta(seconds=1 + n / rate), chance) for n in range(rate)
        ]
        async with where.runtime.unit_of_work() as session:
            await session.execute(insert(Delivery), rows)
        number += rate
        await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
    return number


async def kill_now_and_then(worker: WorkerProcess, chance: Random, killed: Counter[str]) -> None:
    while True:
        await asyncio.sleep(chance.uniform(*KILLED_EVERY))
        worker.kill()
        killed["times"] += 1
        await asyncio.sleep(chance.uniform(0.2, 2.0))
        worker.start()


async def weigh(worker: WorkerProcess, weights: list[tuple[float, float]]) -> None:
    """Seconds, and megabytes of the worker that nobody kills."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(1)
        weights.append((time.monotonic() - began, worker.megabytes()))


async def all_settled(where: Field) -> None:
    deadline = time.monotonic() + GIVE_UP_AFTER
    while time.monotonic() < deadline:
        async with where.runtime.read() as session:
            left = await session.execute(select(func.count()).where(col(Delivery.state).in_(OPEN)))
        if not left.scalar_one():
            return
        await asyncio.sleep(0.5)


async def everything(where: Field) -> list[Delivery]:
    async with where.runtime.read() as session:
        return list((await session.execute(select(Delivery))).scalars())


async def judged(where: Field, deliveries: list[Delivery]) -> list[str]:
    wrong = []
    for account, _ in where.accounts:
        there = await where.server(account.platform).posts(account.name, "api")
        wrong += untrue([each for each in deliveries if each.account_id == account.id], there)
    return wrong


def lines(deliveries: list[Delivery], seconds: float, weights: list[tuple[float, float]]) -> Iterator[str]:
    late = sorted(each.lateness_ms or 0 for each in deliveries if each.state is DeliveryState.SENT) or [0]
    states = Counter(each.state.value for each in deliveries)
    yield f"sent          {states['sent']} in {seconds:.0f} s: {states['sent'] / seconds:.1f}/s"
    yield f"late          p50 {late[len(late) // 2]} ms, p99 {late[int(len(late) * 0.99)]} ms, max {late[-1]} ms"
    yield f"states        {', '.join(f'{state} {count}' for state, count in states.most_common())}"
    steady = weights[len(weights) // 5 :]
    if len(steady) > 2:
        slope = linear_regression(*zip(*steady, strict=True)).slope * 60
        quarters = " → ".join(f"{weights[len(weights) * n // 4 - 1][1]:.0f}" for n in range(1, 5))
        yield f"memory        {quarters} MB at each quarter, {slope:+.2f} MB a minute after the first fifth"


@asynccontextmanager
async def a_field(folder: Path) -> AsyncIterator[Field]:
    postgresql = bool(means.DATABASE_URL and means.REDIS_URL)
    if postgresql:
        url = await databases.own_postgresql(means.DATABASE_URL, "_soak")
        async with Redis.from_url(means.REDIS_URL) as redis:
            await redis.flushdb()
    else:
        url = databases.sqlite_copy(await databases.sqlite_template(folder), folder)
    async with running_town(names(), rate_limit=10_000_000) as town, running_sky(names(), rate_limit=10_000_000) as sky:
        settings = Settings(
            data_dir=folder, database_url=url, redis_url=means.REDIS_URL if postgresql else "memory://",
            allow_private_hosts=frozenset({f"127.0.0.1:{server.port}" for server in (town, sky)}), **SPEED,
        )  # fmt: skip
        runtime = Runtime(settings, Database(url, pool=4))
        if postgresql:
            runtime = Runtime(settings, Database(url, pool=4), ArqQueue(means.REDIS_URL))
        try:
            yield Field(runtime, town, sky)
        finally:
            if isinstance(runtime.queue, ArqQueue):
                await runtime.queue.close()
            await runtime.close()
            if postgresql:
                await databases.drop_postgresql(means.DATABASE_URL, url)


async def soak(where: Field, seconds: float, rate: int, seed: int) -> int:
    chance, killed, weights = Random(seed), Counter[str](), list[tuple[float, float]]()
    force_id = await settle_in(where)
    await where.town.faults(
        *({**one, "method": "POST", "path": "/api/v1/statuses"} for one in FAULTS), idempotency=False, lag_seconds=0.2
    )
    await where.sky.faults(
        *({**one, "path": path} for one in FAULTS for path in ("*.putRecord", "*.sendMessage")), EXPIRED
    )
    workers = [WorkerProcess(where.runtime.settings) for _ in range(1 if where.runtime.settings.embedded else 2)]
    for worker in workers:
        worker.start()
    beside = [asyncio.create_task(kill_now_and_then(workers[-1], chance, killed))]
    if len(workers) > 1:
        beside.append(asyncio.create_task(weigh(workers[0], weights)))
    try:
        queued = await send_steadily(where, force_id, seconds, rate, Random(seed))
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        workers[-1].kill()
        workers[-1].start()
        await all_settled(where)
        deliveries = await everything(where)
        wrong = await judged(where, deliveries)
    finally:
        for worker in workers:
            worker.kill()
    unsure = [each for each in deliveries if each.state is not DeliveryState.SENT]
    sys.stdout.write("\n".join([f"killed        {killed['times']} times", *lines(deliveries, seconds, weights)]) + "\n")
    sys.stdout.write(f"not true      {len(wrong)}; not sent {len(unsure)}; not queued {queued - len(deliveries)}\n")
    for each in wrong[:20]:
        sys.stdout.write(f"  {each}\n")
    return 1 if wrong or unsure else 0


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=50, help="deliveries in a second")
    parser.add_argument("--seed", type=int, default=1)
    asked_for = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with a_field(Path(folder)) as where:
            return await soak(where, asked_for.seconds, asked_for.rate, asked_for.seed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
