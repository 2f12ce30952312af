"""People of the force: who is in which team, what each may do, and letting somebody in or out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.errors import Invalid
from api.core.paging import MOST
from api.forces import queries as forces
from api.identity import queries
from api.identity import service as identity
from api.identity.queries import Known
from api.identity.schemas import PersonIn, PersonPatch, RoleIn
from api.models import Person, Role, Viewer
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.roles import WHOLE_FORCE, held, role_choices, sentence, where_choices, where_of

router = APIRouter(prefix="/people")
Typed = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class Line:
    """One person in a list."""

    id: UUID
    name: str
    email: str
    roles: str
    active: bool
    has_password: bool
    second_factor: bool


@router.get("")
async def all_of_them(request: Request, session: ReadSession, viewer: Framed, team: UUID | None = None) -> HTMLResponse:
    access.require_anywhere(viewer, Action.SEE_PEOPLE)
    teams = await forces.teams(session, viewer)
    names = {one.id: one.name for one in teams}
    chosen = await forces.get_team(session, viewer, team) if team else None
    cursor = request.query_params.get("cursor") or None
    found = await queries.people(session, viewer, chosen.id if chosen else None, cursor, MOST)
    return page(request, "people/index.html", {
        "people": sorted((_line(one, names) for one in found.items), key=lambda line: (not line.active, line.name)),
        "older": f"/people?cursor={found.next_cursor}" if found.next_cursor else "",
        "teams": teams,
        "neighbourhoods": await forces.neighbourhoods(session, viewer),
        "chosen": chosen,
        "may_manage": access.may(viewer, Action.MANAGE_PEOPLE, None),
    })  # fmt: skip


@router.get("/new")
async def add_form(request: Request, session: ReadSession, viewer: Framed, team: str = "") -> HTMLResponse:
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    empty = {"name": "", "email": "", "role": Role.TEAM_MEMBER.value, "team": team}
    return await _new(request, session, viewer, empty)


@router.post("/new")
async def add(
    request: Request, viewer: Framed, name: Typed = "", email: Typed = "", role: Typed = "", team: Typed = ""
) -> Response:
    """The answer shows the link, this once: an address would keep it."""
    typed = {"name": name, "email": email, "role": role, "team": team}
    try:
        wanted = PersonIn.model_validate({"name": name.strip(), "email": email.strip()})
        first = _role(role, team)
        async with runtime_of(request).unit_of_work() as session:
            roles = [(first.role, first.team_id)]
            person = await identity.add_person(session, viewer, viewer.force_id, wanted.email, wanted.name, roles)
            secret = await _link(request, session, viewer, person)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _new(request, session, viewer, typed, errors_of(error, {"team_id": "team"}))
    return await _shown(request, viewer, person.id, secret)


@router.get("/{person_id}")
async def one(request: Request, session: ReadSession, viewer: Framed, person_id: UUID) -> HTMLResponse:
    return await _one(request, session, viewer, person_id)


@router.post("/{person_id}")
async def change(
    request: Request, viewer: Framed, person_id: UUID, name: Typed = "", email: Typed = "", version: Typed = ""
) -> Response:
    try:
        patch = PersonPatch.model_validate({"name": name.strip(), "email": email.strip()})
        async with runtime_of(request).unit_of_work() as session:
            await identity.change_person(
                session, viewer, person_id, patch, int(version) if version.isdecimal() else None
            )
    except CAUGHT as error:
        return await _again(request, viewer, person_id, error, {"name": name, "email": email, "version": version})
    return RedirectResponse(f"/people/{person_id}?said=person-kept", 303)


@router.post("/{person_id}/roles")
async def give(request: Request, viewer: Framed, person_id: UUID, role: Typed = "", team: Typed = "") -> Response:
    try:
        wanted = _role(role, team)
        async with runtime_of(request).unit_of_work() as session:
            person = (await queries.get_person(session, viewer, person_id)).person
            await identity.give_role(session, viewer, person, wanted.role, wanted.team_id)
    except CAUGHT as error:
        return await _again(request, viewer, person_id, error, {"role": role, "team": team})
    return RedirectResponse(f"/people/{person_id}?said=role-given", 303)


@router.post("/{person_id}/roles/{membership_id}/take")
async def take(request: Request, viewer: Framed, person_id: UUID, membership_id: UUID) -> Response:
    """The next page offers to give it back."""
    try:
        async with runtime_of(request).unit_of_work() as session:
            known = await queries.get_person(session, viewer, person_id)
            gone = next((each for each in known.memberships if each.id == membership_id), None)
            await identity.take_role(session, viewer, known.person, membership_id)
    except CAUGHT as error:
        return await _again(request, viewer, person_id, error)
    assert gone is not None
    back = f"{gone.role.value}.{gone.team_id or WHOLE_FORCE}"
    return RedirectResponse(f"/people/{person_id}?said=role-taken&taken={back}", 303)


@router.post("/{person_id}/active")
async def set_active(request: Request, viewer: Framed, person_id: UUID, active: Typed = "") -> Response:
    try:
        async with runtime_of(request).unit_of_work() as session:
            await identity.set_active(session, viewer, person_id, active == "yes")
    except CAUGHT as error:
        return await _again(request, viewer, person_id, error)
    return RedirectResponse(f"/people/{person_id}?said=person-{'on' if active == 'yes' else 'off'}", 303)


@router.post("/{person_id}/link")
async def link(request: Request, viewer: Framed, person_id: UUID) -> Response:
    try:
        async with runtime_of(request).unit_of_work() as session:
            person = (await queries.get_person(session, viewer, person_id)).person
            secret = await _link(request, session, viewer, person)
    except CAUGHT as error:
        return await _again(request, viewer, person_id, error)
    return await _shown(request, viewer, person_id, secret)


@router.post("/{person_id}/second-step")
async def reset_second_step(session: WriteSession, viewer: Signed, person_id: UUID) -> RedirectResponse:
    person = (await queries.get_person(session, viewer, person_id)).person
    await identity.reset_second_factor(session, viewer, person)
    return RedirectResponse(f"/people/{person_id}?said=second-reset", 303)


async def _link(request: Request, session: AsyncSession, viewer: Viewer, person: Person) -> str:
    settings = runtime_of(request).settings
    secret = await identity.set_password_link(session, viewer, person, settings.set_password_hours)
    return f"{settings.base_url.rstrip('/')}/set-password/{secret}"


async def _shown(request: Request, viewer: Viewer, person_id: UUID, secret: str) -> HTMLResponse:
    async with runtime_of(request).read() as session:
        return await _one(request, session, viewer, person_id, secret=secret)


async def _again(
    request: Request, viewer: Viewer, person_id: UUID, error: Exception, typed: Mapping[str, str] | None = None
) -> HTMLResponse:
    async with runtime_of(request).read() as session:
        return await _one(request, session, viewer, person_id, typed, errors_of(error, {"team_id": "team"}))


def _role(role: str, team: str) -> RoleIn:
    if role not in set(Role):
        raise Invalid("Choose a role.", "role")
    try:
        return RoleIn(role=Role(role), team_id=where_of(team))
    except ValueError as error:
        raise Invalid("Say in which team.", "team") from error


async def _new(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    teams = {one.id: one.name for one in await forces.teams(session, viewer)}
    return page(request, "people/new.html", {
        "form": typed,
        "for_team": "team" in request.query_params,
        "roles": role_choices(),
        "wheres": where_choices(teams),
        "errors": errors or {},
    }, 422 if errors else 200)  # fmt: skip


async def _one(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    person_id: UUID,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    secret: str = "",
) -> HTMLResponse:
    known = await queries.get_person(session, viewer, person_id)
    person, teams = known.person, {one.id: one.name for one in await forces.teams(session, viewer)}
    hours = runtime_of(request).settings.set_password_hours
    form = {"name": person.name, "email": person.email, "version": str(person.version), "role": "", "team": ""}
    return page(request, "people/show.html", {
        "line": _line(known, teams),
        "held": [held(each, teams) for each in known.memberships],
        "form": {**form, **(typed or {})},
        "roles": role_choices(),
        "wheres": where_choices(teams),
        "taken": _taken(request, teams),
        "secret": secret,
        "secret_until": now() + timedelta(hours=hours),
        "errors": errors or {},
        "may_manage": access.may(viewer, Action.MANAGE_PEOPLE, None),
        "oneself": viewer.person_id == person.id,
    }, 422 if errors else 200)  # fmt: skip


def _taken(request: Request, teams: Mapping[UUID, str]) -> dict[str, Any] | None:
    """A role that was just taken away, to give it back with one press."""
    role, _, where = request.query_params.get("taken", "").partition(".")
    labels = dict(where_choices(teams))
    if role not in set(Role) or where not in labels:
        return None
    return {"role": role, "team": where, "words": f"{dict(role_choices())[role].partition(':')[0]}, {labels[where]}"}


def _line(known: Known, teams: Mapping[UUID, str]) -> Line:
    person = known.person
    return Line(
        person.id, person.name, person.email, sentence(known, teams), person.active,
        person.password_hash is not None, person.totp_confirmed_at is not None,
    )  # fmt: skip
