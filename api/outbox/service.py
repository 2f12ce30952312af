"""The only way out: what is queued here is sent by a worker, once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core import jobs
from api.core.clock import now
from api.core.errors import Conflict, NotFound
from api.core.jobs import Job
from api.core.runtime import settings_of
from api.models import Account, AccountState, Delivery, DeliveryState, Force, Viewer
from api.outbox.claiming import Claim, Settled, claim, expire_leases, miss, release, renew, start, to_read_back
from api.outbox.recording import Recorded, doubt, linked, note_on_accounts, note_sent, record
from api.platforms.values import Visibility

__all__ = [
    "Claim", "Recorded", "Settled", "cancel", "change_text", "claim", "doubt", "expire_leases", "linked", "miss",
    "move", "note_on_accounts", "note_sent", "queue", "record", "release", "renew", "retry", "start", "to_read_back",
    "useful_until",
]  # fmt: skip

SEND = Job("send")
ON_ITS_WAY = "It is already on its way: a few seconds before its time a delivery can no longer be changed."
NOT_AGAIN = {
    DeliveryState.QUEUED: "It has not been tried yet: it goes out by itself.",
    DeliveryState.CLAIMED: "It is just going out.",
    DeliveryState.SENDING: "It is just going out.",
    DeliveryState.SENT: "It is out already.",
    DeliveryState.UNKNOWN: "We are still looking whether it went out. Sending it again now could publish it twice.",
    DeliveryState.HELD: "It is held, and goes out when the hold ends.",
    DeliveryState.CANCELLED: "It was cancelled. Write it again if it should go out.",
}
UNSURE = "Nobody knows whether it went out. Look at the account first; to send it all the same, say even_if_unsure."


async def queue(
    session: AsyncSession,
    viewer: Viewer,
    account: Account,
    text: str,
    due_at: datetime,
    useful_until: datetime | None = None,
    *,
    visibility: Visibility = Visibility.PUBLIC,
    in_reply_to: str | None = None,
    language: str = "en",
    post_id: UUID | None = None,
    schedule_id: UUID | None = None,
    message_id: UUID | None = None,
    team_id: UUID | None = None,
) -> Delivery:
    """One thing for one account. Who may, and what the audit says of it, is the caller's: a post or a reply."""
    if account.force_id != viewer.force_id:
        raise NotFound()
    delivery = Delivery(
        force_id=account.force_id,
        team_id=team_id,
        account_id=account.id,
        post_id=post_id,
        schedule_id=schedule_id,
        message_id=message_id,
        text=text,
        language=language,
        visibility=visibility,
        in_reply_to=in_reply_to,
        due_at=due_at,
        not_before=due_at,
        useful_until=useful_until or await _useful_until(session, account.force_id, due_at),
    )
    session.add(delivery)
    jobs.ask(session, SEND)
    return delivery


async def _useful_until(session: AsyncSession, force_id: UUID, due_at: datetime) -> datetime:
    force = await session.get(Force, force_id)
    hours = force.useful_hours if force and force.useful_hours is not None else settings_of(session).useful_hours
    return due_at + timedelta(hours=hours)


useful_until = _useful_until
"""Until when something due then is still worth sending, where nobody says otherwise."""


async def move(
    session: AsyncSession, deliveries: Sequence[Delivery], due_at: datetime, useful_until: datetime | None = None
) -> None:
    """All of them or none: what a worker already holds stops the move."""
    for delivery in deliveries:
        until = useful_until or await _useful_until(session, delivery.force_id, due_at)
        await _while_queued(session, delivery, due_at=due_at, not_before=due_at, useful_until=until)
    jobs.ask(session, SEND)


async def change_text(session: AsyncSession, viewer: Viewer, delivery: Delivery, text: str) -> None:
    _same_force(viewer, delivery)
    await _while_queued(session, delivery, text=text)


async def cancel(session: AsyncSession, viewer: Viewer, delivery: Delivery) -> None:
    """Either this or the claim of a worker wins; never both."""
    _same_force(viewer, delivery)
    await _while_queued(session, delivery, state=DeliveryState.CANCELLED)
    audit.record(session, viewer, "deliveries.cancel", "delivery", delivery.id)


async def retry(session: AsyncSession, viewer: Viewer, delivery: Delivery, *, even_if_unsure: bool = False) -> Delivery:
    """Sends again what surely is not out. What may be out needs a person who says so, and the audit keeps it."""
    access.require(viewer, Action.REPLY if delivery.message_id else Action.PUBLISH, delivery.team_id)
    was = delivery.state
    if was in NOT_AGAIN:
        raise Conflict(NOT_AGAIN[was])
    if was is DeliveryState.NEEDS_PERSON and not even_if_unsure:
        raise Conflict(UNSURE)
    await _account_can_send(session, delivery.account_id)
    moment = now()
    await _change(
        session, delivery, was, state=DeliveryState.QUEUED, due_at=moment, not_before=moment,
        useful_until=await _useful_until(session, delivery.force_id, moment),
        attempts=0, read_backs=0, empty_lists=0, error=None, sent_at=None, lateness_ms=None,
    )  # fmt: skip
    audit.record(session, viewer, "deliveries.retry", "delivery", delivery.id, was=was, even_if_unsure=even_if_unsure)
    jobs.ask(session, SEND)
    return delivery


async def _account_can_send(session: AsyncSession, account_id: UUID) -> None:
    account = await session.get(Account, account_id)
    if account is None or account.state is not AccountState.ACTIVE:
        raise Conflict("Its account is not connected. Connect the account again, then retry.")


async def _while_queued(session: AsyncSession, delivery: Delivery, **values: Any) -> None:
    await _change(session, delivery, DeliveryState.QUEUED, **values)


async def _change(session: AsyncSession, delivery: Delivery, was: DeliveryState, **values: Any) -> None:
    """Only while it still is what we read: a worker may have taken it meanwhile."""
    await session.flush()
    rows = await session.execute(
        update(Delivery)
        .where(col(Delivery.id) == delivery.id, col(Delivery.state) == was)
        .values(version=col(Delivery.version) + 1, updated_at=now(), **values)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    )
    if rows.scalar_one_or_none() is None:
        raise Conflict(ON_ITS_WAY)
    await session.refresh(delivery)


def _same_force(viewer: Viewer, delivery: Delivery) -> None:
    if delivery.force_id != viewer.force_id:
        raise NotFound()
