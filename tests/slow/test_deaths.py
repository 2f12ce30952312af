"""Each death comes where its name says: what the server has then, and what stands in the database, show it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from api.models import DeliveryState
from api.platforms.values import Platform
from tests.support import means
from tests.support.dying import Plan, Point
from tests.support.trial import Ground, Kind, Trial, a_ground, a_trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

NOT_THERE = {Point.BEFORE, Point.CONNECTED, Point.HALF}
SENDING, SENT = DeliveryState.SENDING, DeliveryState.SENT
STANDS = {Point.COMMITTING: {SENDING, SENT}, Point.COMMITTED: {SENT}}
"""In the database; everywhere else it is still being sent."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    async with a_ground(tmp_path_factory.mktemp("trials"), sqlite_template) as ground:
        yield ground


@pytest.mark.parametrize("database", means.DATABASES)
@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("point", [point for point in Point if point is not Point.NONE])
async def test_it_is_struck_down_where_it_should_be(
    point: Point, platform: Platform, database: str, ground: Ground
) -> None:
    async with a_trial(ground, sqlite=database == "sqlite") as trial:
        await trial.connect(platform)
        struck = await trial.queue(platform, Kind.POST)
        worker = trial.work(Plan(point, delivery=struck.id))
        assert await worker.died(60), "nobody was killed"
        assert (await trial.deliveries())[struck.id].state in STANDS.get(point, {SENDING})
        if point not in NOT_THERE:
            await arrives(trial, platform, struck.text)
        assert len(await texts(trial, platform)) == (point not in NOT_THERE)


async def arrives(trial: Trial, platform: Platform, text: str) -> None:
    """It was written whole: the server takes it in, though nobody waits for its answer."""
    async with asyncio.timeout(20):
        while text not in await texts(trial, platform):  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.05)


async def texts(trial: Trial, platform: Platform) -> list[str]:
    """What the server has from us of this trial."""
    there = await trial.ground.server(platform).posts(trial.slot.name, "api")
    return [post["text"] for post in there if trial.name in post["text"]]
