"""From a queued delivery to what the town holds."""

import asyncio
from datetime import timedelta

from api.core.clock import now
from api.models import Account, AccountState, DeliveryState
from api.outbox.life import NO_LONGER_USEFUL, NOT_REACHED
from api.platforms.values import Request, Response
from tests.support.small_town import SmallTown
from tests.support.stage import Stage, soon


async def test_what_is_due_is_sent_once_and_the_answer_kept(stage: Stage) -> None:
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed at Mill Lane", soon(0.4))
    stage.start()
    sent = await stage.is_in(delivery, DeliveryState.SENT)
    assert stage.town.texts(account.remote_id) == ["Road closed at Mill Lane"]
    assert (sent.remote_id, sent.attempts, sent.error) == ("1000", 1, None)
    assert sent.url == f"https://town.example/@{account.remote_id}/1000"
    assert sent.lateness_ms is not None
    assert sent.lateness_ms >= 0


async def test_nothing_is_sent_early(stage: Stage) -> None:
    accounts = [await stage.account() for _ in range(5)]
    due = soon(0.6)
    for account in accounts:
        await stage.queue(account, "At its time", due)
    stage.start()
    await stage.settled()
    assert all(status.at >= due for status in stage.town.statuses)
    assert max(status.at for status in stage.town.statuses) <= now()


async def test_one_account_is_sent_to_in_order_one_after_another(stage: Stage) -> None:
    account, due = await stage.account(), soon(0.3)
    stage.town.latency = 0.03
    for number in (3, 1, 2, 5, 4):
        await stage.queue(account, f"Number {number}", due + timedelta(milliseconds=number))
    open_at_once: list[int] = []
    stage.town.watch = open_at_once.append
    stage.start()
    await stage.settled()
    assert stage.town.texts(account.remote_id) == [f"Number {number}" for number in (1, 2, 3, 4, 5)]
    assert max(open_at_once) == 1


async def test_accounts_are_sent_to_side_by_side(stage: Stage) -> None:
    stage.town.latency = 0.2
    due = soon(0.3)
    for number in range(8):
        await stage.queue(await stage.account(), f"Number {number}", due)
    open_at_once: list[int] = []
    stage.town.watch = open_at_once.append
    stage.start()
    await stage.settled()
    assert max(open_at_once) == 8


async def test_one_dead_account_never_holds_up_another(stage: Stage) -> None:
    dead, alive = await stage.account(), await stage.account()
    stage.town.fault = lambda request: "refused" if dead.remote_id in request.headers["Authorization"] else None
    first = await stage.queue(dead, "Nobody hears this")
    for number in range(5):
        await stage.queue(alive, f"Number {number}")
    stage.start()
    await stage.until(lambda: _has(stage, alive, 5))
    waiting = await stage.is_in(first, DeliveryState.QUEUED)
    assert waiting.error == "The server could not be reached."
    assert waiting.not_before > waiting.due_at


async def test_an_emergency_overtakes_what_is_only_claimed(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"look_ahead": 5.0})
    account = await stage.account()
    later = await stage.queue(account, "Fete on Saturday", soon(1.5))
    stage.start()
    await stage.is_in(later, DeliveryState.CLAIMED)
    await stage.queue(account, "Flood warning: leave Mill Lane now")
    await stage.settled()
    assert stage.town.texts(account.remote_id) == ["Flood warning: leave Mill Lane now", "Fete on Saturday"]


async def test_a_post_hours_late_is_missed_not_sent(stage: Stage) -> None:
    account = await stage.account()
    delivery = await stage.queue(account, "Road closed now")
    stage.runtime.clock.pass_time(hours=6)
    stage.start()
    missed = await stage.is_in(delivery, DeliveryState.MISSED)
    assert stage.town.statuses == []
    assert missed.error == NO_LONGER_USEFUL


async def test_a_revoked_token_stops_its_account_and_keeps_the_rest_of_its_queue(stage: Stage) -> None:
    account = await stage.account()
    stage.town.fault = lambda _: "401"
    first = await stage.queue(account, "One")
    second = await stage.queue(account, "Two", soon(0.01))
    stage.start()
    refused = await stage.is_in(first, DeliveryState.REFUSED)
    assert refused.error is not None
    assert "Connect it again" in refused.error
    await stage.until(lambda: _account_is(stage, account, AccountState.NEEDS_RECONNECT))
    await asyncio.sleep(0.3)
    assert (await stage.delivery(second.id)).state is DeliveryState.QUEUED
    assert stage.town.calls == [("POST", "401")]


async def test_a_clear_no_is_refused_and_the_next_goes_out(stage: Stage) -> None:
    account = await stage.account()
    stage.town.fault = lambda request: "422" if b"bad" in (request.body or b"") else None
    first = await stage.queue(account, "bad")
    second = await stage.queue(account, "good", soon(0.01))
    stage.start()
    await stage.settled()
    assert (await stage.delivery(first.id)).state is DeliveryState.REFUSED
    assert (await stage.delivery(second.id)).state is DeliveryState.SENT


async def test_a_rate_limited_account_waits_as_a_whole_and_in_order(stage: Stage) -> None:
    account, other = await stage.account(), await stage.account()
    asked: list[str] = []

    def limited(request: Request) -> str | None:
        mine = account.remote_id in request.headers["Authorization"]
        asked.append("mine" if mine else "other")
        return "429" if mine and asked.count("mine") == 1 else None

    stage.town.fault, stage.town.retry_after = limited, 0.5
    first = await stage.queue(account, "One")
    await stage.queue(account, "Two", soon(0.01))
    await stage.queue(other, "Elsewhere", soon(0.02))
    stage.start()
    await stage.until(lambda: _has(stage, other, 1))
    assert stage.town.texts(account.remote_id) == []
    await stage.settled()
    assert stage.town.texts(account.remote_id) == ["One", "Two"]
    assert (await stage.delivery(first.id)).attempts == 1
    assert asked.count("mine") == 3


