"""From a blank page to the calendar: count, draft, question, time."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from api.core.clock import now
from api.core.runtime import Runtime
from api.library import service as library
from api.models import Account, Delivery, DeliveryState, Post, PostState
from api.platforms.values import Platform
from api.posts.settling import settle
from tests.support.factories import Cast, an_account
from tests.support.reader import Reader
from tests.web.conftest import Sits
from web.words import for_input

YES, UNSURE = "Yes: send it to the chosen accounts", "Not sure: keep it as a draft"


@pytest.fixture
async def alice(sits: Sits, cast: Cast, account: Account) -> Reader:
    return await sits(cast.alice)


async def texts(runtime: Runtime) -> list[str]:
    async with runtime.read() as session:
        return list((await session.execute(select(Delivery.text))).scalars())


async def test_yes_sends_it_at_its_time_and_shows_where_it_stands(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    tomorrow = for_input(now() + timedelta(days=1))
    page = await alice.press(YES, text="Bike marking on Saturday", when="on", publish_at=tomorrow)
    assert "It goes out at its time" in page.words
    assert "Sandford North Police, Mastodon" in page.words
    assert "Waiting for its time" in page.words
    assert await texts(runtime) == ["Bike marking on Saturday"]
    page = await alice.open("/calendar")
    assert "Bike marking on Saturday" in page.words
    assert "Planned" in page.words


async def test_not_sure_keeps_a_draft_that_goes_nowhere(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    page = await alice.press(UNSURE, text="Perhaps")
    assert "Your draft is kept" in page.words
    assert await texts(runtime) == []
    await alice.follow("Go on writing")
    page = await alice.press(YES, text="Perhaps after all")
    assert "on its way" in page.words
    assert await texts(runtime) == ["Perhaps after all"]


async def test_too_long_is_said_with_the_number_and_nothing_typed_is_lost(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    page = await alice.press(YES, text="a" * 507)
    assert alice.answer.status_code == 422
    assert "7 too many" in page.words
    assert ("text", "a" * 507) in next(form for form in page.forms if YES in form.buttons).fields
    assert await texts(runtime) == []
    async with runtime.read() as session:
        assert (await session.execute(select(Post))).first() is None


async def test_the_counts_follow_the_platforms_own_rules(alice: Reader, account: Account) -> None:
    await alice.open("/write")
    form = next(form for form in alice.page.forms if YES in form.buttons)
    data = dict(form.fields) | {"text": "https://www.police.uk/a/very/long/address/that/counts/as/twenty/three"}
    answer = await alice.client.post(
        "/write/check", data=data, headers={"Sec-Fetch-Site": "same-origin", "HX-Request": "true"}
    )
    assert f'id="count-{account.id}"' in answer.text
    assert "23 of 500" in answer.text


async def test_nothing_chosen_and_nothing_written_is_said_beside_the_field(alice: Reader) -> None:
    await alice.open("/write")
    page = await alice.press(YES, text="Hello", account_ids=[])
    assert "Choose at least one account" in page.words
    page = await alice.press(YES, text="   ", account_ids=[])
    assert alice.answer.status_code == 422


async def test_the_hour_that_does_not_exist_is_refused_and_the_double_one_asked_about(alice: Reader) -> None:
    await alice.open("/write")
    page = await alice.press(YES, text="Clocks", when="on", publish_at="2027-03-28T01:30")
    assert "does not exist" in page.words
    page = await alice.press(YES, when="on", publish_at="2027-10-31T01:30")
    assert "comes twice" in page.words
    assert "Which of the two?" in page.words
    page = await alice.press(YES, when="on", publish_at="2027-10-31T01:30", **{"publish_at-fold": "1"})
    assert "It goes out at its time" in page.words


async def test_one_account_may_say_it_differently(alice: Reader, cast: Cast, runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        other = await an_account(session, cast.force, cast.team)
    await alice.open("/write")
    await alice.press(YES, text="For all", **{f"variant-{other.id}": "For one"})
    assert sorted(await texts(runtime)) == ["For all", "For one"]


async def test_a_standard_post_is_filled_in_before_it_is_written(alice: Reader, cast: Cast, runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        await library.add_standard_post(
            session, None, cast.force.id, "lost", "Is this yours?", "appeal", "We have found {item}. Call 101.",
            fields=[{"name": "item", "label": "what was found", "max": 40, "example": "a blue scooter"}], locked=True,
        )  # fmt: skip
    await alice.open("/write/standard")
    await alice.follow("Is this yours?")
    page = await alice.press("See the post", **{"field-item": ""})
    assert "Fill in: what was found" in page.words
    await alice.press("See the post", **{"field-item": "a blue scooter"})
    page = await alice.press(YES)
    assert await texts(runtime) == ["We have found a blue scooter. Call 101."]


async def test_a_contributor_writes_drafts_and_sends_nothing(sits: Sits, cast: Cast, account: Account) -> None:
    lottie = await sits(cast.lottie)
    page = await lottie.open("/write")
    buttons = [button for form in page.forms for button in form.buttons]
    assert YES not in buttons
    page = await lottie.press(UNSURE, text="A draft by a student")
    assert "Your draft is kept" in page.words


async def test_it_can_be_moved_and_cancelled_until_it_leaves(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    await alice.press(YES, text="Later", when="on", publish_at=for_input(now() + timedelta(days=1)))
    page = await alice.press("Move it", publish_at=for_input(now() + timedelta(days=2)))
    assert "Moved to its new time" in page.words
    page = await alice.press("Cancel it")
    assert "Cancelled" in page.words
    async with runtime.read() as session:
        assert (await session.execute(select(Post.state))).scalar_one() is PostState.CANCELLED


async def test_charlie_next_door_finds_nothing_of_it(alice: Reader, sits: Sits, cast: Cast) -> None:
    await alice.open("/write")
    await alice.press(UNSURE, text="Ours alone")
    address = alice.answer.url.path
    charlie = await sits(cast.charlie)
    for where in (address, f"{address}/deliveries", address.replace("/posts/", "/write/")):
        page = await charlie.open(where)
        assert charlie.answer.status_code == 404
        assert "Ours alone" not in page.words
    answer = await charlie.client.post(f"{address}/cancel", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 404


async def test_a_standard_post_is_found_by_its_words(alice: Reader, cast: Cast, runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        for slug, title in (("shed", "Lock up the shed"), ("scam", "Scam texts")):
            await library.add_standard_post(session, None, cast.force.id, slug, title, "crime_prevention", f"{title}.")
    page = await alice.open("/write/standard?find=SHED")
    assert "Lock up the shed" in page.words
    assert "Scam texts" not in page.words
    assert "Nothing says that" in (await alice.open("/write/standard?find=goose")).words


async def test_a_draft_is_named_in_its_title(alice: Reader) -> None:
    new = (await alice.open("/write")).title
    await alice.press(UNSURE, text="Bike marking on Saturday")
    await alice.follow("Go on writing")
    assert alice.page.title != new
    assert "Bike marking on Saturday" in alice.page.title


async def test_an_empty_month_says_what_to_do_next(alice: Reader) -> None:
    page = await alice.open("/calendar?from=2031-01-06")
    assert "Nothing stands in these weeks" in page.words
    assert page.links["Go to this week"] == "/calendar"
    assert page.links["Write a post for these weeks"] == "/write"


@pytest.fixture
async def bluesky(cast: Cast, runtime: Runtime) -> Account:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandford.example")
        account.platform, account.limits = Platform.BLUESKY, {"max_length": 300, "url_length": 0}
        return account


LONG = "We mark bikes for free on Saturday. " * 10


async def test_too_long_is_offered_as_a_thread_and_goes_out_as_one(
    alice: Reader, bluesky: Account, runtime: Runtime
) -> None:
    await alice.open("/write")
    page = await alice.press(YES, text=LONG)
    assert alice.answer.status_code == 422
    assert "send it as a thread" in page.words
    assert "2 posts for Sandford North Police on Bluesky" in page.words
    page = await alice.press(YES, as_thread="yes")
    assert "A thread: 0 of 2 posts out" in page.words
    assert "goes out as a thread" in page.words
    found = sorted(await texts(runtime))
    assert len(found) == 3
    assert {text[-5:] for text in found if text.endswith(")")} == {"(1/2)", "(2/2)"}


async def test_how_it_will_look_is_shown_in_the_parts_that_go_out(alice: Reader, bluesky: Account) -> None:
    await alice.open("/write")
    page = await alice.press(
        "Look at it now", text=LONG + "See https://www.police.uk/pu/contact-us/#top @amy@shire.example", as_thread="yes"
    )
    assert alice.answer.status_code == 200
    assert "(1/2)" in page.words
    assert "Its title and picture stand here" in page.words
    assert "police.uk/pu/contact-us/" in page.words
    assert "Goes out as 2 posts for Sandford North Police on Bluesky." in page.words


async def test_a_warning_is_shown_as_each_platform_shows_it_and_counted(
    alice: Reader, bluesky: Account, account: Account
) -> None:
    await alice.open("/write")
    form = next(form for form in alice.page.forms if YES in form.buttons)
    data = dict(form.fields) | {"text": "x" * 290, "content_warning": "Injuries"}
    data["account_ids"] = [str(bluesky.id), str(account.id)]
    answer = await alice.client.post("/write/check", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    assert "298 of 500" in answer.text
    assert "300 of 300" in answer.text
    assert answer.text.count("Injuries") == 2
    assert answer.text.count("Show more") == 1


async def test_who_sees_it_the_warning_and_the_language_are_kept_and_shown(
    alice: Reader, account: Account, runtime: Runtime
) -> None:
    await alice.open("/write")
    await alice.press(UNSURE, text="Diolch", content_warning="Injuries", visibility="followers", language="cy")
    await alice.follow("Go on writing")
    page = await alice.press(YES)
    for words in ("Injuries", "Followers only", "Cymraeg"):
        assert words in page.words
    async with runtime.read() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
    assert (delivery.content_warning, delivery.visibility, delivery.language) == ("Injuries", "followers", "cy")


async def test_what_a_platform_does_not_have_is_said_beside_the_choice(
    alice: Reader, bluesky: Account, runtime: Runtime
) -> None:
    await alice.open("/write")
    page = await alice.press(YES, text="For followers", visibility="followers")
    assert alice.answer.status_code == 422
    assert "Bluesky has only public posts." in page.words
    assert await texts(runtime) == []


async def test_a_thread_that_stopped_says_why_and_goes_on_when_it_is_sent_again(
    alice: Reader, account: Account, runtime: Runtime
) -> None:
    async with runtime.unit_of_work() as session:
        (await session.get_one(Account, account.id)).limits = {"max_length": 100}
    await alice.open("/write")
    await alice.press(YES, text=LONG, as_thread="yes")
    await _record(runtime, [(1, DeliveryState.REFUSED, "The server said no.")])
    await _record(runtime, [(2, DeliveryState.HELD, "Waits for part 1, which was refused.")])
    page = await alice.open(str(alice.answer.url.path))
    assert "Refused" in page.words
    assert "The server said no." in page.words
    assert "Waits for part 1, which was refused." in page.words
    page = await alice.press("Send again")
    assert "Waits for part 1, which was refused." not in page.words
    async with runtime.read() as session:
        states = set((await session.execute(select(Delivery.state))).scalars())
    assert states == {DeliveryState.QUEUED}


async def _record(runtime: Runtime, rows: list[tuple[int, DeliveryState, str]]) -> None:
    async with runtime.unit_of_work() as session:
        for delivery in (await session.execute(select(Delivery))).scalars():
            for part, state, error in rows:
                if delivery.part == part:
                    delivery.state, delivery.error = state, error
        await settle(session, [delivery.post_id for delivery in (await session.execute(select(Delivery))).scalars()])


async def test_the_calendar_names_a_platform_once_however_many_parts_it_takes(alice: Reader, account: Account) -> None:
    await alice.open("/write")
    await alice.press(YES, text=LONG * 3, as_thread="yes")
    page = await alice.open("/calendar")
    assert "We mark bikes" in page.words
    assert alice.answer.text.count('class="letter"') == 1
