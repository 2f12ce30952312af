"""Teams and neighbourhoods over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access import service as access
from api.access.service import Action
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
    tagged,
)
from api.forces import queries, service
from api.forces.schemas import (
    NeighbourhoodBrief,
    NeighbourhoodIn,
    NeighbourhoodOut,
    NeighbourhoodPatch,
    TeamIn,
    TeamOut,
)

teams = api_router("/teams", "teams")
neighbourhoods = api_router("/neighbourhoods", "neighbourhoods")
TeamParam = Annotated[UUID | None, Query(description="Only this team's.")]


@teams.get("", summary="Teams that you may see", **needs("people:read", "people:write"))
async def list_teams(
    session: ReadSession, viewer: CurrentViewer, cursor: CursorParam = None, limit: LimitParam = DEFAULT_LIMIT
) -> PageOut[TeamOut]:
    access.require_anywhere(viewer, Action.SEE_PEOPLE)
    page = await queries.teams_page(session, viewer, cursor, limit)
    return PageOut.of(page, [TeamOut.of(team) for team in page.items])


@teams.post("", status_code=201, summary="Add a team", **needs("people:write"))
async def add_team(session: WriteSession, viewer: CurrentViewer, body: TeamIn, _: IdempotencyKey = None) -> TeamOut:
    force = await queries.get_force(session, viewer)
    return TeamOut.of(await service.add_team(session, viewer, force, body.name))


@neighbourhoods.get(
    "", summary="Neighbourhoods that you may see, without boundaries", **needs("people:read", "people:write")
)
async def list_neighbourhoods(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: TeamParam = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[NeighbourhoodBrief]:
    access.require_anywhere(viewer, Action.SEE_PEOPLE)
    page = await queries.neighbourhoods_page(session, viewer, team_id, cursor, limit)
    return PageOut.of(page, [NeighbourhoodBrief.of(row) for row in page.items])


@neighbourhoods.post("", status_code=201, summary="Add a neighbourhood to a team", **needs("people:write"))
async def add_neighbourhood(
    session: WriteSession, viewer: CurrentViewer, body: NeighbourhoodIn, response: Response, _: IdempotencyKey = None
) -> NeighbourhoodOut:
    team = await queries.get_team(session, viewer, body.team_id)
    row = await service.add_neighbourhood(
        session, viewer, team, body.police_uk_id, body.name, body.about, body.boundary or ()
    )
    tagged(response, row)
    return NeighbourhoodOut.of(row)


@neighbourhoods.get(
    "/{neighbourhood_id}", summary="One neighbourhood with its boundary", **needs("people:read", "people:write")
)
async def get_neighbourhood(
    session: ReadSession, viewer: CurrentViewer, neighbourhood_id: UUID, response: Response
) -> NeighbourhoodOut:
    access.require_anywhere(viewer, Action.SEE_PEOPLE)
    row = await queries.get_neighbourhood(session, viewer, neighbourhood_id)
    tagged(response, row)
    return NeighbourhoodOut.of(row)


@neighbourhoods.patch(
    "/{neighbourhood_id}", summary="Change a neighbourhood, or give it to another team", **needs("people:write")
)
async def change_neighbourhood(
    session: WriteSession,
    viewer: CurrentViewer,
    neighbourhood_id: UUID,
    body: NeighbourhoodPatch,
    version: MustMatch,
    response: Response,
) -> NeighbourhoodOut:
    row = await service.change_neighbourhood(session, viewer, neighbourhood_id, body, version)
    tagged(response, row)
    return NeighbourhoodOut.of(row)
