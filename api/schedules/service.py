"""When a post goes out: set, moved, stopped. The post itself changes with it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import Conflict, Stale
from api.models import Schedule, ScheduleState, Viewer
from api.posts import queries as posts
from api.posts import service as publishing
from api.posts.cancelling import cancel as cancel_post
from api.posts.changing import move as move_post
from api.schedules import queries
from api.schedules.schemas import ScheduleIn, SchedulePatch


async def create(session: AsyncSession, viewer: Viewer, data: ScheduleIn) -> Schedule:
    """A post has one schedule at a time."""
    post = await posts.get_post(session, viewer, data.post_id)
    return await publishing.publish(session, viewer, post, data.publish_at, data.useful_until)


async def move(
    session: AsyncSession, viewer: Viewer, schedule_id: UUID, patch: SchedulePatch, version: int | None
) -> Schedule:
    """Until the first of its deliveries is taken by a worker; all of them or none."""
    schedule = await queries.get_schedule(session, viewer, schedule_id)
    publishing.require_publish(viewer, schedule.team_id)
    if version is not None and version != schedule.version:
        raise Stale
    _still_active(schedule)
    post = await posts.get_post(session, viewer, schedule.post_id)
    await move_post(session, viewer, post, schedule, patch.publish_at, patch.useful_until)
    return schedule


async def cancel(session: AsyncSession, viewer: Viewer, schedule_id: UUID) -> Schedule:
    """Stops what still waits. Cancelling what is cancelled changes nothing; 409 when all of it had left."""
    schedule = await queries.get_schedule(session, viewer, schedule_id)
    publishing.require_publish(viewer, schedule.team_id)
    if schedule.state is not ScheduleState.CANCELLED:
        _still_active(schedule)
        await cancel_post(session, viewer, schedule.post_id)
        await session.refresh(schedule)
    return schedule


def _still_active(schedule: Schedule) -> None:
    if schedule.state is not ScheduleState.ACTIVE:
        raise Conflict("It is over: it went out, or it was stopped.", state=schedule.state)
