"""What people can do with deliveries, and what a claim does when they do it at the same time."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, NotFound
from api.core.runtime import Runtime
from api.core.sealing import Sealed
from api.models import (
    Account,
    AccountState,
    Conversation,
    ConversationKind,
    Delivery,
    DeliveryState,
    Force,
    Message,
    SecretKind,
)
from api.outbox import queries
from api.outbox import service as outbox
from api.platforms.values import Visibility
from tests.support.factories import Cast, an_account

AHEAD, LEASE = timedelta(seconds=5), timedelta(seconds=10)


async def account_of(runtime: Runtime, cast: Cast) -> Account:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team)
        await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, Sealed("key", b"box"))
        return account


async def queued(runtime: Runtime, cast: Cast, account: Account, seconds: float = 0, **more: object) -> Delivery:
    due = now() + timedelta(seconds=seconds)
    async with runtime.unit_of_work() as session:
        return await outbox.queue(session, cast.alice, account, "Hello", due, team_id=cast.team.id, **more)  # type: ignore[arg-type]


async def claimed(runtime: Runtime, worker: str, limit: int = 100) -> list[outbox.Claim]:
    async with runtime.unit_of_work() as session:
        return await outbox.claim(session, worker, now(), AHEAD, LEASE, limit)


async def a_private_message(runtime: Runtime, account: Account) -> Message:
    at = now()
    talk = Conversation(
        force_id=account.force_id, team_id=account.team_id, account_id=account.id, thread_key="1", root_remote_id="1",
        kind=ConversationKind.DIRECT, contact_remote_id="9", contact_handle="jom@town.example", contact_name="Jo",
        last_message_at=at,
    )  # fmt: skip
    message = Message(
        force_id=account.force_id, account_id=account.id, conversation_id=talk.id, text="Thank you", from_us=True,
        visibility=Visibility.DIRECT, occurred_at=at, received_at=at, sort_at=at, keep_until=at,
    )  # fmt: skip
    async with runtime.unit_of_work() as session:
        session.add(talk)
        await session.flush()
        session.add(message)
    return message


async def put_in(runtime: Runtime, delivery: Delivery, state: DeliveryState, **values: object) -> None:
    async with runtime.unit_of_work() as session:
        await session.execute(update(Delivery).where(col(Delivery.id) == delivery.id).values(state=state, **values))


async def state_of(runtime: Runtime, delivery: Delivery) -> DeliveryState:
    async with runtime.read() as session:
        row = await session.get(Delivery, delivery.id)
        assert row is not None
        return row.state


async def test_useful_for_as_long_as_the_force_says(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    first = await queued(runtime, cast, account)
    assert first.useful_until - first.due_at == timedelta(hours=2)
    async with runtime.unit_of_work() as session:
        await session.execute(update(Force).where(col(Force.id) == cast.force.id).values(useful_hours=0.5))
    second = await queued(runtime, cast, account)
    assert second.useful_until - second.due_at == timedelta(minutes=30)


async def test_claimed_ahead_of_time_in_order_and_not_what_is_due_later(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    third, second, first = [await queued(runtime, cast, account, s) for s in (3, 2, 1)]
    await queued(runtime, cast, account, 60)
    assert [claim.id for claim in await claimed(runtime, "one")] == [first.id, second.id, third.id]
    assert await claimed(runtime, "one") == []


async def test_two_workers_never_hold_deliveries_of_one_account(runtime: Runtime, cast: Cast) -> None:
    account, other = await account_of(runtime, cast), await account_of(runtime, cast)
    await queued(runtime, cast, account)
    assert len(await claimed(runtime, "one")) == 1
    await queued(runtime, cast, account)
    elsewhere = await queued(runtime, cast, other)
    assert [claim.id for claim in await claimed(runtime, "two")] == [elsewhere.id]
    assert len(await claimed(runtime, "one")) == 1


async def test_many_workers_at_once_share_without_overlap_or_overtaking(runtime: Runtime, cast: Cast) -> None:
    for account in [await account_of(runtime, cast) for _ in range(6)]:
        for _ in range(5):
            await queued(runtime, cast, account)
    held: dict[str, list[outbox.Claim]] = {name: [] for name in ("one", "two", "three")}

    async def work(name: str) -> None:
        # Who comes second to an account goes away with nothing: how often is up to the database.
        while sum(map(len, held.values())) < 30:
            held[name] += await claimed(runtime, name, limit=3)

    async with asyncio.timeout(30):
        await asyncio.gather(*(work(name) for name in held))
    every = [claim.id for claims in held.values() for claim in claims]
    assert len(every) == len(set(every)) == 30
    homes = [{claim.account_id for claim in claims} for claims in held.values()]
    assert sum(len(home) for home in homes) == 6


async def test_of_a_cancel_and_a_claim_exactly_one_wins(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    for _ in range(10):
        delivery = await queued(runtime, cast, account)

        async def cancel(delivery: Delivery = delivery) -> bool:
            try:
                async with runtime.unit_of_work() as session:
                    row = await queries.get_delivery(session, cast.alice, delivery.id)
                    await outbox.cancel(session, cast.alice, row)
            except Conflict:
                return False
            return True

        cancelled, claims = await asyncio.gather(cancel(), claimed(runtime, "one"))
        assert cancelled is (await state_of(runtime, delivery) is DeliveryState.CANCELLED)
        assert cancelled is not bool(claims)


async def test_a_claimed_delivery_can_no_longer_be_changed(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    await claimed(runtime, "one")
    with pytest.raises(Conflict, match="already on its way"):
        async with runtime.unit_of_work() as session:
            await outbox.change_words(session, cast.alice, delivery, text="Other words")
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await outbox.move(session, [delivery], now())


async def test_a_silent_workers_claims_are_free_again_and_its_sends_in_doubt(runtime: Runtime, cast: Cast) -> None:
    held = await queued(runtime, cast, await account_of(runtime, cast))
    sending = await queued(runtime, cast, await account_of(runtime, cast))
    await claimed(runtime, "one")
    async with runtime.unit_of_work() as session:
        assert await outbox.start(session, "one", [sending.id], now(), LEASE) == {sending.id}
        assert await outbox.start(session, "two", [held.id], now(), LEASE) == set()
    later = now() + LEASE * 2
    async with runtime.unit_of_work() as session:
        doubtful = await outbox.expire_leases(session, later, AHEAD)
    assert [each.delivery_id for each in doubtful] == [sending.id]
    assert await state_of(runtime, held) is DeliveryState.QUEUED
    assert await state_of(runtime, sending) is DeliveryState.UNKNOWN


async def test_what_is_only_held_by_a_lease_that_ran_out_is_not_started(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    await claimed(runtime, "one")
    async with runtime.unit_of_work() as session:
        assert await outbox.start(session, "one", [delivery.id], now() + LEASE * 2, LEASE) == set()


@pytest.mark.parametrize("state", ["needs_reconnect", "suspended", "disconnected"])
async def test_an_account_that_does_not_work_holds_nobody_up(runtime: Runtime, cast: Cast, state: str) -> None:
    dead, alive = await account_of(runtime, cast), await account_of(runtime, cast)
    for _ in range(5):
        await queued(runtime, cast, dead)
    async with runtime.unit_of_work() as session:
        await session.execute(update(Account).where(col(Account.id) == dead.id).values(state=AccountState(state)))
    going = await queued(runtime, cast, alive)
    assert [claim.id for claim in await claimed(runtime, "one", limit=2)] == [going.id]


async def test_retry_only_where_it_is_safe(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    safe = {DeliveryState.REFUSED, DeliveryState.MISSED}
    for state in DeliveryState:
        await put_in(runtime, delivery, state)
        try:
            async with runtime.unit_of_work() as session:
                row = await queries.get_delivery(session, cast.alice, delivery.id)
                await outbox.retry(session, cast.alice, row)
        except Conflict:
            assert state not in safe
        else:
            assert state in safe
            assert await state_of(runtime, delivery) is DeliveryState.QUEUED


async def test_what_may_be_out_is_sent_again_only_by_somebody_who_says_so(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    await put_in(runtime, delivery, DeliveryState.NEEDS_PERSON, useful_until=now())
    async with runtime.unit_of_work() as session:
        row = await queries.get_delivery(session, cast.alice, delivery.id)
        again = await outbox.retry(session, cast.alice, row, even_if_unsure=True)
    assert again.state is DeliveryState.QUEUED
    assert again.useful_until > now()


async def test_who_may_retry_and_who_may_see(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    await put_in(runtime, delivery, DeliveryState.REFUSED)
    async with runtime.read() as session:
        for stranger in cast.strangers():
            with pytest.raises(NotFound):
                await queries.get_delivery(session, stranger, delivery.id)
        row = await queries.get_delivery(session, cast.lottie, delivery.id)
        with pytest.raises(Forbidden):
            await outbox.retry(session, cast.lottie, row)


async def test_a_contributor_sees_no_delivery_of_a_private_reply(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    posted = await queued(runtime, cast, account)
    reply = await a_private_message(runtime, account)
    private = await queued(runtime, cast, account, 1, message_id=reply.id, visibility=Visibility.DIRECT)
    async with runtime.read() as session:
        seen = (await queries.deliveries(session, cast.lottie)).items
        assert [each.id for each in seen] == [posted.id]
        assert {each.id for each in (await queries.deliveries(session, cast.alice)).items} == {posted.id, private.id}


async def test_the_list_is_paged_newest_first(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    made = [await queued(runtime, cast, account, seconds) for seconds in range(5)]
    async with runtime.read() as session:
        first = await queries.deliveries(session, cast.alice, limit=3)
        rest = await queries.deliveries(session, cast.alice, cursor=first.next_cursor, limit=3)
    assert [each.id for each in [*first.items, *rest.items]] == [each.id for each in reversed(made)]
    assert rest.next_cursor is None
