"""What people press about a post or a message that is out, and what the pages say until it is done."""

from collections.abc import AsyncIterator

import pytest

from api.core.clock import clock
from api.core.runtime import Runtime
from api.models import Account, AccountState, PostState
from api.platforms.values import Platform
from tests.support.factories import Cast
from tests.support.practice import Practice, practising
from tests.web.conftest import Sits

WHY = "The road is open again"
LINE = "Northgate: the same team is at the library."


@pytest.fixture
async def practice(runtime: Runtime, cast: Cast) -> AsyncIterator[Practice]:
    async with practising(runtime, cast) as practice:
        yield practice


async def test_a_post_is_taken_down_from_its_page(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, "Road closed at Mill Lane")
    alice = await sits(cast.alice)
    page = await alice.open(f"/posts/{post.id}")
    assert "copies there may stay" in page.words
    page = await alice.press("Take it down everywhere", reason=WHY)
    assert "Being taken down" in page.words
    assert "Mastodon has not answered yet" in page.words
    assert "hx-trigger" in alice.answer.text, "It looks again by itself until it is done"
    await practice.errands()
    page = await alice.open(f"/posts/{post.id}")
    assert "Taken down at" in page.words
    assert "not answered" not in page.words
    assert 'hx-get="/posts' not in alice.answer.text
    assert "Take it down everywhere" not in str([form.buttons for form in page.forms])
    assert await practice.town.stands(delivery) is None


async def test_taken_down_and_written_again_opens_a_draft(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed at Mill Lane")
    alice = await sits(cast.alice)
    await alice.open(f"/posts/{post.id}")
    page = await alice.press("Take it down and write it again", reason=WHY)
    assert alice.answer.url.path.startswith("/write/")
    assert "Road closed at Mill Lane" in [value for form in page.forms for _, value in form.fields]


async def test_what_cannot_be_taken_down_by_us_says_do_it_by_hand(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed")
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Account, practice.north.id)).state = AccountState.DISCONNECTED
    alice = await sits(cast.alice)
    await alice.open(f"/posts/{post.id}")
    await alice.press("Take it down everywhere", reason=WHY)
    await practice.errands()
    page = await alice.open("/")
    assert "post could not be taken down everywhere" in page.words
    assert "could not be taken down" not in (await (await sits(cast.charlie)).open("/")).words
    page = await alice.follow("post could not be taken down everywhere")
    assert "Still there" in page.words
    assert "Do it by hand there" in page.words
    assert any("town.example" in href for href in page.links.values())
    assert "Ask again to take it down…" in page.words


async def test_new_words_are_asked_for_and_the_old_ones_stay_readable(
    practice: Practice, sits: Sits, cast: Cast
) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed")
    alice = await sits(cast.alice)
    await alice.open(f"/posts/{post.id}")
    page = await alice.press("Yes: change it where it stands", text="Road open again")
    assert "New words asked for at" in page.words
    await practice.errands()
    page = await (await sits(cast.moira)).open(f"/posts/{post.id}")
    assert "Changed at" in page.words
    assert "changed by PCSO Alice Marsh: Road closed" in page.words


async def test_words_that_do_not_fit_stand_in_their_field_as_they_were_typed(
    practice: Practice, sits: Sits, cast: Cast
) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed")
    alice, long = await sits(cast.alice), "Road open " * 60
    await alice.open(f"/posts/{post.id}")
    page = await alice.press("Yes: change it where it stands", text=long)
    assert alice.answer.status_code == 422
    assert "Too long" in page.words
    assert long.strip() in [value.strip() for form in page.forms for name, value in form.fields if name == "text"]


async def test_of_two_who_change_a_post_the_second_is_told(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed")
    alice, bob = await sits(cast.alice), await sits(cast.bob)
    for reader in (alice, bob):
        await reader.open(f"/posts/{post.id}")
    await alice.press("Yes: change it where it stands", text="Road open again")
    page = await bob.press("Yes: change it where it stands", text="Closed until six")
    assert "Somebody changed this since you opened it" in page.words


async def test_a_platform_without_changes_offers_to_write_it_again(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed")
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Account, practice.north.id)).platform = Platform.BLUESKY
    page = await (await sits(cast.alice)).open(f"/posts/{post.id}")
    assert "cannot be changed once it is out on" in page.words
    assert "Change the words" not in page.words
    assert "Take it down and write it again" in page.words


async def test_a_post_of_the_force_is_shared_in_two_presses_and_a_line(
    practice: Practice, sits: Sits, cast: Cast
) -> None:
    _, original = await practice.sent(cast.ellie, practice.vale, "Bike marking this Saturday")
    alice = await sits(cast.alice)
    page = await alice.open("/")
    assert "From the force" in page.words
    await alice.follow("Bike marking this Saturday")
    page = await alice.press("Yes: share it with this line", text=LINE)
    assert "goes down with what it shares" in page.words
    await practice.send()
    (share,) = [each for each in await practice.all() if each.account_id == practice.north.id]
    assert await practice.town.stands(share) == f"{LINE} {original.url}"


