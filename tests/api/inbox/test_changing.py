"""Giving, closing, noting, reading, and who may see what. Alice may, Bob shares her team, Charlie is a stranger."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import Clock, now
from api.core.errors import Forbidden, Invalid, NotFound, Stale
from api.inbox import queries
from api.inbox import service as inbox
from api.inbox.queries import View
from api.models import (
    Account,
    AuditEntry,
    Conversation,
    ConversationState,
    Delivery,
    DeliveryState,
    Message,
    MessageVersion,
    Note,
    Post,
    Role,
)
from api.platforms.values import Contact, Visibility
from tests.support.factories import Cast, a_person, an_account, viewer_of
from tests.support.talk import JO, SAM, all_conversations, all_messages, hear, said


async def heard(session: AsyncSession, account: Account, by: Contact = JO, **how: object) -> Conversation:
    (message,) = await hear(session, account, said(by=by, **how))  # type: ignore[arg-type]
    return await session.get_one(Conversation, message.conversation_id)


async def ids(session: AsyncSession, viewer: object, view: View | None = None, **more: object) -> list[object]:
    page = await queries.conversations(session, viewer, view, **more)  # type: ignore[arg-type]
    return [row.id for row in page.items]


async def test_strangers_find_nothing(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    (message,) = await all_messages(session)
    for viewer in (*cast.strangers(), cast.sam):
        assert await ids(session, viewer) == []
        assert (await queries.counts(session, viewer)).team == 0
        for gate in (queries.get_conversation, queries.thread, queries.row, inbox.close, inbox.reopen, inbox.mark_read):
            with pytest.raises(NotFound):
                await gate(session, viewer, talk.id)
        with pytest.raises(NotFound):
            await inbox.add_note(session, viewer, talk.id, "hello")
        with pytest.raises(NotFound):
            await inbox.deleted_words(session, viewer, message.id, "curious")


async def test_another_team_sees_only_its_own(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    neighbour = await viewer_of(session, await a_person(session, cast.force, Role.TEAM_MEMBER, cast.other_team))
    with pytest.raises(NotFound):
        await queries.get_conversation(session, neighbour, talk.id)
    assert await ids(session, neighbour) == []
    assert await ids(session, cast.dev) == [talk.id]


async def test_a_contributor_never_meets_a_private_message(session: AsyncSession, cast: Cast, account: Account) -> None:
    public = await heard(session, account)
    private = await heard(session, account, SAM, visibility=Visibility.DIRECT)
    assert await ids(session, cast.lottie) == [public.id]
    assert await ids(session, cast.lottie, View.WAITING) == [public.id]
    counts = await queries.counts(session, cast.lottie)
    assert (counts.team, counts.waiting, counts.unread) == (1, 1, 1)
    assert await queries.new_since(session, cast.lottie, now() - timedelta(hours=1)) == 1
    for gate in (queries.get_conversation, queries.thread, queries.row):
        with pytest.raises(NotFound):
            await gate(session, cast.lottie, private.id)
    thread = await queries.thread(session, cast.lottie, public.id)
    assert (thread.may_reply, thread.may_note) == (False, False)


async def test_a_contributor_does_not_read_notes(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    await inbox.add_note(session, cast.alice, talk.id, "He told me at the door.")
    assert (await queries.thread(session, cast.lottie, talk.id)).notes == []
    assert [note.text for note in (await queries.thread(session, cast.bob, talk.id)).notes] == [
        "He told me at the door."
    ]


async def test_views_show_what_they_say(session: AsyncSession, cast: Cast, account: Account) -> None:
    first = await heard(session, account, at=now() - timedelta(hours=3))
    second = await heard(session, account, SAM, at=now() - timedelta(hours=2))
    third = await heard(session, account)
    await inbox.assign(session, cast.alice, first.id, cast.alice.person_id)
    await inbox.close(session, cast.alice, third.id)
    await session.flush()
    assert await ids(session, cast.alice, View.MINE) == [first.id]
    assert await ids(session, cast.bob, View.MINE) == []
    assert await ids(session, cast.alice, View.UNASSIGNED) == [second.id]
    assert await ids(session, cast.alice, View.WAITING) == [first.id, second.id]
    assert await ids(session, cast.alice, View.CLOSED) == [third.id]
    assert set(await ids(session, cast.alice)) == {first.id, second.id, third.id}
    assert await ids(session, cast.alice, state=ConversationState.CLOSED) == [third.id]
    counts = await queries.counts(session, cast.alice)
    assert (counts.mine, counts.unassigned, counts.team, counts.waiting) == (1, 1, 2, 2)
    assert counts.oldest_waiting == first.waiting_since


async def test_pages_neither_repeat_nor_skip(session: AsyncSession, cast: Cast, account: Account) -> None:
    people = [Contact(f"r{n}", f"r{n}@town.example", f"R {n}") for n in range(7)]
    for person in people:
        await heard(session, account, person)
    for view, closing in ((View.TEAM, 0), (View.WAITING, 0), (None, 3)):
        for talk in (await all_conversations(session))[:closing]:
            await inbox.close(session, cast.alice, talk.id)
        await session.flush()
        found, cursor = [], None
        while True:
            page = await queries.conversations(session, cast.alice, view, cursor=cursor, limit=3)
            found += [row.id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(found) == len(set(found)) == 7


async def test_unread_is_for_each_person(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    talk = await heard(session, account, remote_id="1")
    await inbox.mark_read(session, cast.alice, talk.id)
    await inbox.mark_read(session, cast.alice, talk.id)
    assert not (await queries.row(session, cast.alice, talk.id)).unread
    assert (await queries.row(session, cast.bob, talk.id)).unread
    moved_clock.pass_time(minutes=1)
    await hear(session, account, said(remote_id="2", answers="1"))
    assert (await queries.row(session, cast.alice, talk.id)).unread


async def test_given_only_to_who_may_answer(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    await inbox.assign(session, cast.alice, talk.id, cast.bob.person_id)
    await inbox.assign(session, cast.bob, talk.id, cast.dev.person_id)
    assert talk.assigned_to_id == cast.dev.person_id
    for nobody in (cast.lottie.person_id, cast.moira.person_id, cast.charlie.person_id, uuid4()):
        with pytest.raises(Invalid):
            await inbox.assign(session, cast.alice, talk.id, nobody)
    await inbox.assign(session, cast.alice, talk.id, None)
    assert talk.assigned_to_id is None


async def test_only_who_may_answer_closes_and_gives(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    for viewer in (cast.lottie, cast.moira):
        with pytest.raises(Forbidden):
            await inbox.close(session, viewer, talk.id)
        with pytest.raises(Forbidden):
            await inbox.assign(session, viewer, talk.id, None)
        with pytest.raises(Forbidden):
            await inbox.add_note(session, viewer, talk.id, "hello")


async def test_a_stale_version_changes_nothing(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    seen = talk.version
    await inbox.close(session, cast.alice, talk.id, seen)
    with pytest.raises(Stale):
        await inbox.reopen(session, cast.bob, talk.id, seen)
    await inbox.reopen(session, cast.bob, talk.id, talk.version)
    assert talk.state is ConversationState.OPEN


async def test_every_change_is_in_the_audit_without_words(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account, remote_id="1")
    await inbox.assign(session, cast.alice, talk.id, cast.bob.person_id)
    await inbox.add_note(session, cast.alice, talk.id, "secret words")
    await inbox.reply(session, cast.bob, talk.id, "secret words", close=True)
    await session.flush()
    await hear(session, account, said("secret words", remote_id="2", answers="1"))
    await session.flush()
    entries = (await session.execute(select(AuditEntry).order_by(col(AuditEntry.created_at)))).scalars().all()
    assert [entry.action for entry in entries] == [
        "conversations.assign", "conversations.note", "conversations.reply", "conversations.close",
        "conversations.reopen",
    ]  # fmt: skip
    assert all("secret" not in str(entry.detail) for entry in entries)
    assert entries[-1].person_id is None


async def test_deleted_words_are_for_records_with_a_reason(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account, remote_id="1")
    await hear(session, account, said("worse", remote_id="1", edited_at=now()))
    await inbox.take_back(session, account.id, ["1"])
    for viewer in cast.everyone_of_ours()[:-1]:
        (shown,) = (await queries.thread(session, viewer, talk.id)).messages
        assert (shown.text, shown.before, shown.url) == ("", [], "")
    for viewer in (cast.alice, cast.nadia, cast.lottie):
        with pytest.raises(Forbidden):
            await inbox.deleted_words(session, viewer, (await all_messages(session))[0].id, "I am curious")
    with pytest.raises(Invalid):
        await inbox.deleted_words(session, cast.moira, (await all_messages(session))[0].id, " no ")
    versions = await inbox.deleted_words(session, cast.moira, (await all_messages(session))[0].id, "SAR 24/118")
    assert [version.text for version in versions] == ["speeding again on Mill Lane", "worse"]
    await session.flush()
    (entry,) = (await session.execute(select(AuditEntry).where(col(AuditEntry.subject) == "message"))).scalars()
    assert entry.detail == {"reason": "SAR 24/118"}


async def test_an_edit_shows_what_it_said_before(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account, remote_id="1")
    await hear(session, account, said("a van", remote_id="1", edited_at=now()))
    (shown,) = (await queries.thread(session, cast.alice, talk.id)).messages
    assert (shown.text, shown.before) == ("a van", ["speeding again on Mill Lane"])


async def test_messages_go_when_their_time_has_come(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    talk = await heard(session, account, remote_id="1")
    await hear(session, account, said("edited", remote_id="1", edited_at=now()))
    reply = await inbox.reply(session, cast.alice, talk.id, "Thank you.")
    await inbox.add_note(session, cast.alice, talk.id, "done")
    await inbox.mark_read(session, cast.alice, talk.id)
    delivery = (await session.execute(select(Delivery))).scalar_one()
    assert await inbox.purge(session) == 0
    moved_clock.pass_time(days=cast.force.keep_days, hours=1)
    assert await inbox.purge(session) == 2  # the message and the note: the reply is still on its way
    delivery.state = DeliveryState.SENT
    await session.flush()
    assert await inbox.purge(session) == 1
    for model in (Message, MessageVersion, Conversation, Note, Delivery):
        assert (await session.execute(select(model))).scalars().all() == [], model
    assert reply.id


async def test_purging_keeps_what_is_younger(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    await heard(session, account, remote_id="1")
    moved_clock.pass_time(days=cast.force.keep_days - 1)
    await hear(session, account, said("younger", remote_id="2", answers="1"))
    moved_clock.pass_time(days=2)
    assert await inbox.purge(session) == 1
    (talk,) = await all_conversations(session)
    assert talk.last_words == "younger"


async def test_what_came_before_its_post_was_known_is_put_under_it(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    """Polling was quicker than the dispatcher's note of what it had sent."""
    talk = await heard(session, account, answers="p1", root="p1")
    post = Post(force_id=cast.force.id, team_id=cast.team.id, author_id=cast.alice.person_id, text="What should we do?")
    session.add(post)
    await session.flush()
    assert await inbox.hang_under_posts(session, account.id) == []
    session.add(
        Delivery(
            force_id=cast.force.id, team_id=cast.team.id, account_id=account.id, post_id=post.id, text=post.text,
            state=DeliveryState.SENT, due_at=now(), not_before=now(), useful_until=now(), remote_id="p1",
        )
    )  # fmt: skip
    await session.flush()
    (message,) = await inbox.hang_under_posts(session, account.id)
    assert (message.conversation_id, talk.post_id) == (talk.id, post.id)
    assert await inbox.hang_under_posts(session, account.id) == []
    thread = await queries.thread(session, cast.alice, talk.id)
    assert thread.post is not None
    assert thread.post.text == "What should we do?"


async def test_a_force_account_is_seen_by_the_whole_force_only(session: AsyncSession, cast: Cast) -> None:
    talk = await heard(session, await an_account(session, cast.force))
    assert await ids(session, cast.ellie) == [talk.id]
    assert await ids(session, cast.alice) == []
