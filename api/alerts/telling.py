"""Who is told of an alert, and the messages that tell them: rows, each delivered by a worker until it has arrived."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.alerts.watching import Turn
from api.core.settings import Settings
from api.models import (
    Account,
    Alert,
    AlertKind,
    AlertMessage,
    Membership,
    MessageChannel,
    MessageEvent,
    MessageState,
    Person,
    Role,
    Webhook,
)

_RUNS = frozenset({Role.SUPERVISOR, Role.COMMS, Role.ADMIN})
_WRITES = frozenset({Role.TEAM_MEMBER, Role.SUPERVISOR, Role.COMMS})
TOLD: dict[AlertKind, frozenset[Role]] = {
    AlertKind.NEEDS_RECONNECT: _RUNS,
    AlertKind.SUSPENDED: _RUNS,
    AlertKind.PERMISSION_ENDS: _RUNS,
    AlertKind.FEED_STOPPED: _RUNS | {Role.CONTACT_DESK},
    AlertKind.NEEDS_PERSON: _WRITES,
    AlertKind.REFUSED: _WRITES,
    AlertKind.MISSED: _WRITES,
}
"""Roles in the account's team, or in the whole force."""
FORCES_OWN = frozenset({Role.CONTACT_DESK, Role.ADMIN})
"""Told of everything about the force's own accounts, besides: no team looks after these."""


async def tell(session: AsyncSession, settings: Settings, turn: Turn, at: datetime) -> None:
    """Everybody gets one e-mail for all that happened at once; each webhook gets each of them."""
    if settings.smtp_url:
        await _mail(session, turn.opened, at)
    await _call(session, turn.opened, MessageEvent.OPENED, at)
    await _call(session, turn.resolved, MessageEvent.RESOLVED, at)


async def _mail(session: AsyncSession, alerts: Sequence[Alert], at: datetime) -> None:
    told: defaultdict[UUID, list[str]] = defaultdict(list)
    force_of: dict[UUID, UUID] = {}
    for alert in alerts:
        for person in await recipients(session, alert):
            told[person.id].append(str(alert.id))
            force_of[person.id] = person.force_id
    waiting = await _not_begun(session, told)
    for person_id, alert_ids in told.items():
        if person_id in waiting:
            letter = waiting[person_id]
            letter.alert_ids = list(dict.fromkeys([*letter.alert_ids, *alert_ids]))
        else:
            session.add(_message(MessageChannel.MAIL, force_of[person_id], alert_ids, at, person_id=person_id))


async def recipients(session: AsyncSession, alert: Alert) -> list[Person]:
    """By role, and whoever answers for the account; never who turned it off."""
    account = await session.get_one(Account, alert.account_id)
    here = or_(col(Membership.team_id).is_(None), col(Membership.team_id) == alert.team_id)
    roles = TOLD[alert.kind] | (FORCES_OWN if alert.team_id is None else frozenset())
    by_role = and_(here, col(Membership.role).in_(roles))
    rows = await session.execute(
        select(Person)
        .where(
            col(Person.force_id) == alert.force_id,
            col(Person.active),
            or_(
                col(Person.id) == account.owner_id,
                col(Person.id).in_(select(col(Membership.person_id)).where(by_role)),
            ),
        )
        .order_by(col(Person.id))
    )
    return [person for person in rows.scalars() if alert.kind not in (person.no_mail or ())]


async def _not_begun(session: AsyncSession, people: Collection[UUID]) -> dict[UUID, AlertMessage]:
    """E-mails that nobody has tried to deliver yet: what happens meanwhile goes into the same."""
    rows = await session.execute(
        select(AlertMessage)
        .where(
            col(AlertMessage.person_id).in_(people),
            col(AlertMessage.state) == MessageState.WAITING,
            col(AlertMessage.event) == MessageEvent.OPENED,
            col(AlertMessage.tries) == 0,
            col(AlertMessage.lease_until).is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    return {letter.person_id: letter for letter in rows.scalars() if letter.person_id}


async def _call(session: AsyncSession, alerts: Iterable[Alert], event: MessageEvent, at: datetime) -> None:
    for alert in alerts:
        rows = await session.execute(
            select(col(Webhook.id)).where(col(Webhook.force_id) == alert.force_id, col(Webhook.ended_at).is_(None))
        )
        for webhook_id in rows.scalars():
            alert_ids = [str(alert.id)]
            session.add(_message(MessageChannel.WEBHOOK, alert.force_id, alert_ids, at, event, webhook_id=webhook_id))


def _message(
    channel: MessageChannel,
    force_id: UUID,
    alert_ids: list[str],
    at: datetime,
    event: MessageEvent = MessageEvent.OPENED,
    **to: UUID,
) -> AlertMessage:
    return AlertMessage(
        channel=channel, force_id=force_id, alert_ids=alert_ids, event=event, next_try_at=at,
        person_id=to.get("person_id"), webhook_id=to.get("webhook_id"),
    )  # fmt: skip
