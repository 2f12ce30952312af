"""Stopping a post: what still waits is stopped, what has left is named. Nothing is pretended."""

from collections.abc import Set as AbstractSet
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict
from api.models import Delivery, DeliveryState, Post, PostState, Schedule, ScheduleState, Viewer
from api.outbox import queries as waiting
from api.outbox import service as outbox
from api.posts import queries, service
from api.posts.settling import WAITING, settle
from api.posts.values import Cancelled


async def cancel(session: AsyncSession, viewer: Viewer, post_id: UUID) -> Cancelled:
    """A draft is put aside; cancelling what is cancelled changes nothing."""
    post = await queries.get_post(session, viewer, post_id)
    access.require(viewer, Action.DRAFT, post.team_id)
    if post.state is PostState.CANCELLED:
        return Cancelled(post, (), (), "It was cancelled already. Nothing went out.")
    if post.state is PostState.DRAFT:
        await service.write(session, post, state=PostState.CANCELLED)
        audit.record(session, viewer, "posts.cancel", "post", post.id)
        return Cancelled(post, (), (), "The draft was put aside. Nothing went out.")
    service.require_publish(viewer, post.team_id)
    return await _stop(session, viewer, post)


async def _stop(session: AsyncSession, viewer: Viewer, post: Post) -> Cancelled:
    # An account stands in both where a thread was stopped after its first parts.
    stopped: dict[UUID, None] = {}
    gone: dict[UUID, None] = {}
    for delivery in await waiting.of_post(session, [post.id]):
        if await _was_stopped(session, viewer, delivery):
            stopped[delivery.account_id] = None
        elif delivery.state not in (DeliveryState.CANCELLED, DeliveryState.REFUSED, DeliveryState.MISSED):
            gone[delivery.account_id] = None
    if not stopped:
        names = ", ".join(await queries.handles(session, gone))
        raise Conflict(
            f"Too late: it has left for {names}." if gone else "Nothing of it is waiting to go out any more.",
            gone=[str(account_id) for account_id in gone],
        )
    await _end_schedule(session, post)
    await service.write(session, post)
    await settle(session, [post.id])
    audit.record(session, viewer, "posts.cancel", "post", post.id, stopped=len(stopped), gone=len(gone))
    return Cancelled(post, list(stopped), list(gone), await _in_words(session, set(stopped), set(gone)))


async def _was_stopped(session: AsyncSession, viewer: Viewer, delivery: Delivery) -> bool:
    """A worker may have taken it between our look and our stop: the outbox decides."""
    if delivery.state not in WAITING:
        return False
    try:
        await outbox.cancel(session, viewer, delivery)
    except Conflict:
        return False
    return True


async def _end_schedule(session: AsyncSession, post: Post) -> None:
    await session.execute(
        update(Schedule)
        .where(col(Schedule.post_id) == post.id, col(Schedule.state) == ScheduleState.ACTIVE)
        .values(state=ScheduleState.CANCELLED, version=col(Schedule.version) + 1, updated_at=now())
        .execution_options(synchronize_session=False)
    )


async def _in_words(session: AsyncSession, stopped: AbstractSet[UUID], gone: AbstractSet[UUID]) -> str:
    said = (
        ("Stopped for {}.", stopped - gone),
        ("For {} the rest of the thread was stopped; its beginning has left.", stopped & gone),
        ("Too late for {}: it has left for there.", gone - stopped),
    )
    return " ".join(
        [words.format(", ".join(await queries.handles(session, accounts))) for words, accounts in said if accounts]
    )
