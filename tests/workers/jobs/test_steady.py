"""Loops outlive their database, and say so once."""

import asyncio

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from api.models import DeliveryState
from tests.support import means
from tests.support.stage import Stage, soon
from workers.jobs.steady import keep


async def test_a_run_of_failures_is_one_line_at_its_beginning_and_one_at_its_end() -> None:
    stop, tries = asyncio.Event(), 0

    async def step() -> float:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OSError("gone")
        stop.set()
        return 0.0

    structlog.reset_defaults()
    with capture_logs() as lines:
        await asyncio.wait_for(keep("claim", step, stop), 5)
    assert tries == 4
    assert [(line["event"], line.get("failures")) for line in lines] == [("interrupted", None), ("working again", 3)]


async def test_a_bell_cuts_a_rest_short_also_when_it_was_rung_during_the_step() -> None:
    stop, bell, steps = asyncio.Event(), asyncio.Event(), 0

    async def step() -> float:
        nonlocal steps
        steps += 1
        bell.set()
        if steps == 3:
            stop.set()
        return 60.0

    await asyncio.wait_for(keep("claim", step, stop, bell), 5)
    assert steps == 3


# SQLite has no connections to drop.
@pytest.mark.parametrize("database_url", [name for name in means.DATABASES if name != "sqlite"], indirect=True)
async def test_a_database_that_drops_every_connection_makes_it_late_not_lost(stage: Stage, database_url: str) -> None:
    accounts = [await stage.account() for _ in range(4)]
    for number in range(40):
        await stage.queue(accounts[number % 4], f"Number {number}", soon(0.02 * number))
    stage.start()
    killer = await asyncpg.connect(database_url)
    for _ in range(5):
        await asyncio.sleep(0.15)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await killer.close()

    async def all_sent() -> bool:
        return len(stage.town.statuses) == 40

    await stage.until(all_sent, within=30)
    await stage.until(stage._nothing_open, within=30)
    assert {delivery.state for delivery in await stage.all()} == {DeliveryState.SENT}
    assert sorted(status.text for status in stage.town.statuses) == sorted(f"Number {n}" for n in range(40))
