"""Everything that changes a force, its teams and its neighbourhoods. Viewer None: somebody at the command line."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.saving import add_or, change_or
from api.forces import queries
from api.forces.schemas import NeighbourhoodPatch
from api.models import Force, Neighbourhood, Team, Viewer


async def add_force(
    session: AsyncSession, viewer: Viewer | None, name: str, short_name: str, police_uk_id: str, keep_days: int = 365
) -> Force:
    force = Force(name=name, short_name=short_name, police_uk_id=police_uk_id, keep_days=keep_days)
    await add_or(session, force, f"There is a force with the police.uk id {police_uk_id} already.")
    audit.record(session, viewer, "forces.add", "force", force.id, force_id=force.id)
    return force


async def add_team(session: AsyncSession, viewer: Viewer | None, force: Force, name: str) -> Team:
    if viewer:
        access.require(viewer, Action.MANAGE_PEOPLE, None)
    team = Team(force_id=force.id, name=name)
    await add_or(session, team, "There is a team with that name already. Choose another name.")
    audit.record(session, viewer, "teams.add", "team", team.id, force_id=force.id)
    return team


async def add_neighbourhood(
    session: AsyncSession,
    viewer: Viewer | None,
    team: Team,
    police_uk_id: str,
    name: str,
    about: str = "",
    boundary: Sequence[Sequence[float]] = (),
) -> Neighbourhood:
    if viewer:
        access.require(viewer, Action.MANAGE_PEOPLE, None)
    neighbourhood = Neighbourhood(
        force_id=team.force_id,
        team_id=team.id,
        police_uk_id=police_uk_id,
        name=name,
        about=about,
        boundary=[list(point) for point in boundary],
    )
    await add_or(session, neighbourhood, "Your force has a neighbourhood with that police.uk id already.")
    audit.record(
        session, viewer, "neighbourhoods.add", "neighbourhood", neighbourhood.id,
        force_id=team.force_id, team_id=team.id,
    )  # fmt: skip
    return neighbourhood


async def change_neighbourhood(
    session: AsyncSession, viewer: Viewer, neighbourhood_id: UUID, patch: NeighbourhoodPatch, version: int | None
) -> Neighbourhood:
    """Another team's from now on, if the patch says so; it must be a team of the same force."""
    neighbourhood = await queries.get_neighbourhood(session, viewer, neighbourhood_id)
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    changes = patch.model_dump(exclude_none=True)
    if patch.team_id:
        await queries.get_team(session, viewer, patch.team_id)
    if patch.boundary:
        changes["boundary"] = [list(point) for point in patch.boundary]
    if changes:
        await change_or(session, neighbourhood, changes, version, "That is taken already.")
        audit.record(
            session, viewer, "neighbourhoods.change", "neighbourhood", neighbourhood.id, changed=sorted(changes)
        )
    return neighbourhood
