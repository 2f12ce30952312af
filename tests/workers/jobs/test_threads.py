"""A thread: each part once, in order, each answering the one before, whatever breaks on the way."""

import asyncio
from datetime import datetime, timedelta

import pytest

from api.core.clock import now
from api.core.errors import Conflict
from api.models import Account, Delivery, DeliveryState
from api.outbox import queries
from api.outbox import service as outbox
from api.outbox.life import Outcome, Sent
from api.platforms.values import Request
from tests.support.stage import Stage, soon
from workers.jobs.above import tell
from workers.jobs.recorder import rules_of

PARTS = tuple(f"Part {number} of the story ({number}/4)" for number in (1, 2, 3, 4))


async def a_thread(
    stage: Stage, account: Account, due: datetime | None = None, until: datetime | None = None
) -> list[Delivery]:
    async with stage.runtime.unit_of_work() as session:
        return await outbox.queue_parts(
            session, stage.cast.alice, account, PARTS, due or now(), until, team_id=stage.cast.team.id
        )


async def states(stage: Stage, parts: list[Delivery]) -> list[DeliveryState]:
    return [(await stage.delivery(part.id)).state for part in parts]


def everything_hangs_together(stage: Stage, account: Account) -> None:
    """Four of them, once each, each under the one before."""
    mine = [status for status in stage.town.statuses if status.account == account.remote_id]
    assert [status.text for status in mine] == list(PARTS)
    assert [status.in_reply_to for status in mine] == [None, *(status.id for status in mine[:-1])]


def at_part(number: int, fault: str, times: int = 1) -> list[str]:
    """What `faulty` makes of it: that fault at that part, so many times."""
    return [f"Part {number} of"] + [fault] * times


def faulty(stage: Stage, plan: list[str]) -> None:
    words, left = plan[0].encode(), plan[1:]
    stage.town.fault = lambda asked: left.pop() if left and words in (asked.body or b"") else None


async def test_the_parts_go_out_in_order_each_answering_the_one_before(stage: Stage) -> None:
    account, other = await stage.account(), await stage.account()
    stage.town.latency = 0.02
    parts = await a_thread(stage, account, soon(0.2))
    await a_thread(stage, other, soon(0.2))
    open_at_once: list[int] = []
    stage.town.watch = open_at_once.append
    stage.start()
    await stage.settled()
    everything_hangs_together(stage, account)
    everything_hangs_together(stage, other)
    assert await states(stage, parts) == [DeliveryState.SENT] * 4
    assert max(open_at_once) <= 2


async def test_the_next_part_does_not_wait_for_the_next_look(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"dispatch_interval": 3600.0})
    account = await stage.account()
    await a_thread(stage, account)
    stage.start()
    await stage.settled()
    everything_hangs_together(stage, account)


@pytest.mark.parametrize("fault", ["lost_after", "500_after", "lost_before"])
@pytest.mark.parametrize("idempotent", [True, False])
async def test_an_answer_lost_in_the_middle_doubles_nothing_and_loses_nothing(
    stage: Stage, fault: str, idempotent: bool
) -> None:
    stage.town.idempotent = idempotent
    faulty(stage, at_part(2, fault))
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.start()
    await stage.settled()
    everything_hangs_together(stage, account)
    assert await states(stage, parts) == [DeliveryState.SENT] * 4


async def test_killed_between_parts_it_goes_on_where_it_was(stage: Stage) -> None:
    stage.town.idempotent = False
    stage.town.latency = 0.15
    account = await stage.account()
    parts = await a_thread(stage, account)
    for sent in parts[:3]:
        stage.start()
        await stage.is_in(sent, DeliveryState.SENT)
        await stage.crash()
    stage.start()
    await stage.settled()
    everything_hangs_together(stage, account)


async def test_a_refused_part_holds_the_rest_and_says_why_and_tried_again_they_follow(stage: Stage) -> None:
    faulty(stage, at_part(2, "422"))
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.start()
    await stage.is_in(parts[1], DeliveryState.REFUSED)
    held = [await stage.is_in(part, DeliveryState.HELD) for part in parts[2:]]
    assert [part.error for part in held] == ["Waits for part 2, which was refused."] * 2
    assert stage.town.texts(account.remote_id) == [PARTS[0]]
    async with stage.runtime.unit_of_work() as session:
        with pytest.raises(Conflict):
            await outbox.retry(session, stage.cast.alice, await stage.delivery(parts[2].id))
    async with stage.runtime.unit_of_work() as session:
        refused = await queries.get_delivery(session, stage.cast.alice, parts[1].id)
        await outbox.retry(session, stage.cast.alice, refused)
    await stage.settled()
    everything_hangs_together(stage, account)
    assert [(await stage.delivery(part.id)).error for part in parts] == [None] * 4


async def test_while_nobody_knows_of_one_part_the_next_does_not_go(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"read_back_tries": 1})
    stage.town.fault = lambda asked: "lost_after" if asked.method == "POST" else "500_before"
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.start()
    await stage.is_in(parts[0], DeliveryState.NEEDS_PERSON)
    held = await stage.is_in(parts[3], DeliveryState.HELD)
    assert held.error == "Waits for part 1: nobody knows whether that is out."
    assert len(stage.town.statuses) == 1


