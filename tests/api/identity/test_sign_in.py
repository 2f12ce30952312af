"""Signing in, staying in, being put out."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select

from api.core.clock import Clock
from api.core.errors import NotFound, TooMany
from api.core.runtime import Runtime
from api.identity import devices, queries, service
from api.identity.door import Visitor, WrongPassword
from api.models import AuditEntry, SignIn, Throttle
from tests.api.identity.conftest import HOME, STRANGER, AtTheDoor
from tests.support.factories import Cast, count_of


async def fail(at: AtTheDoor, times: int, visitor: Visitor, email: str = "") -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            await at.sign_in("not the password", visitor, email)


async def test_the_right_password_lets_alice_in(at_the_door: AtTheDoor, cast: Cast) -> None:
    welcome = await at_the_door.sign_in()
    viewer = await at_the_door.door.viewer_by_cookie(welcome.secret)
    assert viewer is not None
    assert (viewer.person_id, viewer.roles, viewer.scopes) == (cast.alice.person_id, cast.alice.roles, None)
    assert not viewer.second_factor
    assert await at_the_door.door.viewer_by_cookie(welcome.secret + "x") is None


async def test_the_e_mail_address_may_be_typed_as_people_type(at_the_door: AtTheDoor) -> None:
    assert (await at_the_door.sign_in(email=f"  {at_the_door.email.upper()} ")).secret


async def test_no_secret_is_kept(at_the_door: AtTheDoor, runtime: Runtime) -> None:
    welcome = await at_the_door.sign_in()
    async with runtime.read() as session:
        row = (await session.execute(select(SignIn))).scalar_one()
    assert welcome.secret not in repr(row.model_dump())
    assert row.device == "Firefox on Linux"
    assert welcome.secret not in repr(welcome)


async def test_nobody_a_leaver_and_a_wrong_password_are_answered_alike(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    async with runtime.read() as session:
        bob = (await queries.get_person(session, cast.bob, cast.bob.person_id)).person
    words = set()
    for email in (at_the_door.email, "nobody@sandfordvale.example", bob.email, "\x00", "\ud800@b", "a@b", "x" * 9999):
        with pytest.raises(WrongPassword) as caught:
            await at_the_door.sign_in("not the password", email=email)
        words.add(str(caught.value))
    assert len(words) == 1


async def test_as_much_work_is_done_for_nobody_as_for_somebody(
    at_the_door: AtTheDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme, verified = at_the_door.door.hasher._scheme, []
    monkeypatch.setattr(scheme, "verify", lambda password, stored: verified.append(stored[:28]) or False)
    await fail(at_the_door, 1, HOME)
    await fail(at_the_door, 1, HOME, "nobody@sandfordvale.example")
    assert verified[0] == verified[1]


async def test_guessing_gets_slower_and_slower(at_the_door: AtTheDoor, moved_clock: Clock) -> None:
    await fail(at_the_door, 5, STRANGER)
    with pytest.raises(TooMany) as caught:
        await at_the_door.sign_in(visitor=STRANGER)
    assert 25 < caught.value.retry_after <= 30
    moved_clock.pass_time(seconds=31)
    await fail(at_the_door, 1, STRANGER)
    with pytest.raises(TooMany) as caught:
        await at_the_door.sign_in(visitor=STRANGER)
    assert 55 < caught.value.retry_after <= 60


async def test_an_address_that_nobody_has_gets_slower_too(at_the_door: AtTheDoor) -> None:
    await fail(at_the_door, 5, STRANGER, "nobody@sandfordvale.example")
    with pytest.raises(TooMany):
        await at_the_door.sign_in(visitor=STRANGER, email="nobody@sandfordvale.example")


async def test_a_strangers_failures_do_not_lock_alice_out(at_the_door: AtTheDoor) -> None:
    await fail(at_the_door, 5, STRANGER)
    assert (await at_the_door.sign_in(visitor=HOME)).secret


async def test_on_her_own_device_alice_gets_in_even_beside_the_stranger(at_the_door: AtTheDoor) -> None:
    first = await at_the_door.sign_in(visitor=HOME)
    await fail(at_the_door, 5, HOME)
    with pytest.raises(TooMany):
        await at_the_door.sign_in(visitor=HOME)
    assert (await at_the_door.sign_in(visitor=replace(HOME, device=first.device))).secret


async def test_a_device_cookie_of_somebody_else_helps_nobody(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    welcome = await at_the_door.sign_in()
    key = at_the_door.door._device_key
    device = devices.read(key, welcome.device)
    assert device.knows(key, cast.alice.person_id)
    assert not device.knows(key, cast.charlie.person_id)
    forged = welcome.device[:-1] + ("0" if welcome.device[-1] != "0" else "1")
    for cookie in (forged, "", ".", "nonsense", "é.é", f"{welcome.device}x"):
        assert not devices.read(key, cookie).knows(key, cast.alice.person_id)


async def test_many_guesses_at_once_are_many_guesses(at_the_door: AtTheDoor) -> None:
    tries = [at_the_door.sign_in("not the password", STRANGER) for _ in range(12)]
    answers = [type(answer) for answer in await asyncio.gather(*tries, return_exceptions=True)]
    assert (answers.count(WrongPassword), answers.count(TooMany)) == (5, 7)


async def test_the_right_password_forgives_what_was_mistyped(at_the_door: AtTheDoor, runtime: Runtime) -> None:
    await fail(at_the_door, 4, HOME)
    await at_the_door.sign_in()
    assert await count_of(runtime.database, Throttle) == 0
    await fail(at_the_door, 4, HOME)


async def test_a_throttle_names_nobody(at_the_door: AtTheDoor, runtime: Runtime) -> None:
    await fail(at_the_door, 1, STRANGER)
    async with runtime.read() as session:
        kept = repr((await session.execute(select(Throttle))).scalar_one().model_dump())
    assert at_the_door.email not in kept
    assert "198.51.100" not in kept


async def test_strangers_in_a_crowd_are_turned_away_and_alice_is_not(at_the_door: AtTheDoor) -> None:
    first = await at_the_door.sign_in(visitor=HOME)
    at_the_door.door.hasher._waiting = at_the_door.door.hasher.QUEUE
    with pytest.raises(TooMany):
        await at_the_door.sign_in(visitor=STRANGER)
    assert (await at_the_door.sign_in(visitor=replace(HOME, device=first.device))).secret


async def test_a_session_ends_when_idle_and_after_two_weeks(at_the_door: AtTheDoor, moved_clock: Clock) -> None:
    door, welcome = at_the_door.door, await at_the_door.sign_in()
    for _ in range(13 * 3):
        moved_clock.pass_time(hours=8)
        assert await door.viewer_by_cookie(welcome.secret)
        await door.settled()
    moved_clock.pass_time(hours=11)
    assert await door.viewer_by_cookie(welcome.secret)
    await door.settled()
    moved_clock.pass_time(hours=11)
    assert await door.viewer_by_cookie(welcome.secret)
    await door.settled()
    moved_clock.pass_time(hours=3)
    assert await door.viewer_by_cookie(welcome.secret) is None
    other = await at_the_door.sign_in()
    moved_clock.pass_time(hours=12.1)
    assert await door.viewer_by_cookie(other.secret) is None


async def test_last_seen_is_noted_once_a_minute(at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock) -> None:
    door, welcome = at_the_door.door, await at_the_door.sign_in()

    async def seen() -> object:
        await door.viewer_by_cookie(welcome.secret)
        await door.settled()
        async with runtime.read() as session:
            return (await session.execute(select(SignIn.last_seen_at))).scalar_one()

    first = await seen()
    moved_clock.pass_time(seconds=50)
    assert await seen() == first
    moved_clock.pass_time(seconds=20)
    assert await seen() > first  # type: ignore[operator]


async def test_a_leaver_is_out_at_once(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    welcome = await at_the_door.sign_in()
    async with runtime.unit_of_work() as session:
        await service.set_active(session, cast.sam, cast.alice.person_id, active=False)
    assert await at_the_door.door.viewer_by_cookie(welcome.secret) is None
    await fail(at_the_door, 1, HOME)
    with pytest.raises(WrongPassword):
        await at_the_door.sign_in()


async def test_alice_ends_her_other_sessions_and_nobody_elses(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    here, there = await at_the_door.sign_in(), await at_the_door.sign_in()
    viewer = await at_the_door.door.viewer_by_cookie(here.secret)
    assert viewer is not None
    async with runtime.unit_of_work() as session:
        assert len((await queries.sign_ins(session, viewer)).items) == 2
        assert viewer.sign_in_id
        with pytest.raises(NotFound):
            await service.end_sign_in(session, cast.charlie, viewer.sign_in_id)
        await service.end_other_sign_ins(session, viewer)
    assert await at_the_door.door.viewer_by_cookie(here.secret)
    assert await at_the_door.door.viewer_by_cookie(there.secret) is None
    async with runtime.unit_of_work() as session:
        await service.end_sign_in(session, viewer, viewer.sign_in_id)
    assert await at_the_door.door.viewer_by_cookie(here.secret) is None


async def test_signing_in_leaves_a_line_without_personal_data(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    await at_the_door.sign_in()
    async with runtime.read() as session:
        line = (await session.execute(select(AuditEntry))).scalar_one()
    assert (line.action, line.person_id) == ("sign_ins.start", cast.alice.person_id)
    assert line.detail == {"second_factor": "False"}


async def test_what_ended_long_ago_is_cleared_away(
    at_the_door: AtTheDoor, runtime: Runtime, moved_clock: Clock
) -> None:
    await fail(at_the_door, 1, STRANGER)
    await at_the_door.sign_in()
    moved_clock.pass_time(days=60)
    async with runtime.unit_of_work() as session:
        await service.purge(session)
    assert (await count_of(runtime.database, SignIn), await count_of(runtime.database, Throttle)) == (0, 0)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_a_network_is_what_one_household_shares(address: str, network: str) -> None:
    assert devices.network_of(address) == network


def test_a_desks_computer_remembers_its_last_eight_people() -> None:
    key, device = b"k" * 32, devices.read(b"k" * 32, "")
    people = [UUID(int=number) for number in range(10)]
    for person in people:
        device = device.with_(key, person)
    again = devices.read(key, device.signed(key))
    assert [again.knows(key, person) for person in people] == [False, False, *[True] * 8]
    assert len(device.signed(key)) < 1000
