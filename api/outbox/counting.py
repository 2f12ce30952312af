"""How many deliveries are in trouble in the whole installation: numbers for gauges, never for a person's page."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.models import Account, Delivery, DeliveryState
from api.outbox.forecast import BY_STATE
from api.outbox.open import IS_OPEN, IS_TO_MEND

LATELY = timedelta(days=7)


async def to_mend(session: AsyncSession, at: datetime) -> Mapping[DeliveryState, int]:
    rows = await session.execute(
        select(col(Delivery.state), func.count())
        .where(IS_TO_MEND, col(Delivery.due_at) >= at - LATELY)
        .group_by(col(Delivery.state))
    )
    return {DeliveryState(state): number for state, number in rows}


async def in_doubt(session: AsyncSession) -> int:
    unknown = and_(IS_OPEN, col(Delivery.state) == DeliveryState.UNKNOWN)
    number: int = (await session.execute(select(func.count()).select_from(Delivery).where(unknown))).scalar_one()
    return number


async def will_fail(session: AsyncSession) -> int:
    lost = col(Account.state).in_(list(BY_STATE))
    ends = and_(col(Account.token_renew_at).is_(None), col(Delivery.due_at) >= col(Account.token_expires_at))
    planned = (
        select(func.count())
        .select_from(Delivery)
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .where(
            IS_OPEN,
            col(Delivery.state) == DeliveryState.QUEUED,
            or_(lost, ends),
        )
    )
    number: int = (await session.execute(planned)).scalar_one()
    return number
