"""A lost answer is looked for in the account's own list before anything is sent again."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from api.core.clock import now
from api.models import AccountState, DeliveryState
from api.outbox import service as outbox
from api.outbox.life import CANNOT_LOOK, NO_LONGER_USEFUL
from api.platforms.values import Request
from tests.support.stage import Stage, soon
from tests.workers.jobs.test_send import _account_is


def once(kind: str, method: str = "POST") -> Callable[[Request], str | None]:
    """That fault at the first such request, and never again."""
    left = [kind]
    return lambda request: left.pop() if request.method == method and left else None


@pytest.mark.parametrize("fault", ["lost_after", "500_after"])
@pytest.mark.parametrize("idempotent", [True, False])
async def test_what_went_out_is_found_and_not_sent_again(stage: Stage, fault: str, idempotent: bool) -> None:
    stage.town.fault, stage.town.idempotent = once(fault), idempotent
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed")
    stage.start()
    sent = await stage.is_in(delivery, DeliveryState.SENT)
    assert (sent.remote_id, sent.attempts, sent.error) == ("1000", 1, None)
    assert stage.town.texts(account.remote_id) == ["Road closed"]
    assert sent.sent_at is not None
    assert abs(sent.sent_at - stage.town.statuses[0].at) < timedelta(milliseconds=2), "the platform's own time"


@pytest.mark.parametrize("fault", ["lost_before", "500_before"])
async def test_what_is_not_there_is_sent_again_after_two_lists_and_the_wait(stage: Stage, fault: str) -> None:
    stage.town.fault, stage.town.idempotent = once(fault), False
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed")
    began = now()
    stage.start()
    sent = await stage.is_in(delivery, DeliveryState.SENT)
    assert [call[0] for call in stage.town.calls] == ["POST", "GET", "GET", "POST"]
    assert stage.town.statuses[0].at - began >= timedelta(seconds=stage.runtime.settings.read_back_wait)
    assert stage.town.statuses[0].key == str(delivery.id)
    assert sent.attempts == 2


async def test_a_list_that_lags_does_not_double_a_post(stage: Stage) -> None:
    stage.town.fault, stage.town.idempotent, stage.town.list_lag = once("lost_after"), False, 0.15
    account = await stage.account()
    await stage.queue(account, "Road closed")
    stage.start()
    await stage.settled()
    assert stage.town.texts(account.remote_id) == ["Road closed"]


async def test_a_list_is_read_back_past_the_attempt_however_many_came_after(stage: Stage) -> None:
    stage.town.fault, stage.town.idempotent, stage.town.list_lag = once("lost_after"), False, 0.1
    account = await stage.account()
    for number in range(60):
        await stage.queue(account, f"Number {number}", soon(0.001 * number))
    stage.start()
    await stage.settled()
    assert sorted(stage.town.texts(account.remote_id)) == sorted(f"Number {number}" for number in range(60))


async def test_an_unknown_one_does_not_hold_up_what_comes_after(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"read_back_wait": 5.0})
    stage.town.fault = once("lost_before")
    account = await stage.account()
    first = await stage.queue(account, "Fete on Saturday")
    second = await stage.queue(account, "Flood warning: leave Mill Lane now", soon(0.01))
    stage.start()
    await stage.is_in(second, DeliveryState.SENT)
    assert (await stage.delivery(first.id)).state is DeliveryState.UNKNOWN


async def test_the_same_words_twice_are_two_posts(stage: Stage) -> None:
    stage.town.fault, stage.town.idempotent = once("lost_after"), False
    account = await stage.account()
    for number in range(3):
        await stage.queue(account, "Surgery today at 2pm", soon(0.01 * number))
    stage.start()
    sent = await stage.settled()
    assert len(stage.town.texts(account.remote_id)) == 3
    assert {delivery.state for delivery in sent} == {DeliveryState.SENT}
    assert len({delivery.remote_id for delivery in sent}) == 3


async def test_a_list_that_cannot_be_read_asks_a_person_in_the_end(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"read_back_tries": 1})
    stage.town.fault = lambda request: "lost_after" if request.method == "POST" else "500_before"
    delivery = await stage.queue(await stage.account(), "Road closed")
    stage.start()
    asked = await stage.is_in(delivery, DeliveryState.NEEDS_PERSON)
    assert asked.error == CANNOT_LOOK
    assert len(stage.town.statuses) == 1


async def test_a_token_revoked_in_between_stops_the_account_and_stays_in_doubt(stage: Stage) -> None:
    stage.town.fault = lambda request: "lost_after" if request.method == "POST" else "401"
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed", useful_until=soon(4))
    stage.start()
    await stage.until(lambda: _account_is(stage, account, AccountState.NEEDS_RECONNECT))
    assert (await stage.delivery(delivery.id)).state is DeliveryState.UNKNOWN
    assert (await stage.is_in(delivery, DeliveryState.NEEDS_PERSON)).error == CANNOT_LOOK


async def test_what_is_not_there_and_no_longer_useful_is_missed(stage: Stage) -> None:
    stage.town.fault = once("lost_before")
    delivery = await stage.queue(await stage.account(), "Road closed", useful_until=soon(0.15))
    stage.start()
    assert (await stage.is_in(delivery, DeliveryState.MISSED)).error == NO_LONGER_USEFUL
    assert stage.town.statuses == []


async def test_after_a_restore_what_was_due_is_read_back_and_never_resent_blindly(stage: Stage) -> None:
    account = await stage.account()
    out = await stage.queue(account, "Went out before the crash")
    not_out = await stage.queue(account, "Never went out", soon(0.01))
    stage.town.idempotent = False
    stage.start()
    await stage.settled()
    await stage.stop()
    stage.town.statuses.pop()
    await _as_in_the_copy(stage)
    async with stage.runtime.unit_of_work() as session:
        assert await outbox.doubt(session, now() - timedelta(minutes=5), now()) == 2
    stage.start()
    await stage.settled()
    assert stage.town.texts(account.remote_id) == ["Went out before the crash", "Never went out"]
    assert (await stage.delivery(out.id)).attempts == 0
    assert (await stage.delivery(not_out.id)).attempts == 1


async def test_a_crash_in_the_middle_of_a_send_is_read_back_once_the_lease_is_over(stage: Stage) -> None:
    stage.town.latency, stage.town.idempotent = 0.3, False
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed")
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENDING)
    await stage.crash()
    stage.town.latency = 0
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENT)
    assert stage.town.texts(account.remote_id) == ["Road closed"]
    await asyncio.sleep(0)


async def _as_in_the_copy(stage: Stage) -> None:
    """The rows as they were before any of it was sent."""
    async with stage.runtime.unit_of_work() as session:
        for each in await stage.all():
            row = await session.merge(each)
            row.state, row.remote_id, row.url, row.sent_at = DeliveryState.QUEUED, None, None, None
            row.attempts, row.first_started_at, row.lateness_ms = 0, None, None
