"""Media that a viewer may see, what posts carry, and what nothing carries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.models import Media, PostMedia, Team, Viewer


async def get_media(session: AsyncSession, viewer: Viewer, media_id: UUID) -> Media:
    return await the_one(session, select(Media).where(col(Media.id) == media_id, _seen(viewer), is_there()))


async def media(
    session: AsyncSession, viewer: Viewer, team_id: UUID | None = None, cursor: str | None = None, limit: int = PAGE
) -> Page[Media]:
    """The last added first."""
    statement = select(Media).where(_seen(viewer), is_there())
    if team_id is not None:
        statement = statement.where(col(Media.team_id) == team_id)
    return await paged(session, statement, col(Media.created_at), col(Media.id), cursor, limit, newest_first=True)


async def get_team(session: AsyncSession, viewer: Viewer, team_id: UUID) -> Team:
    """A team that this viewer writes drafts for."""
    mine = access.within(viewer, Action.SEE_POSTS, col(Team.force_id), col(Team.id))
    return await the_one(session, select(Team).where(col(Team.id) == team_id, mine))


async def chosen(session: AsyncSession, viewer: Viewer, team_id: UUID, media_ids: Sequence[UUID]) -> list[Media]:
    """Those of them that a post of this team may carry, in the order they were named."""
    mine = access.within(viewer, Action.SEE_POSTS, col(Media.force_id), col(Media.team_id))
    rows = await session.execute(
        select(Media).where(col(Media.id).in_(media_ids), col(Media.team_id) == team_id, mine, is_there())
    )
    found = {each.id: each for each in rows.scalars()}
    return [found[each] for each in media_ids if each in found]


async def of_posts(session: AsyncSession, post_ids: Iterable[UUID]) -> dict[UUID, list[Media]]:
    """What each post carries, in order. For posts that a gate has let through."""
    carried: dict[UUID, list[Media]] = defaultdict(list)
    rows = await session.execute(
        select(PostMedia.post_id, Media)  # type: ignore[call-overload]
        .join(Media, col(Media.id) == col(PostMedia.media_id))
        .where(col(PostMedia.post_id).in_(list(post_ids)))
        .order_by(col(PostMedia.post_id), col(PostMedia.position))
    )
    for post_id, each in rows:
        carried[post_id].append(each)
    return carried


async def named(session: AsyncSession, media_ids: Sequence[UUID]) -> list[Media]:
    """What a delivery carries, for the worker that sends it."""
    if not media_ids:
        return []
    rows = await session.execute(select(Media).where(col(Media.id).in_(media_ids)))
    found = {each.id: each for each in rows.scalars()}
    return [found[each] for each in media_ids if each in found]


async def over(session: AsyncSession, before: datetime, limit: int) -> Sequence[Media]:
    """What nobody can see any more, and whose file can go."""
    rows = await session.execute(select(Media).where(col(Media.kept_until) <= before).limit(limit))
    return rows.scalars().all()


def is_there() -> ColumnElement[bool]:
    return or_(col(Media.kept_until).is_(None), col(Media.kept_until) > now())


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    return access.within(viewer, Action.SEE_POSTS, col(Media.force_id), col(Media.team_id))
