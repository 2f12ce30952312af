"""Taking deliveries down, one by one: stopped while they wait, asked back once they are out, remembered in between."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.errors import Conflict
from api.models import Delivery, DeliveryState, ErrandKind, Viewer
from api.outbox import errands
from api.outbox import service as outbox

WAITING = (DeliveryState.QUEUED, DeliveryState.HELD)
LANDED = (*WAITING, DeliveryState.SENT)


async def down(session: AsyncSession, by: Viewer | None, deliveries: Iterable[Delivery]) -> None:
    """In one order, as others lock them. What is on its way is caught when it lands."""
    for delivery in sorted(deliveries, key=lambda each: each.id):
        if delivery.state in WAITING:
            try:
                await outbox.stop(session, by, delivery)
            except Conflict:
                await session.refresh(delivery)  # a worker has just taken it
        await errands.ask_withdraw(session, by, delivery)


async def late(session: AsyncSession, post_ids: Collection[UUID]) -> None:
    """Of posts that were to be taken down: what went out all the same, and what would go out again."""
    if not post_ids:
        return
    rows = await session.execute(
        select(Delivery).where(
            col(Delivery.post_id).in_(post_ids), col(Delivery.state).in_(LANDED), col(Delivery.gone_at).is_(None)
        )
    )
    found = list(rows.scalars())
    known = await errands.latest(session, [each.id for each in found], [ErrandKind.WITHDRAW])
    await down(session, None, [each for each in found if each.id not in known])
