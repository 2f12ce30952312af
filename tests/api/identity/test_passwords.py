"""Which passwords are good enough, and links that set one."""

import pytest

from api.core.clock import Clock
from api.core.errors import Conflict, Forbidden, Invalid, NotFound
from api.core.runtime import Runtime
from api.identity import service
from api.identity.door import Visitor
from api.identity.passwords import Hasher, refuse_weak
from api.identity.service import LinkOver
from api.models import Person
from tests.api.identity.conftest import PASSWORD, QUICK, AtTheDoor
from tests.support.factories import Cast

NEW = "barrow field frost ewe"


@pytest.mark.parametrize(
    "password",
    [
        "", "eleven char", "x" * 257, "passwordpassword", "PasswordPassword", "password-12345", "abababababab",
        "nadia loves leeks", "MALIK and the goose", "nadia.malik@sandfordvale.example", "ＰＡＳＳＷＯＲＤｐａｓｓｗｏｒｄ",
    ],
)  # fmt: skip
def test_what_anybody_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        refuse_weak(password, "Sgt Nadia Malik", "nadia.malik@sandfordvale.example")
    assert caught.value.field == "password"


@pytest.mark.parametrize(
    "password", [PASSWORD, "xK9#mQ2$vL7!", "twelve chars", "żółw i gęś na moście", "x1" * 100 + "abc"]
)
def test_what_is_long_and_ones_own_is_taken(password: str) -> None:
    assert refuse_weak(password, "Sgt Nadia Malik", "nadia.malik@sandfordvale.example") is None


async def test_an_accent_may_be_composed_either_way() -> None:
    hasher = Hasher(1, QUICK)
    stored = await hasher.hash("caf\u00e9 caf\u00e9 caf\u00e9")
    assert await hasher.verify("cafe\u0301 cafe\u0301 cafe\u0301", stored, known=False)
    assert not await hasher.verify("cafe cafe cafe", stored, known=False)
    hasher.close()


async def a_link(runtime: Runtime, cast: Cast, hours: float = 72) -> str:
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        return await service.set_password_link(session, cast.sam, alice, hours)


async def test_a_link_sets_a_password_and_ends_every_session(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast
) -> None:
    before = await at_the_door.sign_in()
    await at_the_door.door.set_password(await a_link(runtime, cast), NEW)
    assert await at_the_door.door.viewer_by_cookie(before.secret) is None
    with pytest.raises(Invalid):
        await at_the_door.sign_in(PASSWORD)
    assert (await at_the_door.sign_in(NEW)).secret


async def test_a_link_works_once(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    link = await a_link(runtime, cast)
    await at_the_door.door.set_password(link, NEW)
    with pytest.raises(LinkOver):
        await at_the_door.door.set_password(link, "another one by a thief")
    assert (await at_the_door.sign_in(NEW)).secret


async def test_a_weak_password_does_not_use_the_link_up(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    link = await a_link(runtime, cast)
    with pytest.raises(Invalid):
        await at_the_door.door.set_password(link, "alice marsh alice")
    await at_the_door.door.set_password(link, NEW)


async def test_a_new_link_ends_the_one_before_it(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    first, second = await a_link(runtime, cast), await a_link(runtime, cast)
    with pytest.raises(LinkOver):
        await at_the_door.door.set_password(first, NEW)
    await at_the_door.door.set_password(second, NEW)


async def test_a_link_is_over_after_its_hours(
    at_the_door: AtTheDoor, runtime: Runtime, cast: Cast, moved_clock: Clock
) -> None:
    link = await a_link(runtime, cast, hours=1)
    moved_clock.pass_time(hours=1.1)
    with pytest.raises(LinkOver):
        await at_the_door.door.set_password(link, NEW)


async def test_only_administrators_of_the_force_make_links(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        for viewer in (cast.alice, cast.nadia, cast.ellie):
            with pytest.raises(Forbidden):
                await service.set_password_link(session, viewer, alice)
        for stranger in cast.strangers():
            with pytest.raises(NotFound):
                await service.set_password_link(session, stranger, alice)


async def test_a_leaver_gets_no_link_and_theirs_is_over(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    link = await a_link(runtime, cast)
    async with runtime.unit_of_work() as session:
        await service.set_active(session, cast.sam, cast.alice.person_id, active=False)
    with pytest.raises(LinkOver):
        await at_the_door.door.set_password(link, NEW)
    with pytest.raises(Conflict):
        await a_link(runtime, cast)


async def test_a_link_does_not_go_round_the_second_step(at_the_door: AtTheDoor, runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        alice.totp_secret, alice.totp_confirmed_at = b"sealed", alice.created_at
    await at_the_door.door.set_password(await a_link(runtime, cast), NEW)
    welcome = await at_the_door.door.sign_in(at_the_door.email, NEW, Visitor("192.0.2.7"))
    assert welcome.code_needed
    assert await at_the_door.door.viewer_by_cookie(welcome.secret) is None
