"""The short way of writing down what was sent agrees with the table of a delivery's life, from every state."""

from dataclasses import fields
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryState
from api.outbox import service as outbox
from api.outbox.life import Life, Outcome, Rules, Sent, Waits, after
from tests.api.outbox.test_outbox import account_of, put_in, queued
from tests.support.factories import Cast

RULES = Rules(30, timedelta(seconds=30), 20)


async def life_of(runtime: Runtime, delivery: Delivery) -> Life:
    async with runtime.read() as session:
        row = (await session.execute(select(Delivery).where(col(Delivery.id) == delivery.id))).scalar_one()
        return Life(**{field.name: getattr(row, field.name) for field in fields(Life)})


@pytest.mark.parametrize("state", list(DeliveryState))
async def test_an_answer_with_a_remote_id_becomes_what_the_table_says(
    runtime: Runtime, cast: Cast, state: DeliveryState
) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast), seconds=-2)
    await put_in(
        runtime, delivery, state, claimed_by="me", lease_until=now(), attempts=2, given_up_at=now(), error="Lost."
    )
    before = await life_of(runtime, delivery)
    sent, moment = Sent("11", "https://town.example/11", now()), now()
    async with runtime.unit_of_work() as session:
        recorded = await outbox.record(session, [Outcome(delivery.id, "another", sent)], moment, RULES)
    expected = after(before, sent, "another", moment, RULES)
    assert await life_of(runtime, delivery) == (expected or before)
    assert [each.state for each in recorded] == ([DeliveryState.SENT] if expected else [])
    assert [each.lateness_ms for each in recorded] == ([expected.lateness_ms] if expected else [])


async def test_what_was_sent_and_what_was_not_are_written_down_together(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    out, waits, kept = [await queued(runtime, cast, account) for _ in range(3)]
    for each in (out, waits, kept):
        await put_in(runtime, each, DeliveryState.SENDING, claimed_by="me", attempts=1)
    outcomes = [
        Outcome(out.id, "me", Sent("1", "https://town.example/1", now())),
        Outcome(waits.id, "me", Waits("The server asks us to wait.", now() + timedelta(minutes=1), counts=False)),
    ]
    async with runtime.unit_of_work() as session:
        assert len(await outbox.record(session, outcomes, now(), RULES)) == 2
    states = [(await life_of(runtime, each)).state for each in (out, waits, kept)]
    assert states == [DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.SENDING]


async def test_when_something_of_an_account_last_went_out_is_noted(runtime: Runtime, cast: Cast) -> None:
    account, other = await account_of(runtime, cast), await account_of(runtime, cast)
    moment = now()
    async with runtime.unit_of_work() as session:
        await outbox.note_sent(session, {account.id: moment})
    async with runtime.read() as session:
        noted = await session.get(Account, account.id)
        untouched = await session.get(Account, other.id)
    assert noted is not None
    assert untouched is not None
    assert (noted.last_sent_at, untouched.last_sent_at) == (moment, None)


async def test_nothing_to_note_is_nothing_to_do(runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        await outbox.note_sent(session, {})
