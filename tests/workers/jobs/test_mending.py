"""Replies changed and taken down, messages liked: from the inbox to the town and back into the thread."""

from uuid import UUID

import pytest

from api.core.clock import clock, now
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.inbox import queries
from api.inbox import service as inbox
from api.inbox.thread import ThreadMessage
from api.models import Account, Delivery, ErrandState, Message, Viewer
from api.platforms.values import Platform, Visibility
from tests.support.factories import Cast
from tests.support.practice import Practice

WHY = "It was the wrong day"


async def answered(practice: Practice, text: str = "We will come on Tuesday.") -> tuple[Message, Message, Delivery]:
    """What Jo said, what we answered, and what carried it."""
    heard = await practice.hears("speeding again on Mill Lane")
    async with practice.runtime.unit_of_work() as session:
        reply = await inbox.reply(session, practice.cast.alice, heard.conversation_id, text)
    await practice.send()
    (delivery,) = await practice.all()
    return heard, reply, delivery


async def shown(practice: Practice, message: Message, viewer: Viewer | None = None) -> ThreadMessage:
    async with practice.runtime.read() as session:
        thread = await queries.thread(session, viewer or practice.cast.alice, message.conversation_id)
    return next(each for each in thread.messages if each.id == message.id)


async def edit(practice: Practice, message_id: UUID, text: str, viewer: Viewer, version: int | None = None) -> None:
    async with practice.runtime.unit_of_work() as session:
        await inbox.edit_reply(session, viewer, message_id, text, version)


async def take_down(practice: Practice, message_id: UUID, viewer: Viewer, why: str = WHY) -> None:
    async with practice.runtime.unit_of_work() as session:
        await inbox.withdraw_reply(session, viewer, message_id, why)


async def like(practice: Practice, message_id: UUID, viewer: Viewer, *, wanted: bool = True) -> None:
    async with practice.runtime.unit_of_work() as session:
        await inbox.like(session, viewer, message_id, wanted=wanted)


async def test_a_reply_is_changed_where_it_stands_and_its_earlier_words_are_kept(practice: Practice) -> None:
    _, reply, delivery = await answered(practice)
    await edit(practice, reply.id, "We will come on Wednesday.", practice.cast.bob)
    assert "has not answered yet" in (await shown(practice, reply)).doing
    await practice.errands()
    assert await practice.town.stands(delivery) == "@jom@town.example We will come on Wednesday."
    said = await shown(practice, reply)
    assert (said.text, said.doing) == ("@jom@town.example We will come on Wednesday.", "")
    assert said.before == ["@jom@town.example We will come on Tuesday."]
    assert said.edited_at is not None


async def test_a_reply_is_taken_down_and_records_still_see_its_words(practice: Practice, cast: Cast) -> None:
    _, reply, delivery = await answered(practice)
    await practice.town.faults({"kind": "lost_answer", "method": "DELETE", "next": 1})
    await take_down(practice, reply.id, cast.alice)
    for _ in range(2):
        await practice.errands()
        clock.pass_time(minutes=1)
    assert await practice.town.stands(delivery) is None
    said = await shown(practice, reply)
    assert said.text == ""
    assert said.deleted_at is not None
    async with practice.runtime.unit_of_work() as session:
        kept = await inbox.deleted_words(session, cast.moira, reply.id, "Complaint 24/118")
    assert [each.text for each in kept] == ["@jom@town.example We will come on Tuesday."]


async def test_a_reply_that_still_waits_is_stopped(practice: Practice, cast: Cast) -> None:
    heard = await practice.hears("speeding again")
    async with practice.runtime.unit_of_work() as session:
        reply = await inbox.reply(session, cast.alice, heard.conversation_id, "On Tuesday.")
    await take_down(practice, reply.id, cast.alice)
    await practice.send()
    assert (await shown(practice, reply)).delivery.words == "Cancelled"  # type: ignore[union-attr]
    assert [each["text"] for each in await practice.town.control("GET", "/statuses")] == [
        "@sandfordnorth speeding again"
    ]