async def test_what_could_never_be_reached_is_refused_after_so_many_attempts(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"retry_limit": 1})
    stage.town.fault = lambda _: "refused"
    delivery = await stage.queue(await stage.account(), "Hello")
    stage.start()
    assert (await stage.is_in(delivery, DeliveryState.REFUSED)).error == NOT_REACHED


async def test_a_stopped_worker_finishes_what_it_sends_and_gives_back_the_rest(stage: Stage) -> None:
    stage.town.latency = 0.4
    account = await stage.account()
    first = await stage.queue(account, "On its way")
    second = await stage.queue(account, "Only claimed", soon(0.01))
    stage.start()
    await stage.is_in(first, DeliveryState.SENDING)
    await stage.is_in(second, DeliveryState.CLAIMED)
    await stage.stop()
    assert (await stage.delivery(first.id)).state is DeliveryState.SENT
    given_back = await stage.delivery(second.id)
    assert (given_back.state, given_back.claimed_by) == (DeliveryState.QUEUED, None)


async def test_what_a_stopped_worker_cannot_finish_is_in_doubt_and_read_back(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"drain": 0.05})
    stage.town.latency = 0.6
    delivery = await stage.queue(await stage.account(), "Slow")
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENDING)
    await stage.stop()
    assert (await stage.delivery(delivery.id)).state is DeliveryState.SENDING
    stage.town.latency = 0
    stage.start()
    await stage.settled()
    assert stage.town.texts(stage.town.statuses[0].account) == ["Slow"]


async def test_an_account_without_a_token_waits_and_says_so_when_it_is_too_late(stage: Stage) -> None:
    account = await stage.account(token=False)
    delivery = await stage.queue(account, "Hello", useful_until=soon(0.5))
    stage.start()
    await asyncio.sleep(0.2)
    assert (await stage.delivery(delivery.id)).state is DeliveryState.QUEUED
    assert (await stage.is_in(delivery, DeliveryState.MISSED)).error == NO_LONGER_USEFUL
    assert stage.town.calls == []


async def _has(stage: Stage, account: Account, number: int) -> bool:
    return len(stage.town.texts(account.remote_id)) >= number


async def _account_is(stage: Stage, account: Account, state: AccountState) -> bool:
    async with stage.runtime.read() as session:
        now_is = await session.get(Account, account.id)
        return now_is is not None and now_is.state is state


async def test_a_server_that_hangs_leaves_lanes_to_the_others(stage: Stage) -> None:
    """As many accounts of its as there are lanes, due before anybody else: without a share it would have them all."""
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"in_flight": 10, "claim_batch": 100})
    let_go = asyncio.Event()
    hanging = Hanging(stage.town, "https://hangs.example", let_go)
    due = soon(0.3)
    for number in range(20):
        await stage.queue(await stage.account("https://hangs.example"), f"Stuck {number}", due)
    others = [
        await stage.queue(await stage.account(), f"On time {n}", due + timedelta(milliseconds=1)) for n in range(6)
    ]
    stage.start(carrier=hanging)
    for each in others:
        await stage.is_in(each, DeliveryState.SENT)
    assert len(hanging.waiting) == 8
    assert len(stage.town.statuses) == 6
    let_go.set()
    settled = await stage.settled()
    assert {each.state for each in settled} == {DeliveryState.SENT}
    assert all(each.attempts == 1 for each in settled)


async def test_a_server_that_hangs_with_thousands_due_lets_others_be_claimed(stage: Stage) -> None:
    stage.runtime.settings = stage.runtime.settings.model_copy(
        update={"in_flight": 2, "claim_batch": 100, "request_timeout": 60}
    )
    let_go = asyncio.Event()
    hanging = Hanging(stage.town, "https://hangs.example", let_go)
    due = soon(0.3)
    for number in range(40):
        await stage.queue(await stage.account("https://hangs.example"), f"Stuck {number}", due)
    other = await stage.queue(await stage.account(), "On time", due + timedelta(milliseconds=1))
    stage.start(carrier=hanging)
    await stage.is_in(other, DeliveryState.SENT)
    assert len(hanging.waiting) == 1
    let_go.set()
    await stage.settled()


async def test_one_dead_account_of_fifty_holds_up_none_of_the_others(stage: Stage) -> None:
    accounts = [await stage.account() for _ in range(50)]
    dead = accounts[7]
    stage.town.fault = lambda request: "refused" if dead.remote_id in request.headers["Authorization"] else None
    stage.runtime.settings = stage.runtime.settings.model_copy(update={"in_flight": 4})
    due = soon(0.3)
    queued = [await stage.queue(each, f"From {each.remote_id}", due) for each in accounts]
    stage.start()
    for account, delivery in zip(accounts, queued, strict=True):
        if account is not dead:
            await stage.is_in(delivery, DeliveryState.SENT)
    waiting = await stage.delivery(queued[7].id)
    assert waiting.sent_at is None
    assert stage.town.texts(dead.remote_id) == []


class Hanging:
    """One server does not answer until it is let go; every other is the town."""

    def __init__(self, town: SmallTown, server: str, let_go: asyncio.Event) -> None:
        self.waiting: list[Request] = []
        self._town, self._server, self._let_go = town, server, let_go

    async def send(self, request: Request) -> Response:
        if request.url.startswith(self._server):
            self.waiting.append(request)
            await self._let_go.wait()
        return await self._town.send(request)
