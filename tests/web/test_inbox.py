"""Reading, answering, noting and closing, as somebody does it with a browser."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from api.core.clock import now
from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.models import Account, Conversation, Delivery, DeliveryState, Message, Note
from api.platforms.values import Visibility
from tests.support.factories import Cast
from tests.support.reader import Reader
from tests.support.talk import SAM, said
from tests.web.conftest import Sits


def two_days_ago() -> datetime:
    return now() - timedelta(hours=51)


@pytest.fixture
async def talk(runtime: Runtime, account: Account) -> str:
    """The address of what Jo wrote two days ago."""
    async with runtime.unit_of_work() as session:
        await inbox.receive(session, account, [said(at=two_days_ago(), came=two_days_ago())])
        return f"/inbox/{(await session.execute(select(Conversation.id))).scalar_one()}"


@pytest.fixture
async def alice(sits: Sits, cast: Cast) -> Reader:
    return await sits(cast.alice)


async def test_what_came_in_stands_in_the_list_with_its_clock(alice: Reader, talk: str) -> None:
    page = await alice.open("/inbox")
    assert "Jo M" in page.words
    assert "speeding again on Mill Lane" in page.words
    assert "51 h of 72" in page.words
    assert "not read yet" in page.words
    await alice.open(talk)
    assert "not read yet" not in (await alice.open("/inbox")).words


async def test_a_reply_goes_out_and_the_field_is_empty_again(alice: Reader, talk: str, runtime: Runtime) -> None:
    await alice.open(talk)
    page = await alice.press("Send reply", text="We will look at it on Thursday.")
    assert "Your reply is on its way." in page.words
    assert "Waiting to go out" in page.words
    assert "We will look at it on Thursday." in page.words
    assert ("text", "") in next(form for form in page.forms if "Send reply" in form.buttons).fields
    async with runtime.read() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
    assert delivery.text == "@jom@town.example We will look at it on Thursday."


async def test_send_and_close_does_both(alice: Reader, talk: str) -> None:
    await alice.open(talk)
    page = await alice.press("And closeSend and close", text="Done.")
    assert "the conversation is closed" in page.words
    assert "Jo M" not in (await alice.open("/inbox")).words
    assert "Jo M" in (await alice.open("/inbox?view=closed")).words


async def test_a_note_stays_in_the_team(alice: Reader, talk: str, runtime: Runtime, sits: Sits, cast: Cast) -> None:
    await alice.open(talk)
    page = await alice.press("Save note", text="Speed watch is booked.", kind="note")
    assert "stays in the team" in page.words
    assert "Speed watch is booked." in page.words
    async with runtime.read() as session:
        assert (await session.execute(select(Note.text))).scalar_one() == "Speed watch is booked."
        assert (await session.execute(select(Delivery))).first() is None
    page = await (await sits(cast.lottie)).open(talk)
    assert "Speed watch" not in page.words


async def test_what_is_too_long_is_not_sent_and_not_lost(alice: Reader, talk: str, runtime: Runtime) -> None:
    await alice.open(talk)
    page = await alice.press("Send reply", text="a" * 600)
    assert alice.answer.status_code == 422
    assert "Not sent" in page.words
    assert ("text", "a" * 600) in next(form for form in page.forms if "Send reply" in form.buttons).fields
    async with runtime.read() as session:
        assert (await session.execute(select(Delivery))).first() is None


async def test_a_refused_reply_says_why_and_can_be_sent_again(alice: Reader, talk: str, runtime: Runtime) -> None:
    await alice.open(talk)
    await alice.press("Send reply", text="Thank you.")
    async with runtime.unit_of_work() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
        delivery.state, delivery.error = DeliveryState.REFUSED, "The town says no."
    page = await alice.open(talk)
    assert "Not sent" in page.words
    assert "The town says no." in page.words
    page = await alice.press("Send again")
    assert alice.answer.url.path == talk
    assert "Waiting to go out" in page.words


async def test_taking_closing_and_reopening(alice: Reader, talk: str, cast: Cast) -> None:
    await alice.open(talk)
    page = await alice.press("Take it")
    assert "PCSO Alice Marsh" in page.words
    assert "Jo M" in (await alice.open("/inbox?view=mine")).words
    await alice.open(talk)
    page = await alice.press("Close")
    assert "If they write again" in page.words
    page = await alice.press("Reopen")
    assert "Open again." in page.words


async def test_it_can_be_given_to_a_colleague(alice: Reader, talk: str, cast: Cast, sits: Sits) -> None:
    await alice.open(talk)
    await alice.press("Give it to them", person_id=str(cast.bob.person_id))
    assert "Jo M" in (await (await sits(cast.bob)).open("/inbox?view=mine")).words


async def test_new_ones_announce_themselves_and_wait(
    alice: Reader, talk: str, runtime: Runtime, account: Account
) -> None:
    since = now().isoformat().replace("+", "%2B")
    nothing = await alice.open(f"/inbox/news?view=team&since={since}")
    assert "new" not in nothing.words
    async with runtime.unit_of_work() as session:
        await inbox.receive(session, account, [said("two lads trying car doors", by=SAM)])
    page = await alice.open(f"/inbox/news?view=team&since={since}")
    assert page.words == "1 new: show it"
    assert "every 15s" in alice.answer.text


async def test_words_that_were_taken_back_are_not_shown(alice: Reader, talk: str, runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        message = (await session.execute(select(Message))).scalar_one()
        message.deleted_at = now()
    page = await alice.open(talk)
    thread = alice.answer.text.partition('id="thread"')[2].partition("</form>")[0]
    assert "Taken back by the person who wrote it" in page.words
    assert "speeding again" not in thread


async def test_a_private_message_is_not_there_for_a_contributor(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account, alice: Reader
) -> None:
    async with runtime.unit_of_work() as session:
        private = said("he is at the back door", by=SAM, visibility=Visibility.DIRECT)
        await inbox.receive(session, account, [private])
        address = f"/inbox/{(await session.execute(select(Conversation.id))).scalar_one()}"
    page = await alice.open(address)
    assert "Private reply" in page.words
    lottie = await sits(cast.lottie)
    assert "Sam P" not in (await lottie.open("/inbox")).words
    assert "Sam P" not in (await lottie.open("/")).words
    await lottie.open(address)
    assert lottie.answer.status_code == 404


async def test_charlie_next_door_finds_and_changes_nothing(sits: Sits, cast: Cast, talk: str, runtime: Runtime) -> None:
    charlie = await sits(cast.charlie)
    for address in (talk, f"{talk}/thread"):
        page = await charlie.open(address)
        assert charlie.answer.status_code == 404
        assert "speeding" not in page.words
    for what in ("", "/assign", "/close", "/reopen"):
        answer = await charlie.client.post(
            f"{talk}{what}", data={"text": "x"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 404, what
    async with runtime.read() as session:
        assert (await session.execute(select(Conversation.version))).scalar_one() >= 1
        assert (await session.execute(select(Delivery))).first() is None


async def test_today_says_who_waits_longest_and_that_nobody_screens(alice: Reader, talk: str) -> None:
    page = await alice.open("/")
    assert "1 message without an answer" in page.words
    assert "Oldest from Jo M" in page.words
    assert "Messages are not screened for emergencies" in page.words
    assert "The feed is live" in page.words


async def test_a_feed_that_stopped_is_red_on_every_page(
    alice: Reader, talk: str, runtime: Runtime, account: Account
) -> None:
    async with runtime.unit_of_work() as session:
        held = await session.get_one(Account, account.id)
        held.last_poll_at = now() - timedelta(hours=1)
    for address in ("/", "/inbox", "/write", "/calendar", talk):
        await alice.open(address)
        assert 'data-tone="red" aria-label="A feed has stopped"' in alice.answer.text, address
    assert "Nothing comes in from" in (await alice.open("/")).words


async def test_each_view_has_its_own_title_and_the_usual_one_a_single_address(alice: Reader, talk: str) -> None:
    page = await alice.open("/inbox")
    assert "/inbox" in page.links.values()
    assert "/inbox?view=team" not in page.links.values()
    titles = {(await alice.open(f"/inbox{view}")).title for view in ("", "?view=mine", "?view=waiting", "?view=closed")}
    titles |= {(await alice.open(talk + view)).title for view in ("", "?view=waiting")}
    assert len(titles) == 6


async def test_records_see_what_was_taken_back_when_they_say_why(
    sits: Sits, cast: Cast, alice: Reader, talk: str, runtime: Runtime, account: Account
) -> None:
    async with runtime.unit_of_work() as session:
        message = (await session.execute(select(Message))).scalar_one()
        await inbox.take_back(session, account.id, [message.remote_id or ""])
    assert "See the words" not in (await alice.open(talk)).words
    moira = await sits(cast.moira)
    await moira.open(talk)
    page = await moira.press("See them: my name and reason are kept", reason="Asked for by the court.")
    assert "speeding again on Mill Lane" in page.words
    assert "Asked for by the court." in page.words
    assert moira.answer.headers["cache-control"] == "no-store"