async def test_an_answer_that_comes_after_all_lets_the_held_ones_go(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"read_back_tries": 1})
    stage.town.fault = lambda asked: "lost_after" if asked.method == "POST" else "500_before"
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.start()
    await stage.is_in(parts[3], DeliveryState.HELD)
    stage.town.fault = lambda _: None
    late = Sent(stage.town.statuses[0].id, "https://town.example/1", now())
    async with stage.runtime.unit_of_work() as session:
        rules = rules_of(stage.runtime.settings)
        await tell(session, await outbox.record(session, [Outcome(parts[0].id, "late", late)], now(), rules))
    await stage.is_in(parts[3], DeliveryState.SENT)
    everything_hangs_together(stage, account)


async def test_what_is_no_longer_useful_misses_all_of_it(stage: Stage) -> None:
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.runtime.clock.pass_time(hours=6)
    stage.start()
    await stage.is_in(parts[3], DeliveryState.MISSED)
    assert await states(stage, parts) == [DeliveryState.MISSED] * 4
    assert stage.town.statuses == []


async def test_a_part_missed_after_reading_back_takes_the_rest_with_it(stage: Stage) -> None:
    faulty(stage, at_part(2, "lost_before"))
    account = await stage.account()
    parts = await a_thread(stage, account, until=soon(1.0))
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"read_back_wait": 1.0})
    stage.start()
    await stage.is_in(parts[3], DeliveryState.MISSED)
    await stage.settled()
    assert (await states(stage, parts))[0] is DeliveryState.SENT
    assert (await states(stage, parts))[2:] == [DeliveryState.MISSED] * 2
    assert stage.town.texts(account.remote_id) == [PARTS[0]]


async def test_missed_and_tried_again_all_of_it_follows(stage: Stage) -> None:
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.runtime.clock.pass_time(hours=6)
    stage.start()
    await stage.is_in(parts[3], DeliveryState.MISSED)
    async with stage.runtime.unit_of_work() as session:
        third = await queries.get_delivery(session, stage.cast.alice, parts[2].id)
        with pytest.raises(Conflict, match="follows part 2"):
            await outbox.retry(session, stage.cast.alice, third)
    async with stage.runtime.unit_of_work() as session:
        first = await queries.get_delivery(session, stage.cast.alice, parts[0].id)
        await outbox.retry(session, stage.cast.alice, first)
    await stage.settled()
    everything_hangs_together(stage, account)


async def test_what_was_cancelled_does_not_follow(stage: Stage) -> None:
    account = await stage.account()
    parts = await a_thread(stage, account, soon(0.6))
    async with stage.runtime.unit_of_work() as session:
        for part in parts[2:]:
            await outbox.cancel(
                session, stage.cast.alice, await queries.get_delivery(session, stage.cast.alice, part.id)
            )
    stage.start()
    await stage.settled()
    assert stage.town.texts(account.remote_id) == list(PARTS[:2])


async def test_an_emergency_goes_between_two_parts(stage: Stage) -> None:
    account = await stage.account()
    parts = await a_thread(stage, account)
    emergency: list[Delivery] = []

    def watch(asked: Request) -> None:
        if b"Part 2 of" in (asked.body or b"") and not emergency:
            stage.town.latency = 0.3
            emergency.append(parts[0])

    stage.town.fault = watch
    stage.start()
    await stage.until(lambda: _true(bool(emergency)))
    await stage.queue(account, "Flood warning: leave Mill Lane now", now() - timedelta(seconds=5))
    await stage.settled()
    texts = stage.town.texts(account.remote_id)
    assert texts.index("Flood warning: leave Mill Lane now") == 2
    assert [text for text in texts if text in PARTS] == list(PARTS)


async def test_after_a_restore_each_part_is_looked_for_under_the_one_before(stage: Stage) -> None:
    """All had gone out before the copy was put back; nothing of it is sent again."""
    account = await stage.account()
    parts = await a_thread(stage, account)
    stage.town.idempotent = False
    stage.start()
    await stage.settled()
    await stage.stop()
    async with stage.runtime.unit_of_work() as session:
        for number, part in enumerate(parts):
            row = await session.get_one(Delivery, part.id)
            row.state, row.remote_id, row.sent_at = DeliveryState.QUEUED, None, None
            row.url, row.lateness_ms, row.attempts, row.first_started_at = None, None, 0, None
            if number:
                row.in_reply_to = None
    async with stage.runtime.unit_of_work() as session:
        assert await outbox.doubt(session, now() - timedelta(minutes=5), now()) == 4
    stage.start()
    await stage.settled()
    everything_hangs_together(stage, account)
    assert await states(stage, parts) == [DeliveryState.SENT] * 4
    assert [(await stage.delivery(part.id)).attempts for part in parts] == [0] * 4


async def _true(value: bool) -> bool:
    await asyncio.sleep(0)
    return value
