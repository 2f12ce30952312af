"""Proof of time: what is counted where, for whom, and what a press on a button cannot make punctual."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, AccountState, Delivery, DeliveryState, Viewer
from api.outbox import service as outbox
from api.outbox.forecast import WhyNot, forecast, why_not
from api.outbox.lateness import Figures, Heap, Proof, figures, proof
from api.platforms.values import Platform
from tests.support.factories import Cast, a_token, an_account
from tests.support.rest import a_client, bearing

SENT = DeliveryState.SENT


def heap(late_ms: int, number: int = 1, state: DeliveryState = SENT, *, again: bool = False) -> Heap[int]:
    return Heap(0, state, again, late_ms, late_ms, number)


def test_percentiles_are_at_most() -> None:
    found = figures([heap(100, 50), heap(200, 48), heap(900, 1), heap(5000, 1)])
    assert (found.sent, found.p50_ms, found.p99_ms, found.longest_ms) == (100, 100, 900, 5000)


def test_of_few_the_longest_is_the_ninety_ninth() -> None:
    assert figures([heap(100), heap(300)]).p99_ms == 300
    assert figures([]) == Figures()


def test_a_step_never_says_more_than_the_longest() -> None:
    assert figures([Heap(0, SENT, False, 310, 301, 4)]).p50_ms == 301


def test_what_did_not_go_out_is_counted_apart_and_what_was_sent_again_is_not_on_time() -> None:
    found = figures([heap(0, 2, DeliveryState.MISSED), heap(0, 1, DeliveryState.REFUSED), heap(80, 3, again=True)])
    assert (found.sent, found.missed, found.refused, found.again, found.p50_ms) == (0, 2, 1, 3, None)


@pytest.mark.parametrize(
    ("state", "ends_at", "due_at", "why"),
    [
        (AccountState.ACTIVE, None, 5, None),
        (AccountState.ACTIVE, 4, 3, None),
        (AccountState.ACTIVE, 4, 4, WhyNot.ENDS),
        (AccountState.NEEDS_RECONNECT, None, 5, WhyNot.LOST),
        (AccountState.SUSPENDED, 9, 5, WhyNot.SUSPENDED),
        (AccountState.DISCONNECTED, None, 5, WhyNot.OFF),
    ],
)
def test_why_something_planned_will_not_go_out(
    state: AccountState, ends_at: int | None, due_at: int, why: WhyNot | None
) -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    ends = day + timedelta(days=ends_at) if ends_at else None
    assert why_not(state, ends, day + timedelta(days=due_at)) is why


@pytest.fixture
async def account(runtime: Runtime, cast: Cast) -> Account:
    async with runtime.unit_of_work() as session:
        return await an_account(session, cast.force, cast.team)


async def out(runtime: Runtime, cast: Cast, account: Account, due_at: datetime, **values: object) -> Delivery:
    async with runtime.unit_of_work() as session:
        delivery = await outbox.queue(session, cast.alice, account, "Road closed", due_at, team_id=cast.team.id)
        for name, value in ({"state": SENT, "lateness_ms": 200} | values).items():
            setattr(delivery, name, value)
    return delivery


async def seen(runtime: Runtime, viewer: Viewer, days: int = 30) -> Proof:
    async with runtime.read() as session:
        return await proof(session, viewer, now(), days)


async def test_it_is_counted_by_day_platform_and_account(runtime: Runtime, cast: Cast, account: Account) -> None:
    async with runtime.unit_of_work() as session:
        other = await an_account(session, cast.force, cast.team)
        other.platform = Platform.BLUESKY
    for number in range(4):
        await out(runtime, cast, account, now() - timedelta(days=3), lateness_ms=100 * number + 5)
    await out(runtime, cast, other, now() - timedelta(days=1), state=DeliveryState.MISSED, lateness_ms=None)
    await out(runtime, cast, other, now() - timedelta(days=40))
    found = await seen(runtime, cast.alice)
    assert (found.total.sent, found.total.missed, found.total.longest_ms) == (4, 1, 305)
    assert found.total.p50_ms == 110, "the upper edge of its hundredth"
    assert (found.accounts[account.id].sent, found.accounts[other.id].missed) == (4, 1)
    assert {name: each.sent for name, each in found.platforms.items()} == {Platform.MASTODON: 4, Platform.BLUESKY: 0}
    assert len(found.days) == 30
    assert sum(each.sent for each in found.days.values()) == 4


async def test_a_day_is_londons(runtime: Runtime, cast: Cast, account: Account) -> None:
    """Half past midnight in June is the day before in Greenwich."""
    runtime.clock.pass_time(days=(datetime(2027, 6, 15, 12, tzinfo=UTC) - now()) / timedelta(days=1))
    await out(runtime, cast, account, datetime(2027, 6, 13, 23, 30, tzinfo=UTC))
    days = {day: each.sent for day, each in (await seen(runtime, cast.alice)).days.items() if each.sent}
    assert days == {date(2027, 6, 14): 1}


async def test_a_missed_post_that_somebody_sends_again_is_not_punctual(
    runtime: Runtime, cast: Cast, account: Account
) -> None:
    missed = await out(runtime, cast, account, now() - timedelta(days=2), state=DeliveryState.MISSED, lateness_ms=None)
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, missed.id)
        await outbox.retry(session, cast.alice, row)
        row.state, row.lateness_ms = SENT, 120
    found = await seen(runtime, cast.alice)
    assert (found.total.sent, found.total.again, found.total.p99_ms) == (0, 1, None)
    assert [each.again for each in found.days.values()][-3:] == [1, 0, 0], "on its first day"


async def test_each_sees_their_own_and_charlie_none(runtime: Runtime, cast: Cast, account: Account) -> None:
    await out(runtime, cast, account, now() - timedelta(hours=1))
    async with runtime.unit_of_work() as session:
        elsewhere = await an_account(session, cast.force, cast.other_team)
        far = await outbox.queue(session, cast.alice, elsewhere, "Far", now(), team_id=cast.other_team.id)
        far.state, far.lateness_ms = SENT, 5
    assert [(await seen(runtime, each)).total.sent for each in (cast.alice, cast.lottie, cast.sam, cast.charlie)] == [
        1,
        1,
        2,
        0,
    ]


async def test_what_will_not_go_out_is_counted_from_the_end_of_the_permission(
    runtime: Runtime, cast: Cast, account: Account
) -> None:
    async with runtime.unit_of_work() as session:
        (await session.get_one(Account, account.id)).token_expires_at = now() + timedelta(days=2)
    for days in (1, 3, 4):
        await out(runtime, cast, account, now() + timedelta(days=days), state=DeliveryState.QUEUED)
    async with runtime.read() as session:
        (found,) = await forecast(session, cast.alice)
        assert (found.why, found.number) == (WhyNot.ENDS, 2)
        assert await forecast(session, cast.charlie) == []
    async with runtime.unit_of_work() as session:
        (await session.get_one(Account, account.id)).state = AccountState.SUSPENDED
    async with runtime.read() as session:
        (found,) = await forecast(session, cast.alice)
        assert (found.why, found.number) == (WhyNot.SUSPENDED, 3)


async def test_the_same_over_rest(runtime: Runtime, cast: Cast, account: Account) -> None:
    await out(runtime, cast, account, now() - timedelta(hours=1))
    await out(runtime, cast, account, now() + timedelta(hours=1), state=DeliveryState.QUEUED)
    async with runtime.unit_of_work() as session:
        (await session.get_one(Account, account.id)).state = AccountState.NEEDS_RECONNECT
    async with a_client(runtime) as client:
        token = bearing(await a_token(runtime.database, cast.alice, "posts:read"))
        answer = (await client.get("/api/v1/deliveries/lateness?days=7", headers=token)).json()
        assert (answer["total"]["sent"], answer["total"]["p99_ms"], len(answer["days"])) == (1, 200, 7)
        assert answer["accounts"][0]["account_id"] == str(account.id)
        (item,) = (await client.get("/api/v1/deliveries/forecast", headers=token)).json()["items"]
        assert (item["why"], item["number"]) == ("needs_reconnect", 1)
        charlie = bearing(await a_token(runtime.database, cast.charlie))
        assert (await client.get("/api/v1/deliveries/lateness", headers=charlie)).json()["total"]["sent"] == 0
        blind = bearing(await a_token(runtime.database, cast.alice, "inbox:read"))
        assert (await client.get("/api/v1/deliveries/lateness", headers=blind)).status_code == 403
