"""What can be said already of something that still waits: its account is asked to be patient, and for how long."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.core.local_time import clock_words
from api.models import Account, Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing of an account goes out before then."""

    until: datetime
    why: str


async def waits(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, Wait]:
    """Of the accounts that a gate has let through, those that wait at the moment."""
    rows = await session.execute(
        select(col(Account.id), col(Account.send_after), col(Account.send_after_why)).where(
            col(Account.id).in_(set(account_ids)), col(Account.send_after) > now()
        )
    )
    return {account_id: Wait(until, why) for account_id, until, why in rows if until is not None}


def foreseen(delivery: Delivery, waiting: Mapping[UUID, Wait]) -> str | None:
    """A sentence, while something can still be done about it; None where nothing stands in its way."""
    wait = waiting.get(delivery.account_id)
    if wait is None or delivery.state is not DeliveryState.QUEUED or wait.until <= delivery.due_at:
        return None
    why = wait.why or f"Its account waits until {clock_words(wait.until, now())}."
    if wait.until < delivery.useful_until:
        return why
    until = clock_words(delivery.useful_until, now())
    return f"{why} It is useful until {until}, so it will be missed. Give it more time, or say it another way."
