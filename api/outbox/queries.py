"""What is on its way, what went out and how late, what did not and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core import paging
from api.core.gates import the_one
from api.core.paging import Page, paged
from api.models import Delivery, DeliveryState, Message, Viewer
from api.outbox.open import IS_OPEN, IS_TO_MEND


async def deliveries(
    session: AsyncSession,
    viewer: Viewer,
    state: DeliveryState | None = None,
    team_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.PAGE,
) -> Page[Delivery]:
    """Newest due time first."""
    statement = select(Delivery).where(visible(viewer))
    if state is not None:
        statement = statement.where(col(Delivery.state) == state)
    if team_id is not None:
        statement = statement.where(col(Delivery.team_id) == team_id)
    return await paged(session, statement, col(Delivery.due_at), col(Delivery.id), cursor, limit, newest_first=True)


async def get_delivery(session: AsyncSession, viewer: Viewer, delivery_id: UUID) -> Delivery:
    return await the_one(session, select(Delivery).where(col(Delivery.id) == delivery_id, visible(viewer)))


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Deliveries of posts for who sees posts; of replies for who sees that conversation, private ones apart."""
    posts = access.within(viewer, Action.SEE_POSTS, col(Delivery.force_id), col(Delivery.team_id))
    public = access.within(viewer, Action.SEE_PUBLIC, col(Delivery.force_id), col(Delivery.team_id))
    direct = access.within(viewer, Action.SEE_DIRECT, col(Delivery.force_id), col(Delivery.team_id))
    reply, private = col(Delivery.message_id).is_not(None), col(Delivery.visibility).in_(("direct", "followers"))
    return or_(and_(~reply, posts), and_(reply, ~private, public), and_(reply, private, direct))


async def of_post(session: AsyncSession, post_ids: Collection[UUID]) -> Sequence[Delivery]:
    """The caller has passed the gate to the posts."""
    rows = await session.execute(
        select(Delivery).where(col(Delivery.post_id).in_(post_ids)).order_by(col(Delivery.due_at), col(Delivery.id))
    )
    return rows.scalars().all()


async def of_messages(session: AsyncSession, message_ids: Collection[UUID]) -> Sequence[Delivery]:
    """The caller has passed the gate to the conversation."""
    rows = await session.execute(select(Delivery).where(col(Delivery.message_id).in_(message_ids)))
    return rows.scalars().all()


async def due_next(session: AsyncSession, after: datetime) -> datetime | None:
    """When the next delivery beyond that moment is due: how long a sending worker may sleep."""
    rows = await session.execute(
        select(col(Delivery.due_at))
        .where(IS_OPEN, col(Delivery.state) == DeliveryState.QUEUED, col(Delivery.due_at) > after)
        .order_by(col(Delivery.due_at))
        .limit(1)
    )
    moment: datetime | None = rows.scalar_one_or_none()
    return moment


@dataclass(frozen=True, slots=True)
class ToMend:
    """A delivery that somebody has to look at, and where: on its post's page, or in its conversation."""

    delivery: Delivery
    conversation_id: UUID | None


async def to_mend(
    session: AsyncSession, viewer: Viewer, since: datetime, account_id: UUID | None = None, limit: int = paging.PAGE
) -> list[ToMend]:
    """Newest first: what was missed or refused since then, and whatever still needs a person."""
    in_doubt = col(Delivery.state) == DeliveryState.NEEDS_PERSON
    found = (
        select(Delivery, col(Message.conversation_id))
        .outerjoin(Message, col(Message.id) == col(Delivery.message_id))
        .where(IS_TO_MEND, visible(viewer), or_(in_doubt, col(Delivery.due_at) >= since))
        .order_by(col(Delivery.due_at).desc(), col(Delivery.id))
        .limit(limit)
    )
    if account_id is not None:
        found = found.where(col(Delivery.account_id) == account_id)
    return [ToMend(delivery, conversation_id) for delivery, conversation_id in await session.execute(found)]
