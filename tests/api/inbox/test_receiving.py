"""What arrives becomes conversations: one person under one thread, in any order, once."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock, now
from api.inbox import queries
from api.inbox import service as inbox
from api.models import Account, ConversationKind, ConversationState, MessageVersion
from api.platforms.values import Attachment, Visibility
from tests.support.factories import Cast
from tests.support.talk import FAR, JO, SAM, all_conversations, all_messages, hear, said, us


async def test_a_mention_becomes_a_conversation_of_its_own(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(remote_id="1"))
    (talk,) = await all_conversations(session)
    assert (talk.thread_key, talk.kind, talk.contact_handle) == ("1:r-jo", ConversationKind.PUBLIC, JO.handle)
    assert (talk.last_words, talk.last_from_us, talk.team_id) == ("speeding again on Mill Lane", False, account.team_id)
    assert talk.waiting_since is not None


async def test_the_same_message_three_times_changes_nothing(session: AsyncSession, account: Account) -> None:
    one = said(remote_id="1")
    await hear(session, account, one, one)
    (before,) = await all_conversations(session)
    version = before.version
    assert await hear(session, account, one) == []
    (talk,) = await all_conversations(session)
    assert talk.version == version
    assert len(await all_messages(session)) == 1


async def test_two_people_under_one_thread_are_two_conversations(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(remote_id="1"), said(by=SAM, remote_id="2", answers="1"))
    assert {talk.thread_key for talk in await all_conversations(session)} == {"1:r-jo", "1:r-sam"}


async def test_private_messages_of_one_person_are_one_conversation(session: AsyncSession, account: Account) -> None:
    for number in ("1", "2"):
        await hear(session, account, said(remote_id=number, visibility=Visibility.DIRECT))
    (talk,) = await all_conversations(session)
    assert (talk.thread_key, talk.kind) == ("direct:r-jo", ConversationKind.DIRECT)


async def test_a_private_answer_in_a_public_thread_stays_private(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(remote_id="1"))
    await hear(session, account, said(remote_id="2", answers="1", visibility=Visibility.DIRECT))
    await hear(session, account, said(remote_id="3", answers="2"))
    kinds = {talk.thread_key: talk.kind for talk in await all_conversations(session)}
    assert kinds["direct:r-jo"] is ConversationKind.DIRECT
    assert all(kind is ConversationKind.PUBLIC for key, kind in kinds.items() if key != "direct:r-jo")


async def test_a_parent_may_come_after_its_reply(session: AsyncSession, account: Account) -> None:
    """Ids are letters and sort against time: nothing may be read from them."""
    top, middle, leaf = "01ZZZZ", "01MMMM", "01AAAA"
    await hear(session, account, said("and again", remote_id=leaf, answers=middle))
    await hear(session, account, said("it was a van", remote_id=middle, answers=top, at=now() - timedelta(minutes=5)))
    await hear(session, account, said(remote_id=top, at=now() - timedelta(minutes=9)))
    (talk,) = await all_conversations(session)
    assert talk.thread_key == f"{top}:r-jo"
    assert [message.remote_id for message in await all_messages(session)] == [top, middle, leaf]


async def test_what_is_known_of_the_root_keeps_a_thread_together(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(remote_id="9", answers="8", root="1"))
    await hear(session, account, said(remote_id="7", answers="6", root="1"))
    assert [talk.thread_key for talk in await all_conversations(session)] == ["1:r-jo"]


async def test_messages_stand_in_the_order_they_were_written(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said("second", remote_id="2", at=now() - timedelta(minutes=1)))
    await hear(session, account, said("first", remote_id="1", at=now() - timedelta(minutes=2)))
    await hear(session, account, said("from the future", remote_id="3", at=now() + timedelta(days=1)))
    messages = await all_messages(session)
    assert [message.text for message in messages] == ["first", "second", "from the future"]
    assert messages[-1].sort_at <= now()


async def test_an_edit_keeps_what_was_said_before(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said("he has a life", remote_id="1"))
    await hear(session, account, said("he has a knife", remote_id="1", edited_at=now()))
    (message,) = await all_messages(session)
    (version,) = (await session.execute(select(MessageVersion))).scalars().all()
    assert (message.text, message.version, version.text) == ("he has a knife", 2, "he has a life")
    (talk,) = await all_conversations(session)
    assert talk.last_words == "he has a knife"


async def test_older_words_that_come_late_do_not_undo_an_edit(session: AsyncSession, account: Account) -> None:
    edited = now()
    await hear(session, account, said("new", remote_id="1", edited_at=edited))
    await hear(session, account, said("old", remote_id="1"))
    await hear(session, account, said("older", remote_id="1", edited_at=edited - timedelta(minutes=1)))
    (message,) = await all_messages(session)
    assert message.text == "new"


async def test_a_message_and_its_edit_in_one_batch_are_one_message(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said("a", remote_id="1"), said("b", remote_id="1", edited_at=now()))
    (message,) = await all_messages(session)
    assert (message.text, message.version) == ("b", 2)


async def test_what_a_sender_deletes_is_put_away(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said("I should not have said that", remote_id="1"))
    assert await inbox.take_back(session, account.id, ["1", "never seen"]) == 1
    assert await inbox.take_back(session, account.id, ["1"]) == 0
    (message,) = await all_messages(session)
    (version,) = (await session.execute(select(MessageVersion))).scalars().all()
    assert (message.text, version.text, version.deleted) == ("", "I should not have said that", True)
    (talk,) = await all_conversations(session)
    assert (talk.last_words, talk.waiting_since) == ("Deleted by its sender", None)


async def test_a_deleted_message_is_not_brought_back_by_seeing_it_again(
    session: AsyncSession, account: Account
) -> None:
    one = said("words", remote_id="1")
    await hear(session, account, one)
    await inbox.take_back(session, account.id, ["1"])
    await hear(session, account, one, said("other words", remote_id="1", edited_at=now()))
    (message,) = await all_messages(session)
    assert message.text == ""


async def test_history_starts_no_clock(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(backfilled=True, at=now() - timedelta(days=20)))
    (talk,) = await all_conversations(session)
    assert (talk.waiting_since, talk.state) == (None, ConversationState.OPEN)
    assert talk.last_message_at < now() - timedelta(days=19)


async def test_what_is_past_its_date_is_not_taken_in(session: AsyncSession, cast: Cast, account: Account) -> None:
    await hear(session, account, said(at=now() - timedelta(days=cast.force.keep_days + 1)))
    assert await all_messages(session) == []


async def test_every_message_has_an_end(session: AsyncSession, cast: Cast, account: Account) -> None:
    (message,) = await hear(session, account, said())
    assert message.keep_until == message.sort_at + timedelta(days=cast.force.keep_days)


async def test_a_new_message_opens_what_was_closed(session: AsyncSession, cast: Cast, account: Account) -> None:
    await hear(session, account, said(remote_id="1"))
    (talk,) = await all_conversations(session)
    await inbox.close(session, cast.alice, talk.id)
    await session.flush()
    await hear(session, account, said(remote_id="2", answers="1"))
    (talk,) = await all_conversations(session)
    assert (talk.state, talk.closed_at, talk.closed_by_id) == (ConversationState.OPEN, None, None)


async def test_what_we_wrote_from_elsewhere_is_ours_and_answers(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(remote_id="1"))
    await hear(session, account, said("We will look.", us(account), ours=True, answers="1", remote_id="2"))
    (talk,) = await all_conversations(session)
    assert (talk.last_from_us, talk.waiting_since) == (True, None)


async def test_a_post_of_ours_is_no_conversation(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said("Bike marking", us(account), ours=True, remote_id="1"))
    assert await all_conversations(session) == []


async def test_who_answers_after_we_wrote_from_elsewhere_waits(session: AsyncSession, account: Account) -> None:
    """All three come at once: what counts is when each was written."""
    ago = [now() - timedelta(minutes=minutes) for minutes in (9, 6, 3)]
    await hear(
        session,
        account,
        said(remote_id="1", at=ago[0]),
        said("Where?", us(account), ours=True, remote_id="2", answers="1", at=ago[1]),
        said("by the school", remote_id="3", answers="2", at=ago[2]),
    )
    (talk,) = await all_conversations(session)
    assert talk.waiting_since == ago[2]


async def test_when_we_wrote_first_in_private_their_answer_joins_it(session: AsyncSession, account: Account) -> None:
    ours = said("Could you tell us more?", us(account), ours=True, visibility=Visibility.DIRECT, mentions=[FAR.handle])
    await hear(session, account, ours)
    await hear(session, account, said("Yes", FAR, visibility=Visibility.DIRECT))
    (talk,) = await all_conversations(session)
    assert (talk.thread_key, talk.contact_remote_id) == ("direct:r-far", "r-far")


async def test_a_thread_that_bites_its_tail_does_no_harm(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said(remote_id="1", answers="2"), said(remote_id="2", answers="1"))
    assert len(await all_messages(session)) == 2


async def test_a_late_message_is_news_and_waits(
    session: AsyncSession, cast: Cast, account: Account, moved_clock: Clock
) -> None:
    """Two hours under way: written before our last look, seen by nobody."""
    await hear(session, account, said(remote_id="1"))
    (talk,) = await all_conversations(session)
    await inbox.mark_read(session, cast.alice, talk.id)
    moved_clock.pass_time(hours=2)
    late = now() - timedelta(hours=2)
    await hear(session, account, said("help", remote_id="2", answers="1", at=late))
    (talk,) = await all_conversations(session)
    assert (talk.last_words, talk.last_message_at) == ("help", (await all_messages(session))[1].received_at)


async def test_pictures_without_words_arrive_too(session: AsyncSession, account: Account) -> None:
    await hear(session, account, said("", attachments=[Attachment("image", "https://town.example/1.png", "")]))
    (message,) = await all_messages(session)
    assert message.attachments == [{"kind": "image", "url": "https://town.example/1.png", "alt": ""}]


async def test_a_reply_between_residents_shows_what_it_answers(
    session: AsyncSession, account: Account, cast: Cast
) -> None:
    await hear(session, account, said("speeding again on Mill Lane", remote_id="1"))
    await hear(session, account, said("I saw it too", by=SAM, remote_id="2", answers="1"))
    jo, sam = sorted(await all_conversations(session), key=lambda talk: talk.contact_name)
    (message,) = (await queries.thread(session, cast.alice, sam.id)).messages
    assert message.answers is not None
    assert (message.answers.text, message.answers.conversation_id) == ("speeding again on Mill Lane", jo.id)


async def test_private_words_are_never_shown_as_what_somebody_answers(
    session: AsyncSession, account: Account, cast: Cast
) -> None:
    await hear(session, account, said("please keep this between us", remote_id="1", visibility=Visibility.DIRECT))
    await hear(session, account, said("what did you tell them?", by=SAM, remote_id="2", answers="1"))
    sam = next(talk for talk in await all_conversations(session) if talk.contact_remote_id == SAM.remote_id)
    assert [one.answers for one in (await queries.thread(session, cast.alice, sam.id)).messages] == [None]


async def test_history_from_before_the_account_was_connected_is_not_unread(
    session: AsyncSession, account: Account, cast: Cast
) -> None:
    await hear(session, account, said(remote_id="1", at=account.created_at - timedelta(days=3), backfilled=True))
    await hear(session, account, said(by=SAM, remote_id="2"))
    rows = (await queries.conversations(session, cast.alice)).items
    assert {row.contact_name: row.unread for row in rows} == {JO.name: False, SAM.name: True}
    assert (await queries.counts(session, cast.alice)).unread == 1
