"""A copy of a PostgreSQL installation, put back: what was due meanwhile is in doubt, never simply sent."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.core.clock import now
from api.core.database import Database
from api.models import Delivery, DeliveryState
from tests.support import databases, means
from tests.support.command import beatline
from tests.support.factories import a_cast, an_account

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not means.DATABASE_URL, reason="BEATLINE_TEST_DATABASE_URL is not set"),
]


async def test_what_was_queued_in_the_copy_and_is_due_is_looked_for_first(postgresql_url: str, tmp_path: Path) -> None:
    await databases.clear_postgresql(postgresql_url)
    database = Database(postgresql_url, pool=2)
    async with database.write() as session:
        cast = await a_cast(session)
        account = await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")
        for due in (now() - timedelta(minutes=1), now() + timedelta(hours=1)):
            session.add(
                Delivery(
                    force_id=cast.force.id, team_id=cast.team.id, account_id=account.id, text="Road closed",
                    due_at=due, not_before=due, useful_until=now() + timedelta(hours=3),
                )
            )  # fmt: skip
    await database.close()
    settings = {"BEATLINE_DATABASE_URL": postgresql_url, "BEATLINE_DATA_DIR": str(tmp_path / "data")}
    assert beatline("migrate", **settings).returncode == 0
    copy = tmp_path / "copy.zip"
    for command in (("backup", copy), ("restore", copy, "--replace")):
        said = beatline(*command, **settings)
        assert said.returncode == 0, said.stderr
    async with (restored := Database(postgresql_url, pool=2)).read() as session:
        states = (await session.execute(select(col(Delivery.state)).order_by(col(Delivery.due_at)))).scalars().all()
    await restored.close()
    assert states == [DeliveryState.UNKNOWN, DeliveryState.QUEUED]