async def test_the_preview_shows_the_line_with_the_address(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, original = await practice.sent(cast.ellie, practice.vale, "Bike marking this Saturday")
    alice = await sits(cast.alice)
    await alice.open(f"/share/{post.id}")
    page = await alice.press("Look at it now", text=LINE)
    assert f"{LINE} {original.url}" in page.words
    assert LINE in [value for form in page.forms for name, value in form.fields if name == "text"]


async def test_a_contributor_proposes_a_repost_and_a_colleague_sends_it(
    practice: Practice, sits: Sits, cast: Cast
) -> None:
    post, _ = await practice.sent(cast.ellie, practice.vale, "Bike marking this Saturday")
    lottie = await sits(cast.lottie)
    page = await lottie.open(f"/share/{post.id}")
    assert "Yes: repost" not in lottie.answer.text
    page = await lottie.press("Propose a repost")
    assert "Proposed" in page.words
    where = lottie.answer.url.path
    assert "Yes: repost it now" not in lottie.answer.text
    alice = await sits(cast.alice)
    await alice.open(where)
    page = await alice.press("Yes: repost it now")
    assert "It reposts what the force posted" in page.words
    await practice.send()
    assert "Sent" in (await alice.open(where)).words


async def test_who_shared_sees_why_it_is_gone(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, _ = await practice.sent(cast.ellie, practice.vale, "Bike marking this Saturday")
    alice, ellie = await sits(cast.alice), await sits(cast.ellie)
    await alice.open(f"/share/{post.id}")
    await alice.press("Yes: repost it as it is")
    where = alice.answer.url.path
    await practice.send()
    await ellie.open(f"/posts/{post.id}")
    await ellie.press("Take it down everywhere", reason="It is on Sunday")
    await practice.errands()
    page = await alice.open("/")
    assert "taken down with what it shares" in page.words
    page = await alice.open(where)
    assert "What it shares was taken down, so this went with it" in page.words
    assert "Taken down, because what it shares was" in page.words
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN


async def test_strangers_are_offered_nothing_of_the_force(practice: Practice, sits: Sits, cast: Cast) -> None:
    post, _ = await practice.sent(cast.ellie, practice.vale, "Bike marking this Saturday")
    charlie = await sits(cast.charlie)
    assert "From the force" not in (await charlie.open("/")).words
    await charlie.open(f"/share/{post.id}")
    assert charlie.answer.status_code == 404
    assert "Bike marking" not in charlie.answer.text


async def test_a_message_is_liked_in_the_inbox_and_taken_back(practice: Practice, sits: Sits, cast: Cast) -> None:
    heard = await practice.hears("thank you for Saturday")
    alice = await sits(cast.alice)
    await alice.open(f"/inbox/{heard.conversation_id}")
    page = await alice.press(_like(alice.page))
    assert "Asked; not there yet." in page.words
    await practice.errands()
    page = await alice.open(f"/inbox/{heard.conversation_id}")
    assert "Liked" in page.words
    assert "not there yet" not in page.words
    assert (await practice.town.ask(heard.remote_id or "")).json()["favourites_count"] == 1
    await alice.press(_like(page))
    await practice.errands()
    assert (await practice.town.ask(heard.remote_id or "")).json()["favourites_count"] == 0
    lottie = await sits(cast.lottie)
    page = await lottie.open(f"/inbox/{heard.conversation_id}")
    assert not [button for form in page.forms for button in form.buttons if button.startswith("Like")]


def _like(page: object) -> str:
    """The button names whose words it likes, for whoever does not see them."""
    forms = page.forms  # type: ignore[attr-defined]
    return next(button for form in forms for button in form.buttons if button.startswith("Like"))


async def test_a_reply_is_changed_and_then_taken_down_in_the_thread(practice: Practice, sits: Sits, cast: Cast) -> None:
    heard = await practice.hears("speeding again")
    alice = await sits(cast.alice)
    await alice.open(f"/inbox/{heard.conversation_id}")
    await alice.press("Send reply", text="We will come on Tuesday.")
    await practice.send()
    await alice.open(f"/inbox/{heard.conversation_id}")
    page = await alice.press("Change it where it stands", text="We will come on Wednesday.")
    assert "Asked to be changed" in page.words
    await practice.errands()
    page = await alice.open(f"/inbox/{heard.conversation_id}")
    assert "We will come on Wednesday." in page.words
    assert "What it said before" in page.words
    page = await alice.press("Take it down", reason="It was the wrong day")
    await practice.errands()
    clock.pass_time(seconds=1)
    page = await alice.open(f"/inbox/{heard.conversation_id}")
    assert "Taken down by us" in page.words
    assert "Wednesday" not in page.words
