"""What arrives is kept once, with how far the stream was read; one worker reads a feed at a time."""

import asyncio
from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col

from api.core.clock import Clock, now
from api.core.jobs import Job, asked
from api.core.runtime import Runtime
from api.intake import feeds, queries
from api.intake import service as intake
from api.intake.service import Kept, Position
from api.models import Account, AccountState, Arrival, AuditEntry, Cursor, Secret, SecretKind
from api.platforms.values import RawItem, Stream
from tests.support.factories import Cast, an_account, count_of

LEASE = timedelta(seconds=60)


def thing(remote_id: str, fingerprint: str = "one", **payload: object) -> Kept:
    return Kept(RawItem(remote_id, {"id": remote_id, **payload}), fingerprint)


async def account_in(runtime: Runtime, cast: Cast, **values: object) -> Account:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team)
        for name, value in values.items():
            setattr(account, name, value)
    return account


async def test_the_same_thing_is_kept_once_and_an_edit_beside_it(runtime: Runtime, cast: Cast) -> None:
    account = await account_in(runtime, cast)
    for things, expected in (
        ([thing("1"), thing("1"), thing("2")], 2),
        ([thing("1"), thing("2")], 0),
        ([thing("1", "edited")], 1),
    ):
        async with runtime.unit_of_work() as session:
            assert await intake.keep(session, account, "mentions", things, keep_days=14) == expected
            assert asked(session) == ([Job("read", str(account.id))] if expected else [])
    assert await count_of(runtime.database, Arrival) == 3


async def test_two_who_keep_the_same_at_once_keep_it_once(runtime: Runtime, cast: Cast) -> None:
    account = await account_in(runtime, cast)
    things = [thing(str(number)) for number in range(50)]

    async def keep() -> int:
        async with runtime.unit_of_work() as session:
            return await intake.keep(session, account, "mentions", things, keep_days=14)

    assert sum(await asyncio.gather(*(keep() for _ in range(4)))) == 50


async def test_the_cursor_moves_with_what_it_brought_or_not_at_all(runtime: Runtime, cast: Cast) -> None:
    account = await account_in(runtime, cast)
    position = Position(Stream.MENTIONS, None, "5")
    try:
        async with runtime.unit_of_work() as session:
            await intake.keep(session, account, "mentions", [thing("5")], position, keep_days=14)
            raise RuntimeError("the power goes")
    except RuntimeError:
        pass
    assert await count_of(runtime.database, Arrival) == await count_of(runtime.database, Cursor) == 0


async def test_a_cursor_never_goes_back(runtime: Runtime, cast: Cast) -> None:
    """A slow worker that lost its lease writes last what it read first."""
    account = await account_in(runtime, cast)
    for before, after in ((None, "5"), ("5", "9"), ("5", "7")):
        async with runtime.unit_of_work() as session:
            position = Position(Stream.MENTIONS, before, after)
            await intake.keep(session, account, "mentions", [], position, keep_days=14)
    async with runtime.read() as session:
        assert (await queries.cursors(session, account.id))[Stream.MENTIONS].position == "9"


async def test_arrivals_go_after_their_date(runtime: Runtime, cast: Cast, moved_clock: Clock) -> None:
    account = await account_in(runtime, cast)
    async with runtime.unit_of_work() as session:
        await intake.keep(session, account, "mentions", [thing("1"), thing("2")], keep_days=14)
        assert await intake.purge(session) == 0
    moved_clock.pass_time(days=14, seconds=1)
    async with runtime.unit_of_work() as session:
        assert [await intake.purge(session, 1) for _ in range(3)] == [1, 1, 0]


async def claimed(runtime: Runtime) -> list[Account]:
    async with runtime.unit_of_work() as session:
        return await feeds.claim(session, LEASE, 10)


async def test_one_worker_reads_a_feed_at_a_time(runtime: Runtime, cast: Cast, moved_clock: Clock) -> None:
    for _ in range(6):
        await account_in(runtime, cast)
    rounds = await asyncio.gather(*(claimed(runtime) for _ in range(4)))
    taken = [account.id for some in rounds for account in some]
    assert len(taken) == len(set(taken)) == 6
    moved_clock.pass_time(seconds=61)
    assert len(await claimed(runtime)) == 6, "a worker that fell silent is replaced"


