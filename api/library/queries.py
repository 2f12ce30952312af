"""What may be used again, by everybody in the force who may write or read posts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.errors import Forbidden, NotFound
from api.models import StandardPost, Viewer


async def standard_posts(session: AsyncSession, viewer: Viewer, category: str | None = None) -> Sequence[StandardPost]:
    """All of the force's, in their order by category and title."""
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        raise Forbidden("Your role or your token does not read posts.")
    statement = select(StandardPost).where(col(StandardPost.force_id) == viewer.force_id)
    if category is not None:
        statement = statement.where(col(StandardPost.category) == category)
    rows = await session.execute(
        statement.order_by(col(StandardPost.category), col(StandardPost.title), col(StandardPost.id))
    )
    return rows.scalars().all()


async def get_standard_post(session: AsyncSession, viewer: Viewer, standard_post_id: UUID) -> StandardPost:
    row = await session.execute(
        select(StandardPost).where(
            col(StandardPost.id) == standard_post_id, col(StandardPost.force_id) == viewer.force_id
        )
    )
    standard_post = row.scalar_one_or_none()
    if standard_post is None:
        raise NotFound
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        raise Forbidden("Your role or your token does not read posts.")
    return standard_post
