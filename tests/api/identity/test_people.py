"""People and their roles: who sees whom, who gives what, and that a force never loses its last administrator."""

import asyncio

import pytest
from sqlalchemy import select

from api.access import service as access
from api.access.service import Action
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.core.runtime import Runtime
from api.identity import queries, service
from api.identity.schemas import PersonPatch
from api.models import AuditEntry, Membership, Person, Role, Viewer
from tests.support.factories import Cast, a_person, viewer_of


async def seen(runtime: Runtime, viewer: Viewer) -> set[str]:
    async with runtime.read() as session:
        return {known.person.name for known in (await queries.people(session, viewer)).items}


TEAM = {"PCSO Alice Marsh", "PC Bob Fenn", "Sgt Nadia Malik", "Lottie Vane"}
FORCE = TEAM | {"Ellie Warner", "Dev Chandra", "Moira Keane", "Sam Birch"}


async def test_one_sees_the_people_of_ones_team_or_force_and_charlie_none_of_them(runtime: Runtime, cast: Cast) -> None:
    assert await seen(runtime, cast.nadia) == TEAM
    assert await seen(runtime, cast.sam) == FORCE
    assert await seen(runtime, cast.charlie) == {"PC Charlie Reed"}
    assert await seen(runtime, cast.ivy) == {"PC Charlie Reed", "Ivy Trent"}


async def test_nobody_is_found_from_another_force(runtime: Runtime, cast: Cast) -> None:
    async with runtime.read() as session:
        for viewer in cast.everyone_of_ours():
            with pytest.raises(NotFound):
                await queries.get_person(session, viewer, cast.charlie.person_id)
            for stranger in cast.strangers():
                with pytest.raises(NotFound):
                    await queries.get_person(session, stranger, viewer.person_id)


