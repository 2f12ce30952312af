"""One parameter for many ids, and an index that serves it."""

from sqlalchemy import select, text
from sqlmodel import col

from api.core.among import among
from api.core.runtime import Runtime
from api.models import Delivery
from tests.api.outbox.test_outbox import account_of, queued
from tests.support.factories import Cast


async def test_it_finds_those_and_no_others(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    one, two, _ = [await queued(runtime, cast, account) for _ in range(3)]
    async with runtime.read() as session:
        for wanted in ([], [one.id], [one.id, two.id]):
            rows = await session.execute(select(col(Delivery.id)).where(among(col(Delivery.id), wanted)))
            assert set(rows.scalars()) == set(wanted)


async def test_it_is_a_search_and_never_a_scan_of_everything(runtime: Runtime, cast: Cast) -> None:
    statement = select(col(Delivery.id)).where(among(col(Delivery.id), []), col(Delivery.attempts) == 0)
    compiled = statement.compile(runtime.database.engine.sync_engine, compile_kwargs={"literal_binds": False})
    assert "= 1" not in str(compiled)
    if runtime.database.sqlite:
        async with runtime.read() as session:
            plan = await session.execute(text(f"EXPLAIN QUERY PLAN {compiled}".replace("?", "'[]'")))
            assert not any("SCAN deliveries" in row[3] for row in plan)
