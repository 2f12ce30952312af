"""Pages on a clean database, and people in front of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from api.core.clock import now
from api.core.runtime import Runtime
from api.identity.door import Door
from api.models import Account, Viewer
from tests.support.factories import Cast, an_account
from tests.support.reader import Reader
from web.main import asgi, create_app

Sits = Callable[[Viewer], Awaitable[Reader]]


@pytest.fixture
async def door(runtime: Runtime) -> AsyncIterator[Door]:
    door = Door(runtime)
    yield door
    await door.close()


@pytest.fixture
def app(runtime: Runtime, door: Door) -> FastAPI:
    return create_app(runtime, door)


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[Reader]:
    """Nobody has signed in on this browser."""
    reader = Reader(asgi(app))
    yield reader
    await reader.close()


@pytest.fixture
async def sits(runtime: Runtime, door: Door) -> AsyncIterator[Sits]:
    """`await sits(cast.alice)`: Alice in front of a browser, already signed in."""
    readers = []

    async def sit(viewer: Viewer) -> Reader:
        async def as_them(_: Request) -> Viewer:
            return viewer

        readers.append(Reader(asgi(create_app(runtime, door, as_them))))
        return readers[-1]

    yield sit
    for reader in readers:
        await reader.close()


@pytest.fixture
async def account(cast: Cast, runtime: Runtime) -> Account:
    """The team's own, live and in a practice town."""
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")
        account.last_poll_at, account.created_at = now(), now() - timedelta(days=30)
        return account
