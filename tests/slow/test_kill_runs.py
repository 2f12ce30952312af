"""Everything that can die dies, at random moments: every post is out exactly once, and every state shown is true.

A failed run is replayed with BEATLINE_KILL_SEED=<seed>.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy import func, select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.database import Database
from api.core.jobs import Job
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.models import Account, Delivery, DeliveryState, SecretKind, Viewer
from api.outbox import service as outbox
from api.platforms.values import Platform
from tests.support import databases, means
from tests.support.factories import a_cast
from tests.support.stage import OPEN
from tests.support.town import FORCE, RunningTown, running_town
from tests.support.worker_process import WorkerProcess
from workers.queue import ArqQueue
from workers.vault import Keyring

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SEEDS = [int(os.environ["BEATLINE_KILL_SEED"])] if "BEATLINE_KILL_SEED" in os.environ else list(range(1, 21))
POSTS = 200
QUICK = {
    "look_ahead": 1.0, "lease": 1.2, "dispatch_interval": 0.1, "request_timeout": 0.6, "read_back_wait": 0.9,
    "drain": 1.0, "in_flight": 50, "claim_batch": 60,
}  # fmt: skip
LOST = {"kind": "lost_answer", "method": "POST", "path": "/api/v1/statuses", "probability": 0.1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town() -> AsyncIterator[RunningTown]:
    async with running_town(rate_limit=1_000_000) as town:
        yield town


async def the_accounts(runtime: Runtime, town: RunningTown) -> tuple[Viewer, list[Account]]:
    """The force's accounts in the town, connected."""
    sealer = Keyring(runtime.settings.keys).load_or_generate().sealer
    accounts = []
    async with runtime.unit_of_work() as session:
        cast = await a_cast(session)
        for handle in FORCE:
            async with town.client(handle) as client:
                me = (await client.get("/api/v1/accounts/verify_credentials")).json()
            account = Account(
                force_id=cast.force.id, team_id=cast.team.id, platform=Platform.MASTODON, instance=town.url,
                remote_id=me["id"], handle=handle, name=handle, practice=True,
            )  # fmt: skip
            session.add(account)
            await session.flush()
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealer.seal(town.tokens[handle].encode()))
            accounts.append(account)
    return cast.alice, accounts


async def queue_posts(runtime: Runtime, viewer: Viewer, accounts: list[Account]) -> None:
    due = now() + timedelta(seconds=0.3)
    async with runtime.unit_of_work() as session:
        for number in range(POSTS):
            account = accounts[number % len(accounts)]
            await outbox.queue(session, viewer, account, f"Post number {number}", due, team_id=account.team_id)


async def still_open(runtime: Runtime) -> int:
    async with runtime.read() as session:
        return int((await session.execute(select(func.count()).where(col(Delivery.state).in_(OPEN)))).scalar_one())


async def all_done(runtime: Runtime) -> None:
    """A few seconds; the limit is for a machine with much else to do."""
    async with asyncio.timeout(120):
        while await still_open(runtime):  # noqa: ASYNC110 - other processes do the work
            await asyncio.sleep(0.1)


async def everything_is_true(runtime: Runtime, town: RunningTown) -> None:
    """Nothing lost, nothing doubled, and each row names the very post that it became, not early and not unlinked."""
    posts = {post["id"]: post for post in await town.posts()}
    assert Counter(post["text"] for post in posts.values()) == {f"Post number {n}": 1 for n in range(POSTS)}
    async with runtime.read() as session:
        deliveries = list((await session.execute(select(Delivery))).scalars())
    assert Counter(delivery.state for delivery in deliveries) == {DeliveryState.SENT: POSTS}
    for delivery in deliveries:
        assert delivery.remote_id is not None
        assert delivery.sent_at is not None
        assert posts[delivery.remote_id]["text"] == delivery.text
        assert delivery.sent_at >= delivery.due_at - timedelta(milliseconds=1)
        assert delivery.error is None


async def mischief(town: RunningTown, seed: int) -> None:
    """Some servers know idempotency keys and some do not; some show a new post late in their own list."""
    await town.reset()
    await town.faults(LOST, idempotency=seed % 2 == 0, lag_seconds=0.2 if seed % 3 == 0 else 0.0)


@pytest.mark.skipif(not (means.DATABASE_URL and means.REDIS_URL), reason="needs PostgreSQL and Redis")
@pytest.mark.parametrize("seed", SEEDS)
async def test_workers_killed_on_postgresql_and_redis(
    seed: int, postgresql_url: str, tmp_path: Path, town: RunningTown
) -> None:
    chance = Random(seed)
    await databases.clear_postgresql(postgresql_url)
    settings = Settings(
        data_dir=tmp_path, database_url=postgresql_url, redis_url=means.REDIS_URL,
        allow_private_hosts=frozenset({f"127.0.0.1:{town.port}"}), **QUICK,
    )  # fmt: skip
    runtime = Runtime(settings, Database(postgresql_url, pool=2), ArqQueue(means.REDIS_URL))
    workers = [WorkerProcess(settings) for _ in range(2)]
    try:
        await mischief(town, seed)
        viewer, accounts = await the_accounts(runtime, town)
        for worker in workers:
            worker.start()
        await queue_posts(runtime, viewer, accounts)
        flush_after = chance.randrange(4)
        for turn in range(4):
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            worker = chance.choice(workers)
            worker.kill()
            if turn == flush_after:
                async with Redis.from_url(means.REDIS_URL) as redis:
                    await redis.flushdb()
            await asyncio.sleep(chance.uniform(0, 0.3))
            worker.start()
            runtime.wake(Job("send"))
        await all_done(runtime)
        await everything_is_true(runtime, town)
    finally:
        for worker in workers:
            worker.kill()
        assert isinstance(runtime.queue, ArqQueue)
        await runtime.queue.close()
        await runtime.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_only_process_killed_on_sqlite(
    seed: int, sqlite_template: Path, tmp_path: Path, town: RunningTown
) -> None:
    chance = Random(seed)
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    settings = Settings(
        data_dir=tmp_path, database_url=url, redis_url="memory://",
        allow_private_hosts=frozenset({f"127.0.0.1:{town.port}"}), **QUICK,
    )  # fmt: skip
    runtime = Runtime(settings, Database(url, pool=2))
    process = WorkerProcess(settings)
    try:
        await mischief(town, seed)
        await queue_posts(runtime, *await the_accounts(runtime, town))
        process.start()
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.1, 0.7))
            process.kill()
            process.start()
        await all_done(runtime)
        await everything_is_true(runtime, town)
    finally:
        process.kill()
        await runtime.close()
