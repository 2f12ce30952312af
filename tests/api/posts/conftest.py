"""A team with two accounts, and a way to send requests as any of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from api.core.runtime import Runtime
from api.library.routes import router as library
from api.models import Account, Viewer
from api.posts.routes import router as posts
from api.schedules.routes import router as schedules
from tests.support.calling import Caller, calling
from tests.support.factories import Cast, an_account


@dataclass(frozen=True)
class Accounts:
    north: Account
    quays: Account
    other_team: Account
    force_own: Account
    wexley: Account


@pytest.fixture
async def accounts(runtime: Runtime, cast: Cast) -> Accounts:
    async with runtime.unit_of_work() as session:
        accounts = Accounts(
            north=await an_account(session, cast.force, cast.team, "north@town.example"),
            quays=await an_account(session, cast.force, cast.team, "quays@town.example"),
            other_team=await an_account(session, cast.force, cast.other_team, "ashcombe@town.example"),
            force_own=await an_account(session, cast.force, None, "force@town.example"),
            wexley=await an_account(session, cast.wexley, cast.wexley_team, "wexley@town.example"),
        )
        accounts.quays.limits = {"max_length": 50}
        return accounts


@pytest.fixture
async def call(runtime: Runtime) -> AsyncIterator[Caller]:
    async with calling(runtime, [posts, schedules, library]) as caller:
        yield caller


def token(viewer: Viewer, *scopes: str) -> Viewer:
    return replace(viewer, scopes=frozenset(scopes))
