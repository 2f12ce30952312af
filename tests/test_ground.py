"""The ground itself: each test begins clean, and the cast is who we say they are."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.core.database import Database
from api.models import Force
from tests.support.factories import Cast, a_force, count_of


@pytest.mark.parametrize("time", ["first", "second"])
async def test_every_test_begins_with_an_empty_database(database: Database, time: str) -> None:
    assert await count_of(database, Force) == 0
    async with database.write() as session:
        await a_force(session, police_uk_id="the-same-each-time")


async def test_what_is_read_cannot_be_changed_by_reading(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(DBAPIError):
            await session.execute(text("DELETE FROM forces"))


async def test_the_cast_is_of_two_forces(cast: Cast) -> None:
    assert {viewer.force_id for viewer in cast.everyone_of_ours()} == {cast.force.id}
    assert {viewer.force_id for viewer in cast.strangers()} == {cast.wexley.id}
