"""Who I am, people and their roles, tokens and sessions over REST."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import now
from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    runtime_of,
    tagged,
)
from api.identity import queries, service
from api.identity.schemas import (
    ForceBrief,
    LinkOut,
    MeOut,
    MyPerson,
    MyRole,
    NewTokenOut,
    PersonIn,
    PersonOut,
    PersonPatch,
    PlaceBrief,
    RoleIn,
    RoleOut,
    SessionOut,
    TeamBrief,
    TokenIn,
    TokenOut,
)
from api.models import Viewer

me = api_router("/me", "me")
people = api_router("/people", "people")
tokens = api_router("/tokens", "tokens")
sessions = api_router("/sessions", "sessions")
TeamParam = Annotated[UUID | None, Query(description="Only people with a role in this team.")]
_READ, _WRITE = needs("people:read", "people:write"), needs("people:write")


@me.get("", summary="Who you are, what you may do, and where")
async def get_me(session: ReadSession, viewer: CurrentViewer) -> MeOut:
    found = await queries.me(session, viewer)
    return MeOut(
        person=MyPerson(id=found.person.id, name=found.person.name, email=found.person.email),
        force=ForceBrief(id=found.force.id, name=found.force.name),
        roles=[MyRole(role=role, team_id=team) for role, team in sorted(viewer.roles, key=lambda r: (r[0], str(r[1])))],
        scopes=None if viewer.scopes is None else sorted(viewer.scopes),
        second_factor=viewer.second_factor,
        teams=[TeamBrief(id=team.id, name=team.name) for team in found.teams],
        neighbourhoods=[PlaceBrief.model_validate(row, from_attributes=True) for row in found.neighbourhoods],
    )


@people.get("", summary="People that you may see", **_READ)
async def list_people(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: TeamParam = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[PersonOut]:
    page = await queries.people(session, viewer, team_id, cursor, limit)
    return PageOut.of(page, [PersonOut.of(known.person, known.memberships) for known in page.items])


@people.post("", status_code=201, summary="Add a person; a link then lets them choose a password", **_WRITE)
async def add_person(
    session: WriteSession, viewer: CurrentViewer, body: PersonIn, response: Response, _: IdempotencyKey = None
) -> PersonOut:
    roles = [(each.role, each.team_id) for each in body.roles]
    person = await service.add_person(session, viewer, viewer.force_id, body.email, body.name, roles)
    return await _shown(session, viewer, person.id, response)


@people.get("/{person_id}", summary="One person", **_READ)
async def get_person(session: ReadSession, viewer: CurrentViewer, person_id: UUID, response: Response) -> PersonOut:
    return await _shown(session, viewer, person_id, response)


@people.patch("/{person_id}", summary="Change a person, or make them inactive", **_WRITE)
async def change_person(
    session: WriteSession,
    viewer: CurrentViewer,
    person_id: UUID,
    body: PersonPatch,
    version: MustMatch,
    response: Response,
) -> PersonOut:
    await service.change_person(session, viewer, person_id, body, version)
    return await _shown(session, viewer, person_id, response)


@people.post("/{person_id}/roles", status_code=201, summary="Give a role in a team or the whole force", **_WRITE)
async def give_role(
    session: WriteSession, viewer: CurrentViewer, person_id: UUID, body: RoleIn, _: IdempotencyKey = None
) -> RoleOut:
    person = (await queries.get_person(session, viewer, person_id)).person
    return RoleOut.of(await service.give_role(session, viewer, person, body.role, body.team_id))


@people.delete("/{person_id}/roles/{membership_id}", status_code=204, summary="Take a role", **_WRITE)
async def take_role(session: WriteSession, viewer: CurrentViewer, person_id: UUID, membership_id: UUID) -> None:
    person = (await queries.get_person(session, viewer, person_id)).person
    await service.take_role(session, viewer, person, membership_id)


@people.post(
    "/{person_id}/set-password-link", status_code=201, summary="A link that sets their password, once", **_WRITE
)
async def set_password_link(
    request: Request, session: WriteSession, viewer: CurrentViewer, person_id: UUID, _: IdempotencyKey = None
) -> LinkOut:
    request.state.no_replay = True
    settings = runtime_of(request).settings
    person = (await queries.get_person(session, viewer, person_id)).person
    secret = await service.set_password_link(session, viewer, person, settings.set_password_hours)
    url = f"{settings.base_url.rstrip('/')}/set-password/{secret}"
    return LinkOut(secret=secret, url=url, expires_at=now() + timedelta(hours=settings.set_password_hours))


@people.post(
    "/{person_id}/reset-second-factor", status_code=204, summary="Take off the second step of a lost phone", **_WRITE
)
async def reset_second_factor(
    session: WriteSession, viewer: CurrentViewer, person_id: UUID, _: IdempotencyKey = None
) -> None:
    person = (await queries.get_person(session, viewer, person_id)).person
    await service.reset_second_factor(session, viewer, person)


@tokens.get("", summary="Your tokens; an administrator's list holds the force's", **_READ)
async def list_tokens(
    session: ReadSession, viewer: CurrentViewer, cursor: CursorParam = None, limit: LimitParam = DEFAULT_LIMIT
) -> PageOut[TokenOut]:
    page = await queries.tokens(session, viewer, cursor, limit)
    return PageOut.of(page, [TokenOut.of(token) for token in page.items])


@tokens.post("", status_code=201, summary="Make a token in your own name", **_WRITE)
async def create_token(
    request: Request, session: WriteSession, viewer: CurrentViewer, body: TokenIn, _: IdempotencyKey = None
) -> NewTokenOut:
    request.state.no_replay = True
    person = (await queries.me(session, viewer)).person
    token, secret = await service.create_token(session, viewer, person, body.name, body.scopes, body.expires_at)
    return NewTokenOut.with_secret(token, secret)


@tokens.post("/{token_id}/end", summary="End a token at once", **_WRITE)
async def end_token(session: WriteSession, viewer: CurrentViewer, token_id: UUID) -> TokenOut:
    return TokenOut.of(await service.end_token(session, viewer, token_id))


@sessions.get("", summary="Browsers in which you are signed in", **_READ)
async def list_sessions(
    session: ReadSession, viewer: CurrentViewer, cursor: CursorParam = None, limit: LimitParam = DEFAULT_LIMIT
) -> PageOut[SessionOut]:
    page = await queries.sign_ins(session, viewer, cursor, limit)
    return PageOut.of(page, [SessionOut.of(row, viewer.sign_in_id) for row in page.items])


@sessions.post("/{session_id}/end", status_code=204, summary="Sign a browser out", **_WRITE)
async def end_session(session: WriteSession, viewer: CurrentViewer, session_id: UUID) -> None:
    await service.end_sign_in(session, viewer, session_id)


async def _shown(session: AsyncSession, viewer: Viewer, person_id: UUID, response: Response) -> PersonOut:
    known = await queries.get_person(session, viewer, person_id)
    tagged(response, known.person)
    return PersonOut.of(known.person, known.memberships)
