"""What is wrong at this moment, read from the rows as they are: nothing has to be reported to be noticed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.settings import Settings
from api.models import Account, AccountState, AlertKind, Delivery, DeliveryState
from api.outbox.open import IS_TO_MEND

STATES = {
    AccountState.NEEDS_RECONNECT: AlertKind.NEEDS_RECONNECT,
    AccountState.SUSPENDED: AlertKind.SUSPENDED,
}
ENDS = {
    DeliveryState.NEEDS_PERSON: AlertKind.NEEDS_PERSON,
    DeliveryState.REFUSED: AlertKind.REFUSED,
    DeliveryState.MISSED: AlertKind.MISSED,
}
STAYS = timedelta(days=7)
"""What was missed or refused is told of for so long; then it is history."""
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Cause:
    account_id: UUID
    force_id: UUID
    team_id: UUID | None
    kind: AlertKind
    number: int = 1
    about: tuple[str, ...] = ()
    at: datetime | None = None

    @property
    def key(self) -> tuple[UUID, AlertKind]:
        return self.account_id, self.kind


async def causes(session: AsyncSession, settings: Settings, at: datetime) -> list[Cause]:
    in_use = select(Account).where(col(Account.state) != AccountState.DISCONNECTED)
    accounts = (await session.execute(in_use)).scalars()
    found = [cause for account in accounts for cause in of_account(account, settings, at)]
    return found + await _of_deliveries(session, at)


def of_account(account: Account, settings: Settings, at: datetime) -> Iterator[Cause]:
    """Pure: the row, the rules and the time say all of it."""

    def cause(kind: AlertKind, since: datetime | None) -> Cause:
        return Cause(account.id, account.force_id, account.team_id, kind, at=since)

    if account.state in STATES:
        yield cause(STATES[account.state], None)
    if account.state is not AccountState.ACTIVE:
        return
    read = account.last_poll_at or account.created_at
    if at - read > timedelta(seconds=settings.alert_feed_after):
        yield cause(AlertKind.FEED_STOPPED, read)
    ends = account.ends_at
    if ends is not None and ends - at < timedelta(days=settings.alert_days_before):
        yield cause(AlertKind.PERMISSION_ENDS, ends)


async def _of_deliveries(session: AsyncSession, at: datetime) -> list[Cause]:
    """Through an index that holds only these; of an outage with thousands, the newest few of each account."""
    alike: Any = (col(Delivery.account_id), col(Delivery.state))
    order = (col(Delivery.due_at).desc(), col(Delivery.id))
    one = (
        select(
            col(Delivery.id), col(Delivery.state), col(Delivery.due_at), col(Delivery.account_id),
            func.count().over(partition_by=alike).label("number"),
            func.row_number().over(partition_by=alike, order_by=order).label("place"),
        )
        .where(
            IS_TO_MEND,
            (col(Delivery.state) == DeliveryState.NEEDS_PERSON) | (col(Delivery.due_at) >= at - STAYS),
        )
        .subquery()
    )  # fmt: skip
    rows = await session.execute(
        select(one, col(Account.force_id), col(Account.team_id))
        .join(Account, col(Account.id) == one.c.account_id)
        .where(one.c.place <= MOST_NAMED)
        .order_by(one.c.place)
    )
    groups: defaultdict[tuple[UUID, AlertKind], list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.account_id, ENDS[DeliveryState(row.state)]].append(row)
    return [_together(account_id, kind, some) for (account_id, kind), some in groups.items()]


def _together(account_id: UUID, kind: AlertKind, rows: Sequence[Any]) -> Cause:
    newest = rows[0]
    about = tuple(str(row.id) for row in rows)
    return Cause(account_id, newest.force_id, newest.team_id, kind, newest.number, about, newest.due_at)