async def test_who_lost_the_lease_writes_nothing(runtime: Runtime, cast: Cast, moved_clock: Clock) -> None:
    await account_in(runtime, cast)
    (slow,) = await claimed(runtime)
    moved_clock.pass_time(seconds=61)
    (quick,) = await claimed(runtime)
    async with runtime.unit_of_work() as session:
        await feeds.was_not_read(session, slow, "too slow", now())
    async with runtime.unit_of_work() as session:
        await feeds.was_read(session, quick, now() + timedelta(seconds=15))
    async with runtime.read() as session:
        row = await session.get_one(Account, slow.id)
    assert (row.poll_error, row.poll_failures, row.poll_lease_until) == ("", 0, None)


async def test_reading_a_feed_is_no_edit(runtime: Runtime, cast: Cast) -> None:
    """Whoever has the register open must not be told that somebody changed it."""
    account = await account_in(runtime, cast)
    (mine,) = await claimed(runtime)
    async with runtime.unit_of_work() as session:
        await feeds.was_read(session, mine, now())
    async with runtime.read() as session:
        assert (await session.get_one(Account, account.id)).version == account.version


async def test_what_is_off_or_not_due_is_left_alone(runtime: Runtime, cast: Cast) -> None:
    await account_in(runtime, cast, state=AccountState.DISCONNECTED)
    await account_in(runtime, cast, state=AccountState.NEEDS_RECONNECT)
    await account_in(runtime, cast, next_poll_at=now() + timedelta(minutes=1))
    due = await account_in(runtime, cast, next_poll_at=now() - timedelta(minutes=1))
    assert [account.id for account in await claimed(runtime)] == [due.id]


async def test_a_feed_ends_only_with_the_token_that_was_refused(runtime: Runtime, cast: Cast) -> None:
    """Somebody connected the account again while the old token was being refused."""
    account = await account_in(runtime, cast)
    async with runtime.unit_of_work() as session:
        session.add(Secret(holder_id=account.id, kind=SecretKind.ACCESS_TOKEN, key_id="k", box=b"new"))
    for box, state in ((b"old", AccountState.ACTIVE), (b"new", AccountState.NEEDS_RECONNECT)):
        async with runtime.unit_of_work() as session:
            await feeds.end(session, account, box, AccountState.NEEDS_RECONNECT, "Connect it again.")
        async with runtime.read() as session:
            row = await session.get_one(Account, account.id)
            assert row.state is state
    async with runtime.read() as session:
        entries = (await session.execute(select(AuditEntry))).scalars().all()
    assert [entry.action for entry in entries] == ["accounts.needs_reconnect"]


async def test_the_oldest_feed_is_known(runtime: Runtime, cast: Cast) -> None:
    async with runtime.read() as session:
        assert await feeds.oldest(session) is None
    never = await account_in(runtime, cast)
    await account_in(runtime, cast, last_poll_at=now())
    async with runtime.read() as session:
        assert await feeds.oldest(session) == never.created_at
    hour_ago = now() - timedelta(hours=1)
    await account_in(runtime, cast, last_poll_at=hour_ago)
    async with runtime.read() as session:
        assert await feeds.oldest(session) == hour_ago


async def test_unread_comes_in_the_order_in_which_it_came(runtime: Runtime, cast: Cast) -> None:
    account = await account_in(runtime, cast)
    for number in ("3", "1", "2"):
        async with runtime.unit_of_work() as session:
            await intake.keep(session, account, "mentions", [thing(number)], keep_days=14)
        await asyncio.sleep(0.002)
    async with runtime.unit_of_work() as session:
        rows = await intake.unread(session, account.id)
        assert [row.remote_id for row in rows] == ["3", "1", "2"]
        assert await queries.accounts_with_unread(session) == [account.id]
        await intake.mark_broken(session, rows[0].id, "KeyError")
        await intake.mark_read(session, [row.id for row in rows[1:]])
        assert await intake.unread(session, account.id) == []
        broken = await session.execute(select(col(Arrival.error)).where(col(Arrival.error) != ""))
        assert broken.scalars().all() == ["KeyError"]
