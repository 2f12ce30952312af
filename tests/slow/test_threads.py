"""Threads in the practice town: workers killed between any two parts, answers lost at any part, each part there once.

A failed run is replayed with BEATLINE_KILL_SEED=<seed>.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlmodel import col

from api.core.clock import now
from api.core.database import Database
from api.core.jobs import Job
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.models import Account, Delivery, DeliveryState, Post, PostState, Viewer
from api.posts import service as posts
from api.posts.schemas import PostIn
from tests.slow.test_kill_runs import QUICK, all_done, the_accounts
from tests.support import databases, means
from tests.support.town import RunningTown, running_town
from tests.support.worker_process import WorkerProcess
from workers.queue import ArqQueue

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SEEDS = [int(os.environ["BEATLINE_KILL_SEED"])] if "BEATLINE_KILL_SEED" in os.environ else list(range(1, 9))
THREADS = 6
TEXT = "Lock the side gate, and the shed itself, before you go to bed. " * 26
"""A thread of four on an account that takes 500 characters."""
LOST = {"kind": "lost_answer", "method": "POST", "path": "/api/v1/statuses", "probability": 0.15}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town() -> AsyncIterator[RunningTown]:
    async with running_town(rate_limit=1_000_000) as town:
        yield town


async def write(runtime: Runtime, viewer: Viewer, accounts: list[Account]) -> list[UUID]:
    """Each to all accounts, under a warning."""
    made = []
    for number in range(THREADS):
        async with runtime.unit_of_work() as session:
            wanted = PostIn(
                team_id=accounts[0].team_id or UUID(int=0),
                text=f"Story {number}. {TEXT}",
                account_ids=[account.id for account in accounts],
                publish_at=now() + timedelta(seconds=0.3),
                as_thread=True,
                content_warning="Talks about burglary",
            )
            made.append((await posts.create(session, viewer, wanted)).id)
    return made


async def every_thread_hangs_together(runtime: Runtime, town: RunningTown) -> None:
    """Nothing lost, nothing doubled, each part under the one before, as the town itself has it."""
    there = {status["id"]: status for status in await town.posts()}
    async with runtime.read() as session:
        rows = (await session.execute(select(Delivery).order_by(col(Delivery.part)))).scalars().all()
        states = set((await session.execute(select(Post.state))).scalars())
    assert Counter(row.state for row in rows) == {DeliveryState.SENT: len(rows)}
    assert states == {PostState.SENT}
    assert len(there) == len(rows)
    by_id = {row.id: row for row in rows}
    assert {row.parts for row in rows} == {4}
    for row in rows:
        status: dict[str, Any] = there[row.remote_id or ""]
        before = by_id[row.parent_id].remote_id if row.parent_id else None
        assert (status["text"], status["in_reply_to_id"]) == (row.text, before)


async def mischief(town: RunningTown, seed: int) -> None:
    await town.reset()
    await town.faults(LOST, idempotency=seed % 2 == 0, lag_seconds=0.2 if seed % 3 == 0 else 0.0)


@pytest.mark.parametrize("seed", SEEDS)
async def test_threads_on_sqlite_with_their_only_process_killed(
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
        viewer, accounts = await the_accounts(runtime, town)
        await write(runtime, viewer, accounts)
        process.start()
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.2, 0.9))
            process.kill()
            process.start()
        await all_done(runtime)
        await every_thread_hangs_together(runtime, town)
    finally:
        process.kill()
        await runtime.close()


@pytest.mark.skipif(not (means.DATABASE_URL and means.REDIS_URL), reason="needs PostgreSQL and Redis")
@pytest.mark.parametrize("seed", SEEDS)
async def test_threads_on_postgresql_with_two_workers_killed_in_turns(
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
        await write(runtime, viewer, accounts)
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.1, 0.7))
            worker = chance.choice(workers)
            worker.kill()
            await asyncio.sleep(chance.uniform(0, 0.3))
            worker.start()
            runtime.wake(Job("send"))
        await all_done(runtime)
        await every_thread_hangs_together(runtime, town)
    finally:
        for worker in workers:
            worker.kill()
        assert isinstance(runtime.queue, ArqQueue)
        await runtime.queue.close()
        await runtime.close()
