"""What is planned and will not go out, because its account can no longer send by then."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.models import Account, AccountState, Delivery, DeliveryState, Viewer
from api.outbox.open import IS_OPEN
from api.outbox.queries import visible


class WhyNot(StrEnum):
    ENDS = "permission_ends"
    LOST = "needs_reconnect"
    SUSPENDED = "suspended"
    OFF = "disconnected"


BY_STATE = {
    AccountState.NEEDS_RECONNECT: WhyNot.LOST,
    AccountState.SUSPENDED: WhyNot.SUSPENDED,
    AccountState.DISCONNECTED: WhyNot.OFF,
}


@dataclass(frozen=True, slots=True)
class Shortfall:
    """`number` planned deliveries of one account that will not go out, the first of them at `first_at`."""

    account_id: UUID
    why: WhyNot
    ends_at: datetime | None
    number: int
    first_at: datetime


def why_not(state: AccountState, ends_at: datetime | None, due_at: datetime) -> WhyNot | None:
    """Why something due then will not go out, as far as it can be known now; None: nothing speaks against it."""
    if state in BY_STATE:
        return BY_STATE[state]
    return WhyNot.ENDS if ends_at is not None and due_at >= ends_at else None


async def forecast(session: AsyncSession, viewer: Viewer, account_id: UUID | None = None) -> list[Shortfall]:
    """Of what the viewer may see, the account whose first failure comes soonest first."""
    lost = col(Account.state).in_(list(BY_STATE))
    ends = and_(col(Account.token_expires_at).is_not(None), col(Account.token_renew_at).is_(None))
    too_late = and_(ends, col(Delivery.due_at) >= col(Account.token_expires_at))
    first = func.min(col(Delivery.due_at))
    found = (
        select(col(Account.id), col(Account.state), col(Account.token_expires_at), func.count(), first)
        .join(Delivery, col(Delivery.account_id) == col(Account.id))
        .where(IS_OPEN, col(Delivery.state) == DeliveryState.QUEUED, or_(lost, too_late), visible(viewer))
        .group_by(col(Account.id), col(Account.state), col(Account.token_expires_at))
        .order_by(first, col(Account.id))
    )
    if account_id is not None:
        found = found.where(col(Account.id) == account_id)
    return [
        Shortfall(account, why, ends_at, number, first_at)
        for account, state, ends_at, number, first_at in await session.execute(found)
        if (why := why_not(AccountState(state), ends_at, first_at)) is not None
    ]
