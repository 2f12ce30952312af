"""The parts of a thread: each waits for the one before it, answers it, and goes nowhere without it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from api.models import Delivery, DeliveryState
from api.outbox.recording import Recorded

BEFORE_IT = "It follows part {part}, which is not out yet. Send that one again, and the rest goes out after it."
STOPS = {
    DeliveryState.REFUSED: (DeliveryState.HELD, "Waits for part {part}, which was refused."),
    DeliveryState.NEEDS_PERSON: (DeliveryState.HELD, "Waits for part {part}: nobody knows whether that is out."),
    DeliveryState.MISSED: (DeliveryState.MISSED, "Part {part} was missed, so this was not sent either."),
}
"""What became of a part → what becomes of all that come after it, and why."""
_DELIVERIES = Delivery.__table__  # type: ignore[attr-defined]
_HELD = _DELIVERIES.c.state == DeliveryState.HELD
# The next one learns what it answers, whatever state it is in; that alone makes it due.
_LET_GO = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.parent_id == bindparam("of"), _DELIVERIES.c.in_reply_to.is_(None))
    .values(
        in_reply_to=bindparam("answers"),
        state=case((_HELD, DeliveryState.QUEUED.value), else_=_DELIVERIES.c.state),
        error=case((_HELD, None), else_=_DELIVERIES.c.error),
        version=_DELIVERIES.c.version + 1,
    )
)
STOPPED = (DeliveryState.HELD, DeliveryState.MISSED, DeliveryState.QUEUED)


async def follow(session: AsyncSession, recorded: Iterable[Recorded]) -> None:
    """In the transaction that records a part. Costs nothing for what is no thread, and nothing twice."""
    parts = [each for each in recorded if each.part < each.parts]
    sent = [each for each in parts if each.state is DeliveryState.SENT]
    if sent:
        connection = await session.connection()
        await connection.execute(_LET_GO, [{"of": each.delivery_id, "answers": each.remote_id} for each in sent])
    for each in parts:
        if each.state in STOPS:
            await _stop(session, each)


async def follow_again(session: AsyncSession, part: Delivery, **times: datetime) -> None:
    """It is tried again: what did not go out because of it goes out after it. What was cancelled stays so."""
    if part.part < part.parts:
        await _change(
            session, and_(_after(part.id), col(Delivery.state).in_(STOPPED)), state=DeliveryState.QUEUED,
            error=None, **times,
        )  # fmt: skip


async def _stop(session: AsyncSession, part: Recorded) -> None:
    state, sentence = STOPS[part.state]
    # In doubt without knowing what it answers: taken from a copy. Its parent is not out, so neither is this.
    never_left = and_(col(Delivery.state) == DeliveryState.UNKNOWN, col(Delivery.in_reply_to).is_(None))
    waiting = or_(col(Delivery.state) == DeliveryState.QUEUED, never_left)
    await _change(
        session, and_(_after(part.delivery_id), waiting), state=state, error=sentence.format(part=part.part),
        claimed_by=None, lease_until=None,
    )  # fmt: skip


def _after(delivery_id: UUID) -> Any:
    """All parts that come after it, however far."""
    later = select(col(Delivery.id)).where(col(Delivery.parent_id) == delivery_id).cte("later", recursive=True)
    part = aliased(Delivery, name="part")
    later = later.union_all(select(col(part.id)).join(later, col(part.parent_id) == later.c.id))
    return col(Delivery.id).in_(select(later.c.id))


async def _change(session: AsyncSession, which: Any, **values: Any) -> None:
    await session.execute(
        update(Delivery)
        .where(which)
        .values(version=col(Delivery.version) + 1, **values)
        .execution_options(synchronize_session=False)
    )
