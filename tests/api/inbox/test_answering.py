"""A reply goes out once, to whom it answers, as visible as what it answers, and is shown as what it is."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import Clock, now
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.core.jobs import Job, asked
from api.inbox import queries
from api.inbox import service as inbox
from api.models import Account, Conversation, ConversationState, Delivery, DeliveryState, Message, Viewer
from api.platforms.values import Contact, Visibility
from tests.support.factories import Cast, an_account
from tests.support.talk import FAR, JO, SAM, all_conversations, all_messages, hear, said, us


async def heard(session: AsyncSession, account: Account, by: Contact = JO, **how: object) -> Conversation:
    (message,) = await hear(session, account, said(by=by, **how))  # type: ignore[arg-type]
    return await session.get_one(Conversation, message.conversation_id)


async def delivery_of(session: AsyncSession, message: Message) -> Delivery:
    rows = await session.execute(select(Delivery).where(col(Delivery.message_id) == message.id))
    return rows.scalar_one()


async def sent(session: AsyncSession, message: Message, remote_id: str = "r1") -> None:
    """As the dispatcher leaves it."""
    delivery = await delivery_of(session, message)
    delivery.state, delivery.remote_id, delivery.url = (
        DeliveryState.SENT,
        remote_id,
        f"https://town.example/{remote_id}",
    )
    await session.flush()
    await inbox.settle(session, [message.id])


async def test_a_reply_is_queued_with_the_message_that_it_is(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    message = await inbox.reply(session, cast.alice, talk.id, "We will be there on Tuesday.")
    delivery = await delivery_of(session, message)
    assert (delivery.text, delivery.in_reply_to) == ("@jom@town.example We will be there on Tuesday.", "1")
    assert (message.text, message.person_id, message.remote_id) == (delivery.text, cast.alice.person_id, None)
    assert (talk.last_from_us, talk.waiting_since) == (True, None)
    assert Job("send") in asked(session)


@pytest.mark.parametrize("visibility", Visibility)
async def test_a_reply_keeps_the_visibility_of_what_it_answers(
    session: AsyncSession, cast: Cast, account: Account, visibility: Visibility
) -> None:
    talk = await heard(session, account, visibility=visibility)
    message = await inbox.reply(session, cast.alice, talk.id, "Thank you.")
    assert {message.visibility, (await delivery_of(session, message)).visibility} == {visibility}


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visibilities=st.lists(st.sampled_from(Visibility), min_size=1, max_size=6), names=st.booleans())
async def test_whatever_came_before_no_reply_is_seen_by_more_than_what_it_answers(
    session: AsyncSession, cast: Cast, account: Account, visibilities: list[Visibility], names: bool
) -> None:
    """One thread in which each message may be more or less private than the one before."""
    saved = await session.begin_nested()
    parent: str | None = None
    for visibility in visibilities:
        (message,) = await hear(session, account, said(answers=parent, visibility=visibility))
        parent = message.remote_id
    for talk in await all_conversations(session):
        theirs = [m for m in await all_messages(session) if m.conversation_id == talk.id]
        reply = await inbox.reply(session, cast.alice, talk.id, f"{'@jom@town.example ' if names else ''}Thank you.")
        delivery = await delivery_of(session, reply)
        answered = next(m for m in theirs if m.remote_id == delivery.in_reply_to)
        assert delivery.visibility is answered.visibility
        assert (delivery.visibility is Visibility.DIRECT) == (talk.kind == "direct")
        assert delivery.text.startswith("@jom@town.example ")
    await saved.rollback()


async def test_a_private_reply_begins_with_their_name_whatever_was_typed(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, FAR, visibility=Visibility.DIRECT)
    message = await inbox.reply(session, cast.alice, talk.id, "Thank you, @wren@far.example.")
    assert message.text == "@wren@far.example Thank you, @wren@far.example."


@pytest.mark.parametrize("typed", ["@jom@town.example yes", "@JoM yes", "Yes @jom"])
async def test_a_name_that_stands_there_is_not_added(
    session: AsyncSession, cast: Cast, account: Account, typed: str
) -> None:
    talk = await heard(session, account)
    assert (await inbox.reply(session, cast.alice, talk.id, typed)).text == typed


async def test_a_private_reply_that_names_others_is_refused(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, visibility=Visibility.DIRECT)
    for typed in ("Please ask @samp too", "@jom@town.example cc @press@paper.example", "@jom@far.example hello"):
        with pytest.raises(Invalid, match="everybody it names"):
            await inbox.reply(session, cast.alice, talk.id, typed)
    await inbox.reply(session, cast.alice, talk.id, "Write to desk@sandfordvale.example or @sandfordnorth.")


async def test_what_is_too_long_with_the_name_says_by_how_much(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, visibility=Visibility.DIRECT)
    with pytest.raises(Invalid, match=r"501 characters .* can send 500\. Take out 1") as refusal:
        await inbox.reply(session, cast.alice, talk.id, "x" * 496)
    assert refusal.value.more == {"field": "text", "length": 501, "limit": 500}
    await inbox.reply(session, cast.alice, talk.id, "x" * 495)


async def test_an_empty_reply_is_refused(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    with pytest.raises(Invalid):
        await inbox.reply(session, cast.alice, talk.id, "  \n ")


async def test_the_last_thing_they_did_not_take_back_is_answered(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    await hear(session, account, said(remote_id="2", answers="1"))
    await inbox.take_back(session, account.id, ["2"])
    assert (await inbox.reply(session, cast.alice, talk.id, "Thank you.")).in_reply_to == "1"
    await inbox.take_back(session, account.id, ["1"])
    with pytest.raises(Conflict, match="nothing left to answer"):
        await inbox.reply(session, cast.alice, talk.id, "Thank you.")


async def test_send_and_close_closes(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    await inbox.reply(session, cast.alice, talk.id, "Thank you.", close=True)
    assert (talk.state, talk.closed_by_id) == (ConversationState.CLOSED, cast.alice.person_id)


async def test_only_those_who_may_answer(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    for viewer in (cast.lottie, cast.moira):
        with pytest.raises(Forbidden):
            await inbox.reply(session, viewer, talk.id, "Hello")
    for stranger in cast.strangers():
        with pytest.raises(NotFound):
            await inbox.reply(session, stranger, talk.id, "Hello")
    assert (await session.execute(select(Delivery))).scalars().all() == []


async def test_a_real_account_asks_for_the_second_step(session: AsyncSession, cast: Cast) -> None:
    account = await an_account(session, cast.force, cast.team, practice=False)
    talk = await heard(session, account)
    without = Viewer(cast.alice.person_id, cast.force.id, "Alice", cast.alice.roles)
    with pytest.raises(Forbidden, match="second step"):
        await inbox.reply(session, without, talk.id, "Hello")


async def test_who_answers_what_has_changed_meanwhile_is_told(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    seen = talk.version
    await hear(session, account, said("wait, not the van", remote_id="2", answers="1"))
    with pytest.raises(Stale):
        await inbox.reply(session, cast.alice, talk.id, "We stopped the van.", version=seen)


async def test_a_sent_reply_gets_its_remote_id(session: AsyncSession, cast: Cast, account: Account) -> None:
    talk = await heard(session, account)
    message = await inbox.reply(session, cast.alice, talk.id, "Thank you.")
    await sent(session, message, "r1")
    assert (message.remote_id, message.url) == ("r1", "https://town.example/r1")
    (_, shown) = (await queries.thread(session, cast.alice, talk.id)).messages
    assert shown.delivery is not None
    assert shown.delivery.words == "Sent"


async def test_polling_sees_our_reply_first_and_there_is_still_one(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    message = await inbox.reply(session, cast.alice, talk.id, "Thank you.")
    await hear(session, account, said(message.text, us(account), ours=True, remote_id="r1", answers="1"))
    assert len(await all_messages(session)) == 3
    await sent(session, message, "r1")
    assert [m.remote_id for m in await all_messages(session)] == ["1", "r1"]
    await session.refresh(talk)
    assert talk.last_message_id == message.id


async def test_polling_sees_our_reply_afterwards_and_there_is_one(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    message = await inbox.reply(session, cast.alice, talk.id, "Thank you.")
    await sent(session, message, "r1")
    ours = said(message.text, us(account), ours=True, remote_id="r1", answers="1", edited_at=now())
    assert await hear(session, account, ours) == []
    assert len(await all_messages(session)) == 2


async def test_who_got_no_answer_waits_again(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    """A reply that was refused answered nobody."""
    talk = await heard(session, account)
    since = talk.waiting_since
    message = await inbox.reply(session, cast.alice, talk.id, "Thank you.")
    assert talk.waiting_since is None
    delivery = await delivery_of(session, message)
    delivery.state, delivery.error = DeliveryState.REFUSED, "The server did not accept it as it is."
    await session.flush()
    await inbox.settle(session, [message.id])
    assert talk.waiting_since == since
    shown = (await queries.thread(session, cast.alice, talk.id)).messages[-1].delivery
    assert shown is not None
    assert (shown.words, shown.why, shown.may_retry) == ("Not sent", "The server did not accept it as it is.", True)


async def test_their_answer_to_our_reply_joins_the_conversation(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    await sent(session, await inbox.reply(session, cast.alice, talk.id, "Thank you."), "r1")
    await hear(session, account, said("no, thank you", remote_id="2", answers="r1"))
    assert [t.id for t in await all_conversations(session)] == [talk.id]


async def test_somebody_else_answering_our_reply_is_under_the_same_thread(
    session: AsyncSession, cast: Cast, account: Account
) -> None:
    talk = await heard(session, account, remote_id="1")
    await sent(session, await inbox.reply(session, cast.alice, talk.id, "Thank you."), "r1")
    await hear(session, account, said("me too", SAM, remote_id="2", answers="r1"))
    assert {t.thread_key for t in await all_conversations(session)} == {"1:r-jo", "1:r-sam"}


NOTE = "He told me on the doorstep that he is afraid of his brother"


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["note", "reply", "edit", "close", "reopen", "assign"]), min_size=1, max_size=8))
async def test_a_note_never_leaves(session: AsyncSession, cast: Cast, account: Account, steps: list[str]) -> None:
    """Whatever people do around it, no delivery holds its words or points at it."""
    saved = await session.begin_nested()
    talk = await heard(session, account, remote_id="1")
    note = await inbox.add_note(session, cast.bob, talk.id, NOTE)
    for step in steps:
        if step == "note":
            await inbox.add_note(session, cast.alice, talk.id, NOTE)
        elif step == "reply":
            await inbox.reply(session, cast.alice, talk.id, "Thank you.")
        elif step == "edit":
            await hear(session, account, said("new words", remote_id="1", edited_at=now()))
        elif step == "assign":
            await inbox.assign(session, cast.alice, talk.id, cast.bob.person_id)
        else:
            await getattr(inbox, step)(session, cast.alice, talk.id)
    for delivery in (await session.execute(select(Delivery))).scalars():
        assert NOTE not in delivery.text
        assert delivery.message_id != note.id
    assert all(NOTE not in message.text for message in await all_messages(session))
    await saved.rollback()
