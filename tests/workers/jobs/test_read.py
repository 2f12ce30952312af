"""Reading what arrived: nothing that is broken stands before the rest, and two readers do no more than one."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from api.core.clock import now
from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.intake import service as intake
from api.intake.service import Kept
from api.models import Account, Arrival, Conversation, Delivery, DeliveryState, Message
from api.platforms.values import RawItem
from tests.support.factories import Cast, an_account
from tests.support.small_town import SmallTown
from workers.context import Context
from workers.jobs import read
from workers.jobs.read import PATIENCE, Reader
from workers.platforms import CONNECTORS
from workers.vault import Vault


@pytest.fixture
def context(runtime: Runtime) -> Context:
    return Context(runtime, SmallTown(), CONNECTORS, Vault([bytes(range(32))]))


@pytest.fixture
async def account(runtime: Runtime, cast: Cast) -> Account:
    async with runtime.unit_of_work() as session:
        return await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")


def status(number: int | str, who: str = "jom", **more: Any) -> dict[str, Any]:
    return {
        "id": str(number), "created_at": now().isoformat(), "content": f"<p>message {number}</p>", "visibility": "public",
        "account": {"id": f"r-{who}", "acct": who, "display_name": who.title()}, "mentions": [], **more,
    }  # fmt: skip


async def arrive(runtime: Runtime, account: Account, *payloads: Any, stream: str = "mentions") -> None:
    things = []
    for number, payload in enumerate(payloads):
        remote_id = payload["id"] if isinstance(payload, dict) and "id" in payload else f"odd{number}"
        things.append(Kept(RawItem(remote_id, payload), str(payload)))
    async with runtime.unit_of_work() as session:
        await intake.keep(session, account, stream, things, keep_days=14)


async def rows(runtime: Runtime, model: type[SQLModel]) -> Sequence[Any]:
    async with runtime.read() as session:
        return (await session.execute(select(model))).scalars().all()


async def test_what_arrived_stands_in_the_inbox_after_one_step(
    context: Context, runtime: Runtime, account: Account
) -> None:
    await arrive(runtime, account, *(status(number) for number in range(210)))
    await Reader(context).step()
    assert len(await rows(runtime, Message)) == 210
    assert all(arrival.read_at for arrival in await rows(runtime, Arrival))


async def test_a_payload_that_cannot_be_read_blocks_nobody(
    context: Context, runtime: Runtime, account: Account
) -> None:
    await arrive(runtime, account, status(1), ["not", "an", "object"], status(2))
    await Reader(context).step()
    assert sorted(message.remote_id for message in await rows(runtime, Message)) == ["1", "2"]
    errors = [arrival.error for arrival in await rows(runtime, Arrival) if arrival.error]
    assert len(errors) == 1
    assert " " not in errors[0], "the kind of error only, never its words"


async def test_one_that_breaks_the_transaction_is_put_aside_in_the_end(
    context: Context, runtime: Runtime, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something that reads well and cannot be stored."""
    receive = inbox.receive

    async def picky(session: AsyncSession, account: Account, seen: Sequence[inbox.Seen]) -> list[Message]:
        if any(one.incoming.remote_id == "2" for one in seen):
            raise ValueError("what somebody wrote")
        return await receive(session, account, seen)

    monkeypatch.setattr(read.inbox, "receive", picky)
    await arrive(runtime, account, status(1), status(2), status(3))
    reader = Reader(context)
    await reader.step()
    assert sorted(message.remote_id for message in await rows(runtime, Message)) == ["1", "3"]
    for _ in range(PATIENCE):
        await reader.step()
    assert [arrival.error for arrival in await rows(runtime, Arrival) if arrival.error] == ["ValueError"]
    assert all(arrival.read_at for arrival in await rows(runtime, Arrival))


async def test_trouble_with_answers_does_not_keep_a_message_from_the_inbox(
    context: Context, runtime: Runtime, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(session: AsyncSession, messages: Sequence[Message]) -> list[Any]:
        raise KeyError("a bug")

    monkeypatch.setattr(read.priorities, "take_replies", broken)
    await arrive(runtime, account, status(1))
    await Reader(context).step()
    assert len(await rows(runtime, Message)) == 1


async def test_readers_that_meet_over_one_account_do_no_more_than_one(
    context: Context, runtime: Runtime, account: Account
) -> None:
    people = ["jom", "samp", "lollylin"]
    payloads = [
        status(number, people[number % 3], in_reply_to_id=str(number - 3) if number > 2 else None)
        for number in range(60)
    ]
    for at in range(0, 60, 10):
        await arrive(runtime, account, *payloads[at : at + 10])
    await asyncio.gather(*(Reader(context).step() for _ in range(4)))
    await Reader(context).step()
    assert len(await rows(runtime, Message)) == 60
    assert len(await rows(runtime, Conversation)) == 3
    assert [arrival.error for arrival in await rows(runtime, Arrival) if arrival.error] == []


async def test_the_dispatcher_and_a_reader_that_meet_over_our_reply_leave_one(
    context: Context, runtime: Runtime, cast: Cast, account: Account
) -> None:
    """Both at once, many times: whichever commits first, there is one message and it is ours."""
    await arrive(runtime, account, *(status(f"q{number}") for number in range(15)))
    await Reader(context).step()
    replies = []
    async with runtime.unit_of_work() as session:
        talks = (await session.execute(select(Conversation).order_by(col(Conversation.id)))).scalars().all()
        for talk in talks:
            replies.append(await inbox.reply(session, cast.alice, talk.id, "Thank you."))
    for number, reply in enumerate(replies):
        mine = {"id": account.remote_id, "acct": "sandfordnorth"}
        await arrive(
            runtime, account, status(f"r{number}", account=mine, in_reply_to_id=reply.in_reply_to), stream="context"
        )

    async def settle(number: int, reply: Message) -> None:
        async with runtime.unit_of_work() as session:
            found = await session.execute(select(Delivery).where(col(Delivery.message_id) == reply.id))
            delivery = found.scalar_one()
            delivery.state, delivery.remote_id = DeliveryState.SENT, f"r{number}"
            await session.flush()
            await inbox.settle(session, [reply.id])

    await asyncio.gather(
        *(settle(number, reply) for number, reply in enumerate(replies)), *(Reader(context).step() for _ in range(2))
    )
    await Reader(context).step()
    ours = [message for message in await rows(runtime, Message) if message.from_us]
    assert sorted(message.id for message in ours) == sorted(reply.id for reply in replies)
    assert {message.remote_id for message in ours} == {f"r{number}" for number in range(15)}
    assert all(talk.waiting_since is None for talk in await rows(runtime, Conversation))


async def test_history_found_around_a_message_starts_no_clock(
    context: Context, runtime: Runtime, account: Account
) -> None:
    old = status(1) | {"created_at": "2026-01-01T10:00:00.000Z"}
    await arrive(runtime, account, old, stream="context")
    await arrive(runtime, account, status(2, "samp"), stream="context")
    await Reader(context).step()
    waiting = {talk.contact_handle: talk.waiting_since is not None for talk in await rows(runtime, Conversation)}
    assert waiting == {"jom@town.example": False, "samp@town.example": True}
