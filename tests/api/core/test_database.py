"""A database that went away and came back is used again at once."""

import asyncio

import pytest
from sqlalchemy import text

from api.core.database import Database
from api.core.runtime import Runtime
from tests.support import means
from tests.support.factories import Cast

MY_CONNECTION = text("SELECT pg_backend_pid()")


# A file has no server that could go away.
@pytest.mark.parametrize("database_url", [name for name in means.DATABASES if name != "sqlite"], indirect=True)
async def test_a_connection_that_the_server_closed_is_never_handed_out(runtime: Runtime, cast: Cast) -> None:
    database = runtime.database
    async with database.read() as session:
        closed = (await session.execute(MY_CONNECTION)).scalar_one()
    await _close(database, closed)
    async with database.write() as session:
        assert (await session.execute(MY_CONNECTION)).scalar_one() != closed


async def _close(database: Database, pid: int) -> None:
    """As a server does that restarts; we go on once our driver has heard of it."""
    other = Database(database.url.render_as_string(hide_password=False).replace("+asyncpg", ""))
    connection = await database.engine.raw_connection()
    gone = asyncio.Event()
    assert connection.driver_connection is not None
    connection.driver_connection.add_termination_listener(lambda _: gone.set())
    connection.close()
    async with other.read() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await asyncio.wait_for(gone.wait(), 10)
    await other.close()
