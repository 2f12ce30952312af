"""The second step: set up, asked for, used once."""

from dataclasses import replace

import pyotp
import pytest
from sqlalchemy import select

from api.core.clock import Clock, now
from api.core.errors import Conflict, Forbidden, NotFound, TooMany, Unauthorised
from api.core.runtime import Runtime
from api.identity import queries, second_factor, service
from api.identity.door import Welcome
from api.identity.second_factor import WrongCode
from api.models import Person, Viewer
from tests.api.identity.conftest import HOME, STRANGER, AtTheDoor
from tests.support.factories import Cast, a_token


class Phone:
    """An authenticator app."""

    def __init__(self, secret: str) -> None:
        self.app = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self.app.at(now(), counter_offset=steps)


async def viewer(at: AtTheDoor, welcome: Welcome) -> Viewer:
    found = await at.door.viewer_by_cookie(welcome.secret)
    assert found is not None
    return found


async def set_up(at: AtTheDoor, runtime: Runtime) -> tuple[Phone, Welcome]:
    """Alice has a second step, and a session in which she has just set it up."""
    welcome = await at.sign_in()
    alice = await viewer(at, welcome)
    async with runtime.unit_of_work() as session:
        phone = Phone((await second_factor.enrol(session, runtime.settings, alice)).secret)
    async with runtime.unit_of_work() as session:
        await second_factor.confirm(session, runtime.settings, alice, phone.code())
    return phone, welcome


async def test_setting_it_up_proves_it_for_this_session_and_asks_the_others(
    at_the_door: AtTheDoor, runtime: Runtime
) -> None:
    other = await at_the_door.sign_in()
    _, welcome = await set_up(at_the_door, runtime)
    assert (await viewer(at_the_door, welcome)).second_factor
    assert await at_the_door.door.viewer_by_cookie(other.secret) is None


async def test_it_is_shown_as_words_an_address_and_a_picture(at_the_door: AtTheDoor, runtime: Runtime) -> None:
    alice = await viewer(at_the_door, await at_the_door.sign_in())
    async with runtime.unit_of_work() as session:
        shown = await second_factor.enrol(session, runtime.settings, alice)
    assert shown.uri.startswith("otpauth://totp/Beatline:")
    assert shown.svg.startswith("<svg")
    assert "script" not in shown.svg
    assert shown.secret not in repr(shown)


async def test_without_the_code_nobody_is_signed_in(
    at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock
) -> None:
    phone, _ = await set_up(at_the_door, runtime)
    moved_clock.pass_time(seconds=60)
    welcome = await at_the_door.sign_in()
    assert welcome.code_needed
    assert not welcome.device
    assert await at_the_door.door.viewer_by_cookie(welcome.secret) is None
    after = await at_the_door.door.give_code(welcome.secret, f" {phone.code()[:3]} {phone.code()[3:]} ", HOME)
    assert (await viewer(at_the_door, after)).second_factor
    assert after.device


async def test_a_code_works_once(at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock) -> None:
    phone, _ = await set_up(at_the_door, runtime)
    moved_clock.pass_time(seconds=60)
    code = phone.code()
    first, second = await at_the_door.sign_in(), await at_the_door.sign_in()
    await at_the_door.door.give_code(first.secret, code, HOME)
    with pytest.raises(WrongCode):
        await at_the_door.door.give_code(second.secret, code, HOME)


