"""API tokens: in somebody's name, never more than they, and over when they are over."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from api.access.service import SCOPES
from api.core.clock import Clock, now
from api.core.errors import Forbidden, Invalid, NotFound
from api.core.runtime import Runtime
from api.identity import queries, service
from api.identity.tokens import usable_scopes
from api.models import ApiToken, AuditEntry, Person, Role, Viewer
from tests.api.identity.conftest import AtTheDoor
from tests.support.factories import Cast, a_person, viewer_of


async def make(
    runtime: Runtime, viewer: Viewer | None, whose: Viewer, *scopes: str, days: float = 30
) -> tuple[ApiToken, str]:
    async with runtime.unit_of_work() as session:
        person = await session.get_one(Person, whose.person_id)
        return await service.create_token(
            session, viewer, person, "Command and control", scopes, now() + timedelta(days=days)
        )


async def test_a_token_is_its_person_narrowed_by_its_scopes(
    runtime: Runtime, cast: Cast, at_the_door: AtTheDoor
) -> None:
    token, secret = await make(runtime, cast.alice, cast.alice, "posts:read")
    viewer = await at_the_door.door.viewer_by_token(secret)
    assert viewer == replace(cast.alice, scopes=frozenset({"posts:read"}), token_id=token.id, second_factor=False)
    assert secret.startswith("blt_")
    assert secret not in repr(token.model_dump())
    assert await at_the_door.door.viewer_by_token(secret + "x") is None
    assert await at_the_door.door.viewer_by_token(secret.removeprefix("blt_")) is None


@pytest.mark.parametrize(
    ("scopes", "days"), [(("posts:reed",), 1), ((), 1), (("posts:read",), -1), (("posts:read",), 367)]
)
async def test_what_no_token_can_be_is_refused(
    runtime: Runtime, cast: Cast, scopes: tuple[str, ...], days: float
) -> None:
    with pytest.raises(Invalid):
        await make(runtime, cast.alice, cast.alice, *scopes, days=days)


async def test_a_scope_that_its_person_could_never_use_is_refused(runtime: Runtime, cast: Cast) -> None:
    for viewer, scope in ((cast.alice, "people:write"), (cast.lottie, "posts:publish"), (cast.sam, "inbox:read")):
        for maker in (viewer, None):
            with pytest.raises(Invalid):
                await make(runtime, maker, viewer, scope)


async def test_communications_with_an_administrators_role_may_have_every_scope(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        both = await a_person(session, cast.force, Role.COMMS)
        await service.give_role(session, None, both, Role.ADMIN, None)
        assert usable_scopes(await viewer_of(session, both)) == list(SCOPES)


async def test_everybody_makes_their_own(runtime: Runtime, cast: Cast) -> None:
    for other in (cast.bob, cast.sam, cast.charlie):
        with pytest.raises(Forbidden):
            await make(runtime, other, cast.alice, "posts:read")


async def test_a_token_makes_none_that_may_do_or_live_longer_than_itself(runtime: Runtime, cast: Cast) -> None:
    parent, _ = await make(runtime, cast.sam, cast.sam, "people:write", "posts:read", days=2)
    by_token = replace(cast.sam, scopes=frozenset(parent.scopes), token_id=parent.id)
    with pytest.raises(Forbidden):
        await make(runtime, by_token, cast.sam, "accounts:read")
    child, _ = await make(runtime, by_token, cast.sam, "posts:read", days=300)
    assert child.expires_at == parent.expires_at
    small = replace(by_token, scopes=frozenset({"posts:read"}))
    with pytest.raises(Forbidden):
        await make(runtime, small, cast.sam, "posts:read")


async def test_an_expired_an_ended_and_a_leavers_token_are_nobodys(
    runtime: Runtime, cast: Cast, at_the_door: AtTheDoor, moved_clock: Clock
) -> None:
    _, short = await make(runtime, cast.alice, cast.alice, "posts:read", days=1)
    ended, to_end = await make(runtime, cast.alice, cast.alice, "posts:read", days=9)
    _, leavers = await make(runtime, cast.bob, cast.bob, "posts:read", days=9)
    moved_clock.pass_time(days=1.1)
    assert await at_the_door.door.viewer_by_token(short) is None
    for secret in (to_end, leavers):
        assert await at_the_door.door.viewer_by_token(secret) is not None
    await at_the_door.door.settled()
    async with runtime.unit_of_work() as session:
        await service.end_token(session, cast.alice, ended.id)
        await service.set_active(session, cast.sam, cast.bob.person_id, active=False)
    for secret in (to_end, leavers):
        assert await at_the_door.door.viewer_by_token(secret) is None
    async with runtime.unit_of_work() as session:
        await service.set_active(session, cast.sam, cast.bob.person_id, active=True)
    assert await at_the_door.door.viewer_by_token(leavers) is None


async def test_an_administrator_ends_a_token_of_the_force_and_charlie_finds_none(runtime: Runtime, cast: Cast) -> None:
    token, _ = await make(runtime, cast.alice, cast.alice, "posts:read")
    async with runtime.unit_of_work() as session:
        for other in (cast.charlie, cast.ivy, cast.bob, cast.nadia):
            assert (await queries.tokens(session, other)).items == []
            with pytest.raises(NotFound):
                await service.end_token(session, other, token.id)
        assert [each.id for each in (await queries.tokens(session, cast.sam)).items] == [token.id]
        assert (await service.end_token(session, cast.sam, token.id)).ended_at is not None


async def test_a_token_may_end_itself_but_no_other(runtime: Runtime, cast: Cast) -> None:
    one, _ = await make(runtime, cast.alice, cast.alice, "posts:read")
    other, _ = await make(runtime, cast.alice, cast.alice, "posts:read")
    by_token = replace(cast.alice, scopes=frozenset({"posts:read"}), token_id=one.id)
    async with runtime.unit_of_work() as session:
        with pytest.raises(Forbidden):
            await service.end_token(session, by_token, other.id)
        await service.end_token(session, by_token, one.id)


async def test_last_used_is_noted_once_a_minute_and_never_in_the_way(
    runtime: Runtime, cast: Cast, at_the_door: AtTheDoor, moved_clock: Clock
) -> None:
    _, secret = await make(runtime, cast.alice, cast.alice, "posts:read")

    async def used() -> object:
        await at_the_door.door.viewer_by_token(secret)
        await at_the_door.door.settled()
        async with runtime.read() as session:
            return (await session.execute(select(ApiToken.last_used_at))).scalar_one()

    first = await used()
    assert first is not None
    moved_clock.pass_time(seconds=50)
    assert await used() == first
    moved_clock.pass_time(seconds=20)
    assert await used() != first
    moved_clock.pass_time(seconds=70)
    async with runtime.unit_of_work():
        assert await at_the_door.door.viewer_by_token(secret) is not None
    await at_the_door.door.settled()


async def test_the_audit_says_what_was_made_and_not_the_secret(runtime: Runtime, cast: Cast) -> None:
    token, secret = await make(runtime, cast.alice, cast.alice, "posts:read")
    async with runtime.read() as session:
        line = (await session.execute(select(AuditEntry))).scalar_one()
    assert (line.action, line.subject_id, line.person_id) == ("tokens.add", token.id, cast.alice.person_id)
    assert line.detail["scopes"] == "posts:read"
    assert secret not in repr(line.model_dump())
    assert token.token_hash not in repr(line.model_dump())
