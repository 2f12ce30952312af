"""Messages on their way: claimed by one worker for a while, tried again with a growing wait, given up after days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.accounts import secrets
from api.alerts import queries
from api.core.sealing import Sealed
from api.models import (
    Account,
    Alert,
    AlertMessage,
    MessageEvent,
    MessageState,
    Person,
    SecretKind,
    Webhook,
)

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
GIVES_UP_AFTER = timedelta(days=3)
_WAITS = text("alert_messages.state = 'waiting'")
NOBODY = "There is nobody to tell any more."
GIVEN_UP = "Given up after three days. The last answer: "


@dataclass(frozen=True, slots=True)
class Letter:
    """What an e-mail is made of."""

    id: UUID
    email: str
    name: str
    alerts: Sequence[tuple[Alert, Account]]


@dataclass(frozen=True, slots=True)
class Call:
    """What a call to a webhook is made of."""

    id: UUID
    event: MessageEvent
    url: str
    sealed: Sealed
    alert: Alert | None


async def claim(session: AsyncSession, at: datetime, lease: timedelta, limit: int) -> list[AlertMessage]:
    """Due messages, for this worker alone until the lease runs out."""
    free = or_(col(AlertMessage.lease_until).is_(None), col(AlertMessage.lease_until) <= at)
    chosen = (
        select(col(AlertMessage.id))
        .where(_WAITS, col(AlertMessage.next_try_at) <= at, free)
        .order_by(col(AlertMessage.next_try_at), col(AlertMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        update(AlertMessage)
        .where(col(AlertMessage.id).in_(ids), free)
        .values(lease_until=at + lease, tries=col(AlertMessage.tries) + 1)
        .returning(AlertMessage)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(rows.scalars())


async def letter(session: AsyncSession, message: AlertMessage) -> Letter | None:
    """None: there is nobody to tell any more."""
    person = await session.get(Person, message.person_id) if message.person_id else None
    if person is None or not person.active:
        return None
    alerts = await _alerts(session, message)
    accounts = await queries.accounts_of(session, alerts)
    return Letter(message.id, person.email, person.name, [(alert, accounts[alert.account_id]) for alert in alerts])


async def call(session: AsyncSession, message: AlertMessage) -> Call | None:
    hook = await session.get(Webhook, message.webhook_id) if message.webhook_id else None
    if hook is None or hook.ended_at is not None:
        return None
    secret = await secrets.get(session, hook.id, SecretKind.WEBHOOK)
    if secret is None:
        return None
    alerts = await _alerts(session, message)
    return Call(message.id, message.event, hook.url, Sealed(secret.key_id, secret.box), alerts[0] if alerts else None)


async def arrived(session: AsyncSession, message: AlertMessage, at: datetime) -> None:
    await _end(session, message, MessageState.SENT, sent_at=at, error="")


async def refused(session: AsyncSession, message: AlertMessage, sentence: str) -> None:
    """A clear no that trying again will not change."""
    await _end(session, message, MessageState.FAILED, error=sentence)


async def later(session: AsyncSession, message: AlertMessage, sentence: str, at: datetime) -> None:
    """It did not get through: again after a wait that doubles, and after three days no more."""
    if at - message.created_at > GIVES_UP_AFTER:
        await refused(session, message, GIVEN_UP + sentence)
        return
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(message.tries - 1, 12))
    await _end(session, message, MessageState.WAITING, error=sentence, next_try_at=at + wait)


async def waiting(session: AsyncSession) -> int:
    """How many are not delivered yet."""
    undelivered = select(func.count()).select_from(AlertMessage).where(_WAITS)
    number: int = (await session.execute(undelivered)).scalar_one()
    return number


async def _alerts(session: AsyncSession, message: AlertMessage) -> Sequence[Alert]:
    rows = await session.execute(
        select(Alert)
        .where(col(Alert.id).in_([UUID(each) for each in message.alert_ids]))
        .order_by(col(Alert.created_at), col(Alert.id))
    )
    return rows.scalars().all()


async def _end(session: AsyncSession, message: AlertMessage, state: MessageState, **values: Any) -> None:
    """Only by who holds the lease: whoever took it over records for themselves."""
    await session.execute(
        update(AlertMessage)
        .where(
            col(AlertMessage.id) == message.id,
            col(AlertMessage.state) == MessageState.WAITING,
            col(AlertMessage.lease_until) == message.lease_until,
        )
        .values(state=state, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
