"""Polling the practice town over HTTP: what residents do there, and what stands in the inbox afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel, col

from api.accounts import secrets
from api.core.clock import clock, now
from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.intake import feeds
from api.models import (
    Account,
    AccountState,
    Answer,
    AnswerIssue,
    AnswerState,
    Arrival,
    Conversation,
    Cursor,
    Delivery,
    DeliveryState,
    Issue,
    Message,
    Post,
    PostState,
    SecretKind,
)
from api.platforms.values import Platform
from api.priorities import service as priorities
from tests.support.factories import Cast, an_account
from tests.support.town import RunningTown, running_town
from workers.context import Context
from workers.jobs.poll import LEASE, Poller
from workers.jobs.read import Reader
from workers.main import work
from workers.platforms import CONNECTORS
from workers.platforms.http import HttpxCarrier
from workers.queue import QUEUES
from workers.vault import Vault


@dataclass
class Desk:
    """A team at its account in the town, with somebody who polls and reads when told."""

    town: RunningTown
    runtime: Runtime
    context: Context
    account: Account
    cast: Cast

    async def poll(self) -> None:
        """One interval later."""
        clock.pass_time(seconds=self.runtime.settings.poll_interval)
        poller = Poller(self.context, Random(1))
        async with self.runtime.unit_of_work() as session:
            row = await session.get_one(Account, self.account.id, populate_existing=True)
            row.next_poll_at = row.poll_lease_until = None
        async with self.runtime.unit_of_work() as session:
            (claimed,) = await feeds.claim(session, LEASE, 5)
        await poller.read(claimed)
        await Reader(self.context).step()
        async with self.runtime.read() as session:
            self.account = await session.get_one(Account, self.account.id)

    async def rows(self, model: type[SQLModel]) -> list[SQLModel]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(model).order_by(model.id))).scalars())  # type: ignore[attr-defined]

    async def messages(self) -> list[Message]:
        async with self.runtime.read() as session:
            rows = await session.execute(select(Message).order_by(col(Message.sort_at), col(Message.id)))
            return list(rows.scalars())

    async def talks(self) -> list[Conversation]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Conversation).order_by(col(Conversation.id)))).scalars())

    async def until(self, look: Callable[[], Awaitable[Any]], at_least: int = 1, within: float = 20) -> Any:
        """Waits for so many rows, or for a yes."""
        async with asyncio.timeout(within):
            while True:
                found = await look()
                if (len(found) if isinstance(found, list) else found) >= at_least:
                    return found
                await asyncio.sleep(0.05)

    async def posted(self, text: str) -> Delivery:
        """A post of ours that is out, as the dispatcher leaves it."""
        async with self.town.client() as client:
            status = (await client.post("/api/v1/statuses", json={"status": text})).json()
        async with self.runtime.unit_of_work() as session:
            post = Post(
                force_id=self.cast.force.id, team_id=self.cast.team.id, author_id=self.cast.alice.person_id, text=text
            )
            session.add(post)
            await session.flush()
            delivery = Delivery(
                force_id=self.cast.force.id, team_id=self.cast.team.id, account_id=self.account.id, post_id=post.id,
                text=text, state=DeliveryState.SENT, due_at=now(), not_before=now(), useful_until=now(),
                sent_at=now(), remote_id=status["id"], url=status["url"],
            )  # fmt: skip
            session.add(delivery)
        return delivery


@pytest.fixture
async def desk(runtime: Runtime, cast: Cast, town: RunningTown) -> AsyncIterator[Desk]:
    runtime.settings = runtime.settings.model_copy(update={"poll_interval": 15})
    vault = Vault([bytes(range(32))])
    carrier = HttpxCarrier(frozenset({("127.0.0.1", town.port)}), 5, 20)
    async with town.client() as client:
        me = (await client.get("/api/v1/accounts/verify_credentials")).json()
    async with runtime.unit_of_work() as session:
        account = Account(
            force_id=cast.force.id, team_id=cast.team.id, platform=Platform.MASTODON, instance=town.url,
            remote_id=me["id"], handle="sandfordnorth@town.example", name="Sandford North", practice=True,
        )  # fmt: skip
        session.add(account)
        await session.flush()
        token = vault.sealer.seal(town.tokens["sandfordnorth"].encode())
        await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, token)
    yield Desk(town, runtime, Context(runtime, carrier, CONNECTORS, vault), account, cast)
    await carrier.aclose()


@pytest.fixture
async def town() -> AsyncIterator[RunningTown]:
    async with running_town() as town:
        yield town


async def test_a_mention_arrives_once_however_often_it_is_polled(desk: Desk) -> None:
    await desk.poll()
    await desk.town.say("jom", "speeding again on Mill Lane", to="sandfordnorth")
    for _ in range(3):
        await desk.poll()
    (talk,) = await desk.talks()
    (message,) = await desk.messages()
    assert (message.text, talk.contact_handle) == ("speeding again on Mill Lane", "jom@town.example")
    assert talk.waiting_since is not None
    assert desk.account.last_poll_at is not None
    assert len(await desk.rows(Arrival)) == 1


async def test_history_is_read_in_at_first_and_starts_no_clock(desk: Desk) -> None:
    await desk.town.say("jom", "before you came", to="sandfordnorth")
    await desk.town.say("jom", "and in private", to="sandfordnorth", visibility="direct")
    await desk.poll()
    talks = await desk.talks()
    assert sorted(talk.kind for talk in talks) == ["direct", "public"]
    assert [talk.waiting_since for talk in talks] == [None, None]
    assert all(cursor.filled_at for cursor in await desk.rows(Cursor))  # type: ignore[attr-defined]


async def test_a_reply_under_our_post_that_names_nobody_is_found(desk: Desk) -> None:
    delivery = await desk.posted("What should we work on in Mill Lane?")
    await desk.poll()
    jo = await desk.town.say("jom", "@sandfordnorth parking", in_reply_to_id=delivery.remote_id)
    await desk.town.say("lollylin", "@jom and the bend", in_reply_to_id=jo["id"])
    await desk.poll()
    talks = await desk.talks()
    assert {talk.thread_key.partition(":")[0] for talk in talks} == {delivery.remote_id}
    assert {talk.contact_handle for talk in talks} == {"jom@town.example", "lollylin@town.example"}
    assert {talk.post_id for talk in talks} == {delivery.post_id}


async def test_a_reply_under_a_question_waits_to_be_confirmed_as_an_answer(desk: Desk) -> None:
    delivery = await desk.posted("What should we work on in Mill Lane?")
    async with desk.runtime.unit_of_work() as session:
        question = await priorities.ask(session, desk.cast.alice, desk.cast.neighbourhood.id, delivery.text)
        (await session.get_one(Post, delivery.post_id)).question_id = question.id
    await desk.poll()
    await desk.town.say("jom", "@sandfordnorth parking by the school", in_reply_to_id=delivery.remote_id)
    for _ in range(2):
        await desk.poll()
    (answer,) = await desk.rows(Answer)
    (issue,) = await desk.rows(AnswerIssue)
    (message,) = await desk.messages()
    assert isinstance(answer, Answer)
    assert isinstance(issue, AnswerIssue)
    assert (answer.question_id, answer.message_id, answer.state) == (question.id, message.id, AnswerState.TO_CONFIRM)
    assert (issue.issue, issue.suggested) == (Issue.PARKING, True)
    assert answer.text == ""


async def test_somebody_elses_thread_brings_only_what_concerns_us(desk: Desk) -> None:
    """The mention is read; the talk between others that it answers is not ours to keep."""
    top = await desk.town.say("jom", "anybody else hear that last night?")
    await desk.poll()
    middle = await desk.town.say("lollylin", "@jom ask the police", in_reply_to_id=top["id"])
    await desk.town.say("jom", "@lollylin @sandfordnorth what was it?", in_reply_to_id=middle["id"])
    await desk.poll()
    (talk,) = await desk.talks()
    assert talk.root_remote_id == top["id"]
    assert len(await desk.messages()) == 1


async def test_edits_and_deletions_are_found_by_looking_again(desk: Desk) -> None:
    await desk.poll()
    one = await desk.town.say("jom", "white van", to="sandfordnorth", visibility="direct")
    two = await desk.town.say("jom", "my number is 07700 900123", to="sandfordnorth", visibility="direct")
    await desk.poll()
    await desk.town.edit(one["id"], "@sandfordnorth blue van")
    await desk.town.delete(two["id"])
    for _ in range(3):
        clock.pass_time(minutes=5)
        await desk.poll()
    texts = {message.remote_id: message.text for message in await desk.messages()}
    assert texts == {one["id"]: "blue van", two["id"]: ""}


async def test_a_reply_goes_back_to_whom_it_answers(desk: Desk) -> None:
    """What we wrote from another client is ours, and nobody waits any more."""
    await desk.poll()
    said = await desk.town.say("jom", "thanks for last week", to="sandfordnorth")
    await desk.poll()
    async with desk.town.client() as client:
        await client.post("/api/v1/statuses", json={"status": "@jom a pleasure", "in_reply_to_id": said["id"]})
    await desk.poll()
    (talk,) = await desk.talks()
    assert [message.from_us for message in await desk.messages()] == [False, True]
    assert talk.waiting_since is None


async def test_a_revoked_token_stops_the_feed_and_says_so(desk: Desk) -> None:
    await desk.poll()
    before = desk.account.last_poll_at
    await desk.town.revoke("sandfordnorth")
    await desk.poll()
    assert desk.account.state is AccountState.NEEDS_RECONNECT
    assert "Connect it again" in desk.account.state_reason
    assert desk.account.last_poll_at == before


async def test_a_server_that_fails_is_asked_less_and_less(desk: Desk) -> None:
    await desk.poll()
    before = desk.account.last_poll_at
    await desk.town.faults({"path": "/api/v1/notifications", "kind": "error_before"})
    waits = []
    for _ in range(3):
        await desk.poll()
        assert desk.account.next_poll_at is not None
        waits.append(desk.account.next_poll_at - now())
    assert waits[0] < waits[1] < waits[2]
    assert (desk.account.poll_failures, desk.account.last_poll_at) == (3, before)
    assert desk.account.poll_error
    await desk.town.faults()
    await desk.poll()
    assert (desk.account.poll_failures, desk.account.poll_error) == (0, "")


async def test_one_stream_that_fails_does_not_hide_the_other(desk: Desk) -> None:
    await desk.poll()
    await desk.town.faults({"path": "/api/v1/notifications", "kind": "error_before"})
    await desk.town.say("jom", "he is outside", to="sandfordnorth", visibility="direct")
    await desk.poll()
    assert [message.text for message in await desk.messages()] == ["he is outside"]
    assert desk.account.poll_failures == 1


async def test_a_server_that_asks_for_patience_gets_it(desk: Desk) -> None:
    await desk.poll()
    await desk.town.faults({"path": "/api/v1/notifications", "kind": "rate_limited", "seconds": 90, "style": "seconds"})
    await desk.poll()
    assert desk.account.next_poll_at is not None
    assert timedelta(seconds=60) < desk.account.next_poll_at - now() < timedelta(seconds=95)
    assert "wait" in desk.account.poll_error


async def test_a_thread_that_cannot_be_asked_about_loses_no_message(desk: Desk) -> None:
    top = await desk.town.say("jom", "anybody else?")
    await desk.poll()
    await desk.town.faults({"path": "*/context", "kind": "error_before"})
    await desk.town.say("lollylin", "@sandfordnorth please look", in_reply_to_id=top["id"])
    await desk.poll()
    assert [message.text for message in await desk.messages()] == ["please look"]
    assert desk.account.poll_failures == 0


async def test_a_post_deleted_over_there_is_no_longer_watched(desk: Desk) -> None:
    delivery = await desk.posted("Bike marking on Saturday")
    await desk.poll()
    await desk.town.delete(delivery.remote_id or "")
    await desk.poll()
    (row,) = await desk.rows(Delivery)
    assert row.gone_at is not None  # type: ignore[attr-defined]
    async with desk.runtime.read() as session:
        post = await session.get_one(Post, row.post_id)  # type: ignore[attr-defined]
    assert post.state is PostState.WITHDRAWN, "Whoever takes it down: it is down"


async def test_the_loops_do_it_all_by_themselves(desk: Desk) -> None:
    """Poll, read, send and read back what we sent: a resident writes, we answer, they see it, it is there once."""
    desk.runtime.settings = desk.runtime.settings.model_copy(
        update={"poll_interval": 0.2, "dispatch_interval": 0.05, "drain": 1.0}
    )
    stop = asyncio.Event()
    working = asyncio.create_task(work(desk.context, QUEUES, stop))
    try:
        await desk.until(lambda: desk.rows(Cursor), 2)
        await desk.town.say("jom", "he is outside", to="sandfordnorth", visibility="direct")
        (talk,) = await desk.until(desk.talks, 1)
        async with desk.runtime.unit_of_work() as session:
            reply = await inbox.reply(session, desk.cast.alice, talk.id, "Ring 999 now, please.", close=True)
        await desk.until(lambda: desk.town.posts("sandfordnorth"))
        # As long as it takes for polling to bring our own words back.
        await asyncio.sleep(1)
    finally:
        stop.set()
        await asyncio.wait_for(working, 10)
    ours = [message for message in await desk.messages() if message.from_us]
    assert [(message.id, message.remote_id is not None) for message in ours] == [(reply.id, True)]
    (talk,) = await desk.talks()
    assert (talk.state, talk.waiting_since) == ("closed", None)


async def test_a_worker_that_is_stopped_gives_back_what_it_was_reading(desk: Desk) -> None:
    await desk.town.faults({"path": "/api/v1/notifications", "kind": "slow_before", "seconds": 30})
    stop = asyncio.Event()
    running = asyncio.create_task(Poller(desk.context, Random(1)).run(stop))

    async def taken() -> bool:
        (row,) = await desk.rows(Account)
        return row.poll_lease_until is not None  # type: ignore[attr-defined]

    await desk.until(taken)
    stop.set()
    await asyncio.wait_for(running, 5)
    (row,) = await desk.rows(Account)
    assert (row.poll_lease_until, row.last_poll_at) == (None, None)  # type: ignore[attr-defined]


async def test_a_server_that_hangs_leaves_places_to_the_feeds_of_others(desk: Desk) -> None:
    """Sixty accounts there wait for answers that do not come; ours is the last in line."""
    let_go = asyncio.Event()
    async with desk.runtime.unit_of_work() as session:
        for _ in range(60):
            stuck = await an_account(session, desk.cast.force, desk.cast.team, instance="https://hangs.example")
            stuck.next_poll_at = now() - timedelta(hours=1)
        ours = await session.get_one(Account, desk.account.id)
        ours.next_poll_at = now() - timedelta(seconds=1)
    poller = Poller(desk.context, Random(1))
    read = poller.read
    stuck_now = 0

    async def hangs(account: Account) -> None:
        nonlocal stuck_now
        if account.instance == "https://hangs.example":
            stuck_now += 1
            await let_go.wait()
        else:
            await read(account)

    poller.read = hangs  # type: ignore[method-assign]
    stop = asyncio.Event()
    running = asyncio.create_task(poller.run(stop))

    async def was_read() -> bool:
        async with desk.runtime.read() as session:
            return (await session.get_one(Account, desk.account.id)).last_poll_at is not None

    await desk.until(was_read)
    assert 30 <= stuck_now <= 40
    let_go.set()
    stop.set()
    await running
