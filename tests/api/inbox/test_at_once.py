"""Two transactions about the same message: the second waits for the first and then sees what it did."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.models import Account, Conversation, Delivery, DeliveryState, Message
from tests.support.factories import Cast, an_account
from tests.support.talk import SAM, all_messages, hear, said, us

Step = Callable[[AsyncSession], Awaitable[object]]


async def one_inside_the_other(runtime: Runtime, first: Step, second: Step) -> None:
    """The second begins when the first has done all but its commit."""
    done, commit = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with runtime.unit_of_work() as session:
            await first(session)
            await session.flush()
            done.set()
            await commit.wait()

    async def quick() -> None:
        await done.wait()
        async with runtime.unit_of_work() as session:
            await second(session)

    tasks = [asyncio.create_task(slow()), asyncio.create_task(quick())]
    await done.wait()
    await asyncio.wait(tasks, timeout=0.2)
    commit.set()
    await asyncio.gather(*tasks)


async def an_answered_one(runtime: Runtime, cast: Cast) -> tuple[Account, Message]:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team)
        (message,) = await hear(session, account, said(remote_id="1"))
        return account, await inbox.reply(session, cast.alice, message.conversation_id, "Thank you.")


def arrival(account: Account, reply: Message) -> Step:
    return lambda session: hear(session, account, said(reply.text, us(account), ours=True, remote_id="r1", answers="1"))


def settled(reply: Message) -> Step:
    async def settle(session: AsyncSession) -> None:
        found = await session.execute(select(Delivery).where(col(Delivery.message_id) == reply.id))
        delivery = found.scalar_one()
        delivery.state, delivery.remote_id = DeliveryState.SENT, "r1"
        await session.flush()
        await inbox.settle(session, [reply.id])

    return settle


async def ours(runtime: Runtime) -> list[tuple[object, str | None]]:
    async with runtime.read() as session:
        return [(message.id, message.remote_id) for message in await all_messages(session) if message.from_us]


async def test_our_reply_is_settled_while_polling_brings_it(runtime: Runtime, cast: Cast) -> None:
    account, reply = await an_answered_one(runtime, cast)
    await one_inside_the_other(runtime, arrival(account, reply), settled(reply))
    assert await ours(runtime) == [(reply.id, "r1")]


async def test_polling_brings_our_reply_while_it_is_settled(runtime: Runtime, cast: Cast) -> None:
    account, reply = await an_answered_one(runtime, cast)
    await one_inside_the_other(runtime, settled(reply), arrival(account, reply))
    assert await ours(runtime) == [(reply.id, "r1")]


async def test_two_who_read_the_same_messages_make_them_once(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team)
    both = [said(remote_id="1"), said(by=SAM, remote_id="2", answers="1")]

    def read(session: AsyncSession) -> Awaitable[object]:
        return hear(session, account, *both)

    await one_inside_the_other(runtime, read, read)
    async with runtime.read() as session:
        assert len(await all_messages(session)) == 2


async def test_a_reply_and_a_new_message_at_once_lose_neither(runtime: Runtime, cast: Cast) -> None:
    """The one who waits is seen to wait, and what the team closed stays no secret."""
    account, reply = await an_answered_one(runtime, cast)
    more = said("and another thing", remote_id="2", answers="1")

    def close(session: AsyncSession) -> Awaitable[object]:
        return inbox.reply(session, cast.bob, reply.conversation_id, "Anything else?", close=True)

    await one_inside_the_other(runtime, lambda session: hear(session, account, more), close)
    await one_inside_the_other(
        runtime, close, lambda session: hear(session, account, said("no", remote_id="3", answers="1"))
    )
    async with runtime.read() as session:
        talk = await session.get_one(Conversation, reply.conversation_id)
        assert len(await all_messages(session)) == 6
    assert (talk.state, talk.last_words, talk.waiting_since is not None) == ("open", "no", True)
