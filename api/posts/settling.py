"""A post's state follows from its deliveries, and a schedule is done when nothing of it waits any more."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.models import Delivery, DeliveryState, Destination, Post, PostState, Schedule, ScheduleState
from api.posts import taking_down

UNDER_WAY = (DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN)
WAITING = (DeliveryState.QUEUED, DeliveryState.HELD)
NOT_SENT = (DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.NEEDS_PERSON)


async def settle(session: AsyncSession, post_ids: Iterable[UUID]) -> None:
    """Settling twice changes nothing. Call it after the deliveries were changed, in the same transaction."""
    ids = sorted(set(post_ids))
    if not ids:
        return
    # Locked first and in one order: two workers recording two accounts of one post must see each other's rows.
    await session.flush()
    locked = await session.execute(
        select(col(Post.id), col(Post.withdrawn_at))
        .where(col(Post.id).in_(ids))
        .order_by(col(Post.id))
        .with_for_update()
    )
    # What landed although it was to be taken down goes as well, before its state is told.
    await taking_down.late(session, [post_id for post_id, withdrawn_at in locked.tuples() if withdrawn_at])
    await session.execute(
        update(Post)
        .where(col(Post.id).in_(ids), exists().where(col(Delivery.post_id) == col(Post.id)))
        .values(state=_state())
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Schedule)
        .where(col(Schedule.post_id).in_(ids), col(Schedule.state) == ScheduleState.ACTIVE, ~_still_open())
        .values(state=ScheduleState.DONE)
        .execution_options(synchronize_session=False)
    )
    await _read_again(session, set(ids))


async def _read_again(session: AsyncSession, ids: set[UUID]) -> None:
    """What is already loaded of them shows the new state."""
    held = list(session.identity_map.values())
    for row in held:
        if (isinstance(row, Post) and row.id in ids) or (isinstance(row, Schedule) and row.post_id in ids):
            await session.refresh(row, ["state"])


def _state() -> Any:
    under_way, sent, not_sent = map(_how_many, (UNDER_WAY, (DeliveryState.SENT,), NOT_SENT))
    waiting = func.sum(case((_waits(), 1), else_=0))
    tried = func.sum(case((and_(_waits(), col(Delivery.attempts) > 0), 1), else_=0))
    # Parts leave in order: an account has all of it once the last one is out.
    last = and_(col(Delivery.state) == DeliveryState.SENT, col(Delivery.part) == col(Delivery.parts))
    served = func.sum(case((last, 1), else_=0))
    gone = func.sum(
        case((and_(col(Delivery.state) == DeliveryState.SENT, col(Delivery.gone_at).is_not(None)), 1), else_=0)
    )
    doubtful = _how_many((DeliveryState.NEEDS_PERSON,))
    accounts = select(func.count()).where(col(Destination.post_id) == col(Post.id)).correlate(Post).scalar_subquery()
    return (
        select(
            case(
                (under_way + tried > 0, PostState.SENDING.value),
                (and_(waiting > 0, sent + not_sent > 0), PostState.SENDING.value),
                (waiting > 0, PostState.SCHEDULED.value),
                (and_(sent > 0, gone == sent, doubtful == 0), PostState.WITHDRAWN.value),
                (and_(sent > 0, served < accounts), PostState.PARTLY_SENT.value),
                (sent > 0, PostState.SENT.value),
                (not_sent > 0, PostState.FAILED.value),
                else_=PostState.CANCELLED.value,
            )
        )
        .where(col(Delivery.post_id) == col(Post.id))
        .correlate(Post)
        .scalar_subquery()
    )


def _how_many(states: tuple[DeliveryState, ...]) -> Any:
    return func.sum(case((col(Delivery.state).in_(states), 1), else_=0))


def _waits() -> Any:
    """By itself: a part that is held waits for somebody to mend the one before it."""
    held_part = and_(col(Delivery.state) == DeliveryState.HELD, col(Delivery.parent_id).is_not(None))
    return and_(col(Delivery.state).in_(WAITING), ~held_part)


def _still_open() -> Any:
    return exists().where(
        col(Delivery.schedule_id) == col(Schedule.id), or_(col(Delivery.state).in_(UNDER_WAY), _waits())
    )
