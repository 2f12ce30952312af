"""In by password and code, out again, and nothing for who is not in."""

import pyotp
import pytest

from api.core.runtime import Runtime
from api.core.settings import Settings
from api.identity import second_factor
from api.identity import service as identity
from api.identity.door import Door
from api.models import Person, SignIn
from tests.support.factories import Cast
from tests.support.reader import Reader
from tests.web.conftest import Sits

PASSWORD = "a heron by the weir"


@pytest.fixture
async def alice(cast: Cast, runtime: Runtime, door: Door) -> Person:
    async with runtime.unit_of_work() as session:
        person = await session.get_one(Person, cast.alice.person_id)
        link = await identity.set_password_link(session, None, person)
    await door.set_password(link, PASSWORD)
    return person


async def test_who_is_not_in_is_asked_in_and_led_on(stranger: Reader, alice: Person) -> None:
    page = await stranger.open("/calendar")
    assert page.title.startswith("Sign in")
    page = await stranger.press("Sign in", email=alice.email.upper(), password=PASSWORD)
    assert "Calendar" in page.title
    assert "Alice Marsh" in page.words


async def test_a_wrong_password_says_what_to_do_and_keeps_the_address(stranger: Reader, alice: Person) -> None:
    await stranger.open("/sign-in")
    page = await stranger.press("Sign in", email=alice.email, password="no idea")
    assert stranger.answer.status_code == 422
    assert "do not belong together" in page.words
    assert ("email", alice.email) in page.forms[0].fields
    assert ("password", "") in page.forms[0].fields


async def test_signing_out_ends_the_session_for_good(stranger: Reader, alice: Person) -> None:
    await stranger.open("/sign-in")
    await stranger.press("Sign in", email=alice.email, password=PASSWORD)
    kept = dict(stranger.client.cookies)
    page = await stranger.press("Sign out")
    assert "You are signed out." in page.words
    stranger.client.cookies.update(kept)
    assert (await stranger.open("/")).title.startswith("Sign in")


async def test_with_a_second_step_the_password_alone_opens_nothing(
    stranger: Reader, alice: Person, runtime: Runtime, settings: Settings
) -> None:
    await stranger.open("/sign-in")
    await stranger.press("Sign in", email=alice.email, password=PASSWORD)
    await stranger.open("/me")
    page = await stranger.press("Set up the second step")
    secret = next(word for word in page.words.split() if len(word) == 32 and word.isupper())
    page = await stranger.press("Finish", code="000000")
    assert "That code is not right" in page.words
    page = await stranger.press("Finish", code=pyotp.TOTP(secret).now())
    assert "Your second step is set up." in page.words

    stranger.client.cookies.clear()
    await stranger.open("/sign-in")
    page = await stranger.press("Sign in", email=alice.email, password=PASSWORD)
    assert "Your code" in page.words
    assert (await stranger.open("/")).title.startswith("Sign in")
    await stranger.open("/sign-in/code")
    async with runtime.unit_of_work() as session:
        person = await session.get_one(Person, alice.id)
        person.totp_last_step = 0
    page = await stranger.press("Sign in", code=pyotp.TOTP(secret).now())
    assert page.title.startswith("Today")
    assert second_factor.STEP == 30


async def test_a_link_sets_a_password_once(stranger: Reader, cast: Cast, runtime: Runtime) -> None:
    async with runtime.unit_of_work() as session:
        person = await session.get_one(Person, cast.bob.person_id)
        link = await identity.set_password_link(session, None, person)
    page = await stranger.open(f"/set-password/{link}")
    assert "Welcome, PC Bob Fenn" in page.words
    page = await stranger.press("Set password", password="goosecone", again="goosecone")
    assert "Use at least 12 characters" in page.words
    page = await stranger.press("Set password", password=PASSWORD, again="another")
    assert "Not the same as above" in page.words
    page = await stranger.press("Set password", password=PASSWORD, again=PASSWORD)
    assert "Your password is set" in page.words
    page = await stranger.open(f"/set-password/{link}")
    assert stranger.answer.status_code == 410
    assert "was used before" in page.words


async def test_an_address_elsewhere_is_not_where_we_lead(stranger: Reader, alice: Person) -> None:
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example"):
        await stranger.open(f"/sign-in?next={elsewhere}")
        assert ("next", "/") in stranger.page.forms[0].fields


async def test_a_form_from_another_site_changes_nothing(stranger: Reader, alice: Person) -> None:
    form = {"email": alice.email, "password": PASSWORD}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        answer = await stranger.client.post("/sign-in", data=form, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_one_sees_and_ends_ones_own_devices_only(
    stranger: Reader, sits: Sits, cast: Cast, alice: Person, runtime: Runtime
) -> None:
    await stranger.open("/sign-in")
    await stranger.press("Sign in", email=alice.email, password=PASSWORD)
    page = await (await sits(cast.alice)).open("/me")
    assert "Sign out there" in str(page.forms)
    bob = await sits(cast.bob)
    async with runtime.read() as session:
        theirs = (await session.execute(SignIn.__table__.select())).one()  # type: ignore[attr-defined]
    answer = await bob.client.post(f"/me/sign-ins/{theirs.id}/end", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 404
