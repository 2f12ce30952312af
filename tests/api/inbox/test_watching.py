"""What is looked at again, how often, and that nothing starves."""

from collections import Counter
from datetime import timedelta
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock, now
from api.inbox import service as inbox
from api.inbox import watching
from api.models import Account, Conversation, Delivery, DeliveryState, Post
from tests.support.factories import Cast
from tests.support.talk import hear, said

WATCH, INTERVAL = timedelta(days=14), timedelta(seconds=12)


async def a_post(session: AsyncSession, cast: Cast, account: Account, remote_id: str, age: timedelta) -> Delivery:
    post = Post(force_id=cast.force.id, team_id=cast.team.id, author_id=cast.alice.person_id, text="Bike marking")
    session.add(post)
    await session.flush()
    at = now() - age
    delivery = Delivery(
        force_id=cast.force.id, team_id=cast.team.id, account_id=account.id, post_id=post.id, text=post.text,
        state=DeliveryState.SENT, due_at=at, not_before=at, useful_until=at, sent_at=at, remote_id=remote_id,
    )  # fmt: skip
    session.add(delivery)
    await session.flush()
    return delivery


async def chosen(session: AsyncSession, account: Account, most: int = 10, seed: int = 1) -> list[str]:
    found = await watching.to_watch(session, account.id, WATCH, INTERVAL, most, Random(seed))
    for one in found:
        await watching.watched_now(session, one)
    return [one.around for one in found]


async def test_new_posts_are_looked_at_often_and_old_ones_now_and_then(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    ages = {
        "new": timedelta(minutes=1),
        "hour": timedelta(hours=1),
        "day": timedelta(hours=20),
        "week": timedelta(days=7),
    }
    for remote_id, age in ages.items():
        await a_post(session, cast, account, remote_id, age)
    await a_post(session, cast, account, "forgotten", timedelta(days=15))
    looks: Counter[str] = Counter()
    for _ in range(8):
        looks.update(await chosen(session, account))
        moved_clock.pass_time(minutes=1)
    assert looks == {"new": 8, "hour": 4, "day": 1, "week": 1}


async def test_nothing_is_looked_at_twice_in_one_interval(session: AsyncSession, cast: Cast, account: Account) -> None:
    await a_post(session, cast, account, "p", timedelta(minutes=1))
    assert [await chosen(session, account) for _ in range(2)] == [["p"], []]


async def test_a_crowd_of_old_posts_and_a_new_one_both_get_their_turns(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    for number in range(20):
        await a_post(session, cast, account, f"old{number}", timedelta(days=3, minutes=number))
    looks: Counter[str] = Counter()
    await a_post(session, cast, account, "new", timedelta(0))
    await hear(session, account, said(remote_id="talk"))
    for turn in range(60):
        looks.update(await chosen(session, account, most=1, seed=turn))
        moved_clock.pass_time(seconds=15)
    assert looks["new"] >= 5
    assert looks["talk"] >= 2
    assert sum(1 for name in looks if name.startswith("old")) == 20


async def test_conversations_under_a_watched_post_are_seen_with_it(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    await a_post(session, cast, account, "p", timedelta(minutes=1))
    await a_post(session, cast, account, "old", timedelta(days=20))
    await hear(session, account, said(remote_id="1", answers="p"), said(remote_id="2", answers="old"))
    assert sorted(await chosen(session, account)) == ["2", "p"]


async def test_what_is_closed_or_gone_is_left_alone(session: AsyncSession, cast: Cast, account: Account) -> None:
    gone = await a_post(session, cast, account, "p", timedelta(minutes=1))
    (message,) = await hear(session, account, said(remote_id="1"))
    await inbox.close(session, cast.alice, message.conversation_id)
    await watching.watched_now(session, watching.Watched("p", delivery_id=gone.id), gone=True)
    assert await chosen(session, account) == []


async def test_being_looked_at_is_no_change(session: AsyncSession, cast: Cast, account: Account) -> None:
    (message,) = await hear(session, account, said(remote_id="1"))
    talk = await session.get_one(Conversation, message.conversation_id)
    version = talk.version
    await chosen(session, account)
    await session.refresh(talk)
    assert talk.checked_at is not None
    assert talk.version == version