@pytest.mark.parametrize(("steps", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_phone_may_be_half_a_minute_off(
    at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock, steps: int, works: bool
) -> None:
    phone, _ = await set_up(at_the_door, runtime)
    moved_clock.pass_time(minutes=5)
    welcome = await at_the_door.sign_in()
    if works:
        await at_the_door.door.give_code(welcome.secret, phone.code(steps), HOME)
    else:
        with pytest.raises(WrongCode):
            await at_the_door.door.give_code(welcome.secret, phone.code(steps), HOME)


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３４５６", "\x00", "0" * 5000])
async def test_what_is_no_code_is_refused(at_the_door: AtTheDoor, runtime: Runtime, code: str) -> None:
    await set_up(at_the_door, runtime)
    welcome = await at_the_door.sign_in()
    with pytest.raises(WrongCode):
        await at_the_door.door.give_code(welcome.secret, code, HOME)


async def test_guessing_codes_gets_slower_from_however_many_addresses(
    at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock
) -> None:
    known = await at_the_door.sign_in()
    phone, _ = await set_up(at_the_door, runtime)
    moved_clock.pass_time(minutes=5)
    for number in range(5):
        thief = replace(STRANGER, address=f"198.51.{number}.9")
        welcome = await at_the_door.sign_in(visitor=thief)
        with pytest.raises(WrongCode):
            await at_the_door.door.give_code(welcome.secret, "no code", thief)
    with pytest.raises(TooMany):
        await at_the_door.door.give_code(welcome.secret, phone.code(), replace(STRANGER, address="203.0.113.1"))
    her_own = replace(HOME, device=known.device)
    welcome = await at_the_door.sign_in(visitor=her_own)
    assert await at_the_door.door.give_code(welcome.secret, phone.code(), her_own)


async def test_the_code_is_waited_for_ten_minutes(at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock) -> None:
    phone, done = await set_up(at_the_door, runtime)
    welcome = await at_the_door.sign_in()
    moved_clock.pass_time(minutes=11)
    for secret in (welcome.secret, done.secret, "nobody's"):
        with pytest.raises(Unauthorised):
            await at_the_door.door.give_code(secret, phone.code(), HOME)


async def test_a_wrong_code_sets_nothing_up(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    alice = await viewer(at_the_door, await at_the_door.sign_in())
    async with runtime.unit_of_work() as session:
        await second_factor.enrol(session, runtime.settings, alice)
    with pytest.raises(WrongCode):
        async with runtime.unit_of_work() as session:
            await second_factor.confirm(session, runtime.settings, alice, "000 00")
    assert not (await at_the_door.sign_in()).code_needed


async def test_one_that_is_set_up_is_not_replaced_by_whoever_sits_at_the_desk(
    at_the_door: AtTheDoor, runtime: Runtime
) -> None:
    _, welcome = await set_up(at_the_door, runtime)
    alice = await viewer(at_the_door, welcome)
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await second_factor.enrol(session, runtime.settings, alice)


async def test_a_token_cannot_set_one_up(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(Forbidden):
        async with runtime.unit_of_work() as session:
            await second_factor.enrol(session, runtime.settings, replace(cast.alice, sign_in_id=None))


async def test_the_secret_is_kept_sealed_and_for_one_person(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    phone, _ = await set_up(at_the_door, runtime)
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        assert alice.totp_secret
        assert phone.app.secret.encode() not in alice.totp_secret
        bob = await session.get_one(Person, cast.bob.person_id)
        bob.totp_secret = alice.totp_secret
        with pytest.raises(Conflict):
            await second_factor.check(session, runtime.settings, bob, phone.code(1))
        other_key = runtime.settings.model_copy(update={"secret_key": "another"})
        with pytest.raises(Conflict):
            await second_factor.check(session, other_key, alice, phone.code(1))


async def test_an_administrator_takes_it_off_and_every_session_ends(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    _, welcome = await set_up(at_the_door, runtime)
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        with pytest.raises(Forbidden):
            await service.reset_second_factor(session, cast.nadia, alice)
        with pytest.raises(NotFound):
            await service.reset_second_factor(session, cast.ivy, alice)
        await service.reset_second_factor(session, cast.sam, alice)
    assert await at_the_door.door.viewer_by_cookie(welcome.secret) is None
    assert not (await at_the_door.sign_in()).code_needed


async def test_a_token_may_use_real_accounts_only_if_its_person_had_a_second_step_and_still_has(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast, moved_clock: Clock
) -> None:
    async def proven(token: str) -> bool:
        async with runtime.read() as session:
            found = await queries.viewer_from_token(session, token)
        assert found is not None
        return found.second_factor

    before = await a_token(runtime.database, cast.alice, "posts:read")
    moved_clock.pass_time(seconds=60)
    await set_up(at_the_door, runtime)
    moved_clock.pass_time(seconds=60)
    after = await a_token(runtime.database, cast.alice, "posts:read")
    assert (await proven(before), await proven(after)) == (False, True)
    async with runtime.unit_of_work() as session:
        alice = (await session.execute(select(Person).where(Person.id == cast.alice.person_id))).scalar_one()  # type: ignore[arg-type]
        await service.reset_second_factor(session, None, alice)
    assert not await proven(after)
