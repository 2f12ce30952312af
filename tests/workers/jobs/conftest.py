"""A stage for sending: accounts with sealed tokens, a small town, and a worker that can be started and stopped."""

from collections.abc import AsyncIterator

import pytest

from api.core.runtime import Runtime
from tests.support.factories import Cast
from tests.support.practice import Practice, practising
from tests.support.small_town import SmallTown
from tests.support.stage import QUICK, Stage


@pytest.fixture
async def stage(runtime: Runtime, cast: Cast) -> AsyncIterator[Stage]:
    runtime.settings = runtime.settings.model_copy(update=QUICK)
    stage = Stage(runtime, cast, SmallTown())
    yield stage
    await stage.close()


@pytest.fixture
async def practice(runtime: Runtime, cast: Cast) -> AsyncIterator[Practice]:
    async with practising(runtime, cast) as practice:
        yield practice
