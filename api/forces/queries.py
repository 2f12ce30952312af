"""What may be seen of a force: all of it with a whole-force role, otherwise one's own teams and what is theirs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.models import Force, Neighbourhood, Team, Viewer


def _seen(viewer: Viewer, force: SQLColumnExpression[UUID], team: SQLColumnExpression[UUID]) -> ColumnElement[bool]:
    if viewer.whole_force:
        return force == viewer.force_id
    return and_(force == viewer.force_id, team.in_(viewer.team_ids))


def _team_seen(viewer: Viewer) -> ColumnElement[bool]:
    return _seen(viewer, col(Team.force_id), col(Team.id))


def _neighbourhood_seen(viewer: Viewer) -> ColumnElement[bool]:
    return _seen(viewer, col(Neighbourhood.force_id), col(Neighbourhood.team_id))


async def get_force(session: AsyncSession, viewer: Viewer) -> Force:
    return await session.get_one(Force, viewer.force_id)


async def teams(session: AsyncSession, viewer: Viewer) -> Sequence[Team]:
    rows = await session.execute(select(Team).where(_team_seen(viewer)).order_by(col(Team.name)))
    return rows.scalars().all()


async def teams_page(session: AsyncSession, viewer: Viewer, cursor: str | None, limit: int = PAGE) -> Page[Team]:
    asked = select(Team).where(_team_seen(viewer))
    return await paged(session, asked, col(Team.created_at), col(Team.id), cursor, limit, newest_first=False)


async def get_team(session: AsyncSession, viewer: Viewer, team_id: UUID) -> Team:
    return await the_one(session, select(Team).where(col(Team.id) == team_id, _team_seen(viewer)))


async def neighbourhoods(session: AsyncSession, viewer: Viewer, team_id: UUID | None = None) -> Sequence[Neighbourhood]:
    asked = select(Neighbourhood).where(_neighbourhood_seen(viewer)).order_by(col(Neighbourhood.name))
    if team_id:
        asked = asked.where(col(Neighbourhood.team_id) == team_id)
    return (await session.execute(asked)).scalars().all()


async def neighbourhoods_page(
    session: AsyncSession, viewer: Viewer, team_id: UUID | None, cursor: str | None, limit: int = PAGE
) -> Page[Neighbourhood]:
    asked = select(Neighbourhood).where(_neighbourhood_seen(viewer))
    if team_id:
        asked = asked.where(col(Neighbourhood.team_id) == team_id)
    return await paged(
        session, asked, col(Neighbourhood.created_at), col(Neighbourhood.id), cursor, limit, newest_first=False
    )


async def get_neighbourhood(session: AsyncSession, viewer: Viewer, neighbourhood_id: UUID) -> Neighbourhood:
    return await the_one(
        session, select(Neighbourhood).where(col(Neighbourhood.id) == neighbourhood_id, _neighbourhood_seen(viewer))
    )
