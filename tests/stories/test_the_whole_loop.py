"""A post goes out on time, the town answers, the team replies: with real processes, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.the_loop import told
from tests.support import means
from tests.support.installation import an_office, apart, embedded
from tests.support.town import RunningTown, running_town


@pytest.fixture
async def town() -> AsyncIterator[RunningTown]:
    async with running_town() as town:
        yield town


async def test_on_one_process_with_nothing_installed(tmp_path: Path, town: RunningTown) -> None:
    async with (
        embedded(tmp_path, town) as installation,
        an_office(installation, installation.running[0].address) as office,
    ):
        await told(office, town)


@pytest.mark.skipif(
    not (means.DATABASE_URL and means.REDIS_URL), reason="no PostgreSQL or no Redis: BEATLINE_TEST_… are not set"
)
async def test_on_postgresql_and_redis_with_each_kind_of_work_apart(tmp_path: Path, town: RunningTown) -> None:
    async with (
        apart(tmp_path, town, means.DATABASE_URL, means.REDIS_URL) as installation,
        an_office(installation, installation.running[0].address) as office,
    ):
        await told(office, town)
