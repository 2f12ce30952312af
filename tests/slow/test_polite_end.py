"""A worker process that is asked to leave, as an orchestrator asks, finishes what it is sending first."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from api.models import DeliveryState
from api.platforms.values import Platform
from tests.support import means
from tests.support.trial import Ground, Kind, a_ground, a_trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    async with a_ground(tmp_path_factory.mktemp("trials"), sqlite_template) as ground:
        yield ground


@pytest.mark.parametrize("database", means.DATABASES)
@pytest.mark.parametrize("platform", list(Platform))
async def test_what_is_on_its_way_is_finished_and_written_down(
    platform: Platform, database: str, ground: Ground
) -> None:
    async with a_trial(ground, sqlite=database == "sqlite") as trial:
        await trial.connect(platform)
        sent = await trial.queue(platform, Kind.POST)
        slow = {"kind": "slow_after", "seconds": 0.3, "holding": sent.text}
        await ground.server(platform).faults(slow)
        worker = trial.work()
        async with asyncio.timeout(30):
            while not await ground.server(platform).posts(trial.slot.name, "api"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        assert await worker.stop() == 0
        assert (await trial.deliveries())[sent.id].state is DeliveryState.SENT
        await trial.everything_is_true()
