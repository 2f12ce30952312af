"""What goes out when."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.models import Post, Schedule, ScheduleState, Viewer
from api.posts import queries as posts
from api.schedules.values import Scheduled


async def schedules(
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE,
    states: Sequence[ScheduleState] = (),
) -> Page[Schedule]:
    """Earliest first, from `since` on and up to but without `before`."""
    statement = select(Schedule).where(_seen(viewer))
    if team_id is not None:
        statement = statement.where(col(Schedule.team_id) == team_id)
    if since is not None:
        statement = statement.where(col(Schedule.publish_at) >= since)
    if before is not None:
        statement = statement.where(col(Schedule.publish_at) < before)
    if states:
        statement = statement.where(col(Schedule.state).in_(states))
    return await paged(
        session, statement, col(Schedule.publish_at), col(Schedule.id), cursor, limit, newest_first=False
    )


async def get_schedule(session: AsyncSession, viewer: Viewer, schedule_id: UUID) -> Schedule:
    return await the_one(session, select(Schedule).where(col(Schedule.id) == schedule_id, _seen(viewer)))


async def with_posts(session: AsyncSession, schedules: Sequence[Schedule]) -> list[Scheduled]:
    """In the same order, each with its post, accounts and deliveries."""
    rows = await session.execute(select(Post).where(col(Post.id).in_({each.post_id for each in schedules})))
    written = await posts.with_deliveries(session, rows.scalars().all())
    by_post = {each.post.id: each for each in written}
    return [Scheduled(each, by_post[each.post_id]) for each in schedules]


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    return access.within(viewer, Action.SEE_POSTS, col(Schedule.force_id), col(Schedule.team_id))
