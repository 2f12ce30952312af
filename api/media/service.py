"""What changes media: taken in, described, carried by posts, let go."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core import jobs
from api.core.clock import now
from api.core.errors import Conflict, NotFound
from api.core.jobs import Job
from api.core.saving import change_or
from api.media import queries
from api.media.schemas import MediaPatch, point_of
from api.models import Delivery, DeliveryState, Media, Post, PostMedia, Viewer

LOOSE_FOR = timedelta(days=1)
"""So long an upload waits for a post that carries it."""
SWEEP = Job("sweep")
NOT_LEFT = (
    DeliveryState.QUEUED, DeliveryState.HELD, DeliveryState.CANCELLED, DeliveryState.REFUSED, DeliveryState.MISSED,
)  # fmt: skip
NOT_THERE = "One of these pictures or videos is not there any more, or is not yours to see. Add it again."
HAS_LEFT = "It is going out with a post, or it went out already: what it says there cannot be changed here."
STILL_CARRIED = "A post carries it. Take it out of the post first."


async def keep(session: AsyncSession, viewer: Viewer, media_id: UUID) -> Media:
    """From now on an upload is there: its file is in the store. Nothing keeps it longer than a day but a post."""
    media = await session.get_one(Media, media_id)
    media.kept_until = now() + LOOSE_FOR
    audit.record(session, viewer, "media.add", "media", media.id, kind=media.kind, size=media.size)
    await session.flush()
    return media


async def change(
    session: AsyncSession, viewer: Viewer, media_id: UUID, patch: MediaPatch, version: int | None
) -> Media:
    """What is said about it, until it leaves: after that we must be able to recognise what we sent."""
    media = await queries.get_media(session, viewer, media_id)
    access.require(viewer, Action.DRAFT, media.team_id)
    await _still_here(session, media)
    await change_or(session, media, _values(patch), version, HAS_LEFT)
    audit.record(session, viewer, "media.describe", "media", media.id)
    return media


async def remove(session: AsyncSession, viewer: Viewer, media_id: UUID) -> None:
    """Nobody sees it from now on; its file goes soon after."""
    media = await queries.get_media(session, viewer, media_id)
    access.require(viewer, Action.DRAFT, media.team_id)
    if media.kept_until is None:
        raise Conflict(STILL_CARRIED)
    media.kept_until = now()
    audit.record(session, viewer, "media.remove", "media", media.id)
    jobs.ask(session, SWEEP)


async def carry(session: AsyncSession, viewer: Viewer, post: Post, media_ids: Sequence[UUID]) -> None:
    """What the post carries from now on, all of it and in this order."""
    before = [each.id for each in (await queries.of_posts(session, [post.id]))[post.id]]
    if before == list(media_ids):
        return
    if len(await queries.chosen(session, viewer, post.team_id, media_ids)) < len(media_ids):
        raise NotFound(NOT_THERE)
    await _hold(session, media_ids)
    await session.execute(delete(PostMedia).where(col(PostMedia.post_id) == post.id))
    session.add_all(PostMedia(post_id=post.id, media_id=each, position=number) for number, each in enumerate(media_ids))
    await session.flush()
    await _let_go(session, set(before) - set(media_ids))


async def forget(session: AsyncSession, media: Iterable[Media]) -> None:
    """The rows of files that are gone."""
    ids = [each.id for each in media]
    await session.execute(delete(Media).where(col(Media.id).in_(ids), col(Media.kept_until).is_not(None)))


async def _hold(session: AsyncSession, media_ids: Sequence[UUID]) -> None:
    """Held by a post, or gone: whoever clears away looks at the same row."""
    rows = await session.execute(
        update(Media)
        .where(col(Media.id).in_(media_ids), queries.is_there())
        .values(kept_until=None)
        .returning(col(Media.id))
        .execution_options(synchronize_session=False)
    )
    if len(rows.all()) < len(media_ids):
        raise NotFound(NOT_THERE)


async def _let_go(session: AsyncSession, media_ids: set[UUID]) -> None:
    carried = select(col(PostMedia.id)).where(col(PostMedia.media_id) == col(Media.id))
    await session.execute(
        update(Media)
        .where(col(Media.id).in_(media_ids), ~carried.exists())
        .values(kept_until=now() + LOOSE_FOR)
        .execution_options(synchronize_session=False)
    )


async def _still_here(session: AsyncSession, media: Media) -> None:
    """Locked, so that no worker takes one of its deliveries between this look and the change."""
    posts = select(col(PostMedia.post_id)).where(col(PostMedia.media_id) == media.id)
    rows = await session.execute(
        select(col(Delivery.state)).where(col(Delivery.post_id).in_(posts)).order_by(col(Delivery.id)).with_for_update()
    )
    if any(state not in NOT_LEFT for state in rows.scalars()):
        raise Conflict(HAS_LEFT)


def _values(patch: MediaPatch) -> dict[str, Any]:
    values: dict[str, Any] = {"alt": patch.alt, "no_alt_reason": patch.no_alt_reason}
    if patch.focus is not None:
        values["focus_x"], values["focus_y"] = point_of(patch.focus)
    return {name: value for name, value in values.items() if value is not None}