async def test_a_like_is_given_once_and_taken_back(practice: Practice, cast: Cast) -> None:
    heard = await practice.hears("thank you for Saturday")
    await practice.town.faults({"kind": "lost_answer", "method": "POST", "path": "*/favourite", "next": 1})
    await like(practice, heard.id, cast.alice)
    await like(practice, heard.id, cast.bob)
    assert (await shown(practice, heard)).liked.asked
    for _ in range(2):
        await practice.errands()
        clock.pass_time(minutes=1)
    assert (await practice.town.ask(heard.remote_id or "")).json()["favourites_count"] == 1
    assert (await shown(practice, heard)).liked.liked
    assert len(await practice.asked()) == 1
    await like(practice, heard.id, cast.bob, wanted=False)
    await practice.errands()
    assert (await practice.town.ask(heard.remote_id or "")).json()["favourites_count"] == 0
    assert not (await shown(practice, heard)).liked.liked


async def test_a_like_and_its_taking_back_are_done_in_their_order(practice: Practice, cast: Cast) -> None:
    heard = await practice.hears("thank you for Saturday")
    await practice.town.faults({"kind": "error_before", "method": "POST", "path": "*/favourite", "next": 1})
    await like(practice, heard.id, cast.alice)
    await practice.errands()
    await like(practice, heard.id, cast.alice, wanted=False)
    for _ in range(3):
        await practice.errands()
        clock.pass_time(minutes=1)
    assert [each.state for each in await practice.asked()] == [ErrandState.DONE, ErrandState.DONE]
    assert (await practice.town.ask(heard.remote_id or "")).json()["favourites_count"] == 0


async def test_a_message_that_is_gone_cannot_be_liked_and_says_so(practice: Practice, cast: Cast) -> None:
    heard = await practice.hears("thank you")
    await practice.town.by("jom", f"/{heard.remote_id}", "DELETE")
    await like(practice, heard.id, cast.alice)
    await practice.errands()
    liked = (await shown(practice, heard)).liked
    assert (liked.liked, liked.trouble) == (False, "The server does not have it any more.")


async def test_what_was_private_elsewhere_is_final(practice: Practice, cast: Cast) -> None:
    _, reply, _ = await answered(practice)
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Account, practice.north.id)).platform = Platform.BLUESKY
        (await session.get_one(Message, reply.id)).visibility = Visibility.DIRECT
    for act in (edit(practice, reply.id, "x", cast.alice), take_down(practice, reply.id, cast.alice)):
        with pytest.raises(Conflict, match="stays as it was said"):
            await act
    said = await shown(practice, reply)
    assert not said.may_change
    assert not said.may_take_down


async def test_of_two_who_change_a_reply_the_second_is_told(practice: Practice, cast: Cast) -> None:
    _, reply, _ = await answered(practice)
    version = (await shown(practice, reply)).version
    await edit(practice, reply.id, "On Wednesday.", cast.alice, version)
    with pytest.raises(Stale):
        await edit(practice, reply.id, "On Thursday.", cast.bob, version)


async def test_strangers_find_nothing_and_a_lesser_role_may_not(practice: Practice, cast: Cast) -> None:
    heard, reply, delivery = await answered(practice)
    for viewer, refusal in ((cast.charlie, NotFound), (cast.ivy, NotFound), (cast.lottie, Forbidden)):
        with pytest.raises(refusal):
            await edit(practice, reply.id, "Mine", viewer)
        with pytest.raises(refusal):
            await take_down(practice, reply.id, viewer)
        with pytest.raises(refusal):
            await like(practice, heard.id, viewer)
    with pytest.raises(Invalid, match="why"):
        await take_down(practice, reply.id, cast.alice, "")
    assert await practice.asked() == []
    assert await practice.town.stands(delivery) == "@jom@town.example We will come on Tuesday."


async def test_what_was_asked_about_a_message_goes_with_it(practice: Practice, cast: Cast) -> None:
    heard, reply, _ = await answered(practice)
    await like(practice, heard.id, cast.alice)
    await edit(practice, reply.id, "On Wednesday.", cast.alice)
    await practice.errands()
    async with practice.runtime.unit_of_work() as session:
        for each in (heard, reply):
            (await session.get_one(Message, each.id)).keep_until = now()
        await session.flush()
        assert await inbox.purge(session) == 2
    assert await practice.asked() == []
