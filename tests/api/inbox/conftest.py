"""An account of Alice's team that residents write to."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.models import Account
from tests.support.factories import Cast, an_account


@pytest.fixture
async def account(cast: Cast, session: AsyncSession) -> Account:
    return await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")
