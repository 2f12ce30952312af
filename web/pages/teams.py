"""Teams and the neighbourhoods they look after."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.errors import NotFound
from api.core.paging import MOST
from api.forces import queries
from api.forces import service as forces
from api.forces.schemas import NeighbourhoodIn, NeighbourhoodPatch, TeamIn
from api.identity import queries as identity
from api.models import Viewer
from web.deps import Framed, ReadSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.shown import badge

router = APIRouter(prefix="/teams")
Typed = Annotated[str, Form()]
EMPTY = {"name": "", "police_uk_id": "", "about": ""}


@router.get("/new")
async def add_form(request: Request, viewer: Framed) -> HTMLResponse:
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    return page(request, "people/team_new.html", {"name": "", "errors": {}})


@router.post("/new")
async def add(request: Request, viewer: Framed, name: Typed = "") -> Response:
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    try:
        wanted = TeamIn.model_validate({"name": name.strip()})
        async with runtime_of(request).unit_of_work() as session:
            team = await forces.add_team(session, viewer, await queries.get_force(session, viewer), wanted.name)
    except CAUGHT as error:
        found = errors_of(error)
        errors = {"name": found.get("name", "")} if "name" in found else {"name": found.get("", "")}
        return page(request, "people/team_new.html", {"name": name, "errors": errors}, 422)
    return RedirectResponse(f"/teams/{team.id}?said=team-added", 303)


@router.get("/{team_id}")
async def one(request: Request, session: ReadSession, viewer: Framed, team_id: UUID) -> HTMLResponse:
    return await _one(request, session, viewer, team_id, EMPTY)


@router.post("/{team_id}/neighbourhoods")
async def add_neighbourhood(
    request: Request, viewer: Framed, team_id: UUID, name: Typed = "", police_uk_id: Typed = "", about: Typed = ""
) -> Response:
    typed = {"name": name.strip(), "police_uk_id": police_uk_id.strip(), "about": about.strip()}
    try:
        wanted = NeighbourhoodIn.model_validate({**typed, "team_id": team_id})
        async with runtime_of(request).unit_of_work() as session:
            team = await queries.get_team(session, viewer, team_id)
            await forces.add_neighbourhood(
                session, viewer, team, wanted.police_uk_id, wanted.name, wanted.about, wanted.boundary or ()
            )
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _one(request, session, viewer, team_id, typed, errors_of(error))
    return RedirectResponse(f"/teams/{team_id}?said=place-added", 303)


@router.post("/{team_id}/neighbourhoods/{neighbourhood_id}")
async def change_neighbourhood(
    request: Request, viewer: Framed, team_id: UUID, neighbourhood_id: UUID, name: Typed = "", about: Typed = ""
) -> Response:
    try:
        patch = NeighbourhoodPatch.model_validate({"name": name.strip(), "about": about.strip()})
        async with runtime_of(request).unit_of_work() as session:
            if (await queries.get_neighbourhood(session, viewer, neighbourhood_id)).team_id != team_id:
                raise NotFound
            await forces.change_neighbourhood(session, viewer, neighbourhood_id, patch, None)
    except CAUGHT as error:
        found = {f"{field}-{neighbourhood_id}" if field else "": words for field, words in errors_of(error).items()}
        async with runtime_of(request).read() as session:
            return await _one(request, session, viewer, team_id, EMPTY, found)
    return RedirectResponse(f"/teams/{team_id}?said=place-kept", 303)


async def _one(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    team = await queries.get_team(session, viewer, team_id)
    people = []
    if access.may_anywhere(viewer, Action.SEE_PEOPLE):
        people = [one.person for one in (await identity.people(session, viewer, team.id, limit=MOST)).items]
    known = await accounts.accounts(session, viewer, team.id)
    return page(request, "people/team.html", {
        "team": team,
        "people": sorted((one for one in people if one.active), key=lambda person: person.name),
        "neighbourhoods": await queries.neighbourhoods(session, viewer, team.id),
        "accounts": [badge(account) for account in known if account.team_id == team.id],
        "form": typed,
        "errors": errors or {},
        "may_manage": access.may(viewer, Action.MANAGE_PEOPLE, None),
    }, 422 if errors else 200)  # fmt: skip