async def test_somebody_without_a_role_sees_themselves_only(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        nobody = await viewer_of(session, await a_person(session, cast.force, None, name="New Starter"))
        known = await queries.get_person(session, nobody, nobody.person_id)
        assert known.person.name == "New Starter"
        with pytest.raises(NotFound):
            await queries.get_person(session, nobody, cast.alice.person_id)
        with pytest.raises(Forbidden):
            await queries.people(session, nobody)


async def test_an_administrator_adds_a_person_with_roles(runtime: Runtime, cast: Cast) -> None:
    roles = [(Role.TEAM_MEMBER, cast.team.id), (Role.RECORDS, None)]
    async with runtime.unit_of_work() as session:
        person = await service.add_person(
            session, cast.sam, cast.force.id, " Jo.Lindley@SandfordVale.example ", "PCSO Jo Lindley", roles
        )
        viewer = await queries.viewer_of(session, person.id)
    assert person.email == "jo.lindley@sandfordvale.example"
    assert viewer.roles == frozenset(roles)
    async with runtime.read() as session:
        lines = (await session.execute(select(AuditEntry))).scalars().all()
    assert [line.action for line in lines] == ["people.add", "roles.give", "roles.give"]
    assert "lindley" not in repr([line.model_dump() for line in lines]).lower()


async def test_nobody_else_adds_people_and_no_administrator_adds_to_another_force(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        for viewer in (cast.alice, cast.nadia, cast.ellie, cast.lottie):
            with pytest.raises(Forbidden):
                await service.add_person(session, viewer, cast.force.id, "a@b.example", "A")
        with pytest.raises(NotFound):
            await service.add_person(session, cast.ivy, cast.force.id, "a@b.example", "A")


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@c.example", "a@b.example, c@d.example", "<a@b.example>"])
async def test_an_e_mail_address_that_is_none_is_refused(runtime: Runtime, cast: Cast, email: str) -> None:
    with pytest.raises(Invalid):
        async with runtime.unit_of_work() as session:
            await service.add_person(session, cast.sam, cast.force.id, email, "A")


async def test_an_address_is_one_persons(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        await service.add_person(session, cast.sam, cast.force.id, "jo@sandfordvale.example", "Jo")
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await service.add_person(session, cast.sam, cast.force.id, "JO@sandfordvale.example", "Jo again")
    patch = PersonPatch(email="jo@sandfordvale.example")
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await service.change_person(session, cast.sam, cast.alice.person_id, patch, 1)


async def test_two_who_change_one_person_meet(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        await service.give_role(session, cast.sam, alice, Role.SUPERVISOR, cast.team.id)
    with pytest.raises(Stale):
        async with runtime.unit_of_work() as session:
            await service.change_person(session, cast.sam, cast.alice.person_id, PersonPatch(name="Sgt Alice"), 1)
    async with runtime.unit_of_work() as session:
        await service.change_person(session, cast.sam, cast.alice.person_id, PersonPatch(name="Sgt Alice"), 2)


@pytest.mark.parametrize(
    ("role", "in_team", "sentence"),
    [
        (Role.ADMIN, True, "whole force"),
        (Role.TEAM_MEMBER, False, "which team"),
        (Role.CONTRIBUTOR, False, "which team"),
    ],
)
async def test_some_roles_are_of_a_team_and_one_is_of_the_force(
    runtime: Runtime, cast: Cast, role: Role, in_team: bool, sentence: str
) -> None:
    async with runtime.unit_of_work() as session:
        bob = await session.get_one(Person, cast.bob.person_id)
        with pytest.raises(Invalid, match=sentence):
            await service.give_role(session, cast.sam, bob, role, cast.team.id if in_team else None)


async def test_a_role_is_given_once_and_in_ones_own_force(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        bob = await session.get_one(Person, cast.bob.person_id)
        with pytest.raises(Conflict):
            await service.give_role(session, cast.sam, bob, Role.TEAM_MEMBER, cast.team.id)
        with pytest.raises(NotFound):
            await service.give_role(session, cast.sam, bob, Role.TEAM_MEMBER, cast.wexley_team.id)
        with pytest.raises(NotFound):
            await service.give_role(session, cast.ivy, bob, Role.TEAM_MEMBER, cast.wexley_team.id)
        with pytest.raises(Forbidden):
            await service.give_role(session, cast.nadia, bob, Role.SUPERVISOR, cast.team.id)


async def membership(runtime: Runtime, viewer: Viewer, role: Role) -> Membership:
    async with runtime.read() as session:
        known = await queries.get_person(session, viewer, viewer.person_id)
    return next(each for each in known.memberships if each.role == role)


async def test_a_role_is_taken_by_an_administrator_only(runtime: Runtime, cast: Cast) -> None:
    row = await membership(runtime, cast.bob, Role.TEAM_MEMBER)
    async with runtime.unit_of_work() as session:
        bob = await session.get_one(Person, cast.bob.person_id)
        alice = await session.get_one(Person, cast.alice.person_id)
        with pytest.raises(Forbidden):
            await service.take_role(session, cast.nadia, bob, row.id)
        with pytest.raises(NotFound):
            await service.take_role(session, cast.ivy, bob, row.id)
        with pytest.raises(NotFound):
            await service.take_role(session, cast.sam, alice, row.id)
        await service.take_role(session, cast.sam, bob, row.id)
        assert (await queries.viewer_of(session, bob.id)).roles == frozenset()


async def test_the_last_administrator_stays(runtime: Runtime, cast: Cast) -> None:
    row = await membership(runtime, cast.sam, Role.ADMIN)
    async with runtime.unit_of_work() as session:
        sam = await session.get_one(Person, cast.sam.person_id)
        with pytest.raises(Conflict):
            await service.take_role(session, cast.sam, sam, row.id)
        with pytest.raises(Conflict):
            await service.set_active(session, cast.sam, sam.id, active=False)
        ellie = await session.get_one(Person, cast.ellie.person_id)
        await service.give_role(session, cast.sam, ellie, Role.ADMIN, None)
        await service.take_role(session, cast.sam, sam, row.id)


async def test_two_administrators_who_leave_in_the_same_moment_do_not_both_leave(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        second = await viewer_of(session, await a_person(session, cast.force, Role.ADMIN, name="Second"))

    async def leave(viewer: Viewer) -> None:
        row = await membership(runtime, viewer, Role.ADMIN)
        async with runtime.unit_of_work() as session:
            person = await session.get_one(Person, viewer.person_id)
            await service.take_role(session, viewer, person, row.id)

    answers = await asyncio.gather(leave(cast.sam), leave(second), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "NoneType"]


async def test_a_leaver_keeps_their_name_on_what_they_did(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        await service.set_active(session, cast.sam, cast.alice.person_id, active=False)
        assert await queries.names(session, [cast.alice.person_id, None]) == {cast.alice.person_id: "PCSO Alice Marsh"}
        with pytest.raises(NotFound):
            await queries.viewer_of(session, cast.alice.person_id)


def test_a_contributor_never_sees_private_messages(cast: Cast) -> None:
    assert not access.may_anywhere(cast.lottie, Action.SEE_DIRECT)
    assert access.may(cast.lottie, Action.SEE_PUBLIC, cast.team.id)
    assert not access.may(cast.lottie, Action.PUBLISH, cast.team.id)
    assert access.may(cast.alice, Action.SEE_DIRECT, cast.team.id)
    assert not access.may(cast.alice, Action.SEE_DIRECT, cast.other_team.id)
    assert not access.may_anywhere(cast.sam, Action.SEE_DIRECT)
