"""The only way out: what is queued here is sent by a worker, once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, null, update
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
from api.models import Account, AccountState, Delivery, DeliveryKind, DeliveryState, Force, Post, Viewer
from api.outbox.claiming import Claim, Settled, claim, expire_leases, miss, release, renew, start, to_read_back
from api.outbox.parts import BEFORE_IT, follow, follow_again
from api.outbox.recording import Recorded, doubt, linked, note_on_accounts, note_sent, record
from api.platforms.values import Card, Visibility

__all__ = [
    "Claim", "Recorded", "Settled", "cancel", "change_media", "change_unsent", "change_words", "claim", "doubt",
    "expire_leases", "follow", "keep_card", "linked", "miss", "move", "note_on_accounts", "note_sent", "queue",
    "queue_parts", "record", "release", "renew", "retry", "start", "stop", "to_read_back", "useful_until",
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
FIRST_PART_ONLY = frozenset({"in_reply_to", "media_ids", "shares"})
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
    content_warning: str = "",
    post_id: UUID | None = None,
    schedule_id: UUID | None = None,
    message_id: UUID | None = None,
    team_id: UUID | None = None,
    before: Delivery | None = None,
    parts: int = 1,
    shares: str | None = None,
    media_ids: Sequence[UUID] = (),
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
        content_warning=content_warning,
        in_reply_to=in_reply_to,
        parent_id=before.id if before else None,
        part=before.part + 1 if before else 1,
        parts=parts,
        kind=DeliveryKind.REPOST if shares else DeliveryKind.POST,
        shares=shares,
        media_ids=_listed(media_ids),
        due_at=due_at,
        not_before=due_at,
        useful_until=useful_until or await _useful_until(session, account.force_id, due_at),
    )
    session.add(delivery)
    jobs.ask(session, SEND)
    return delivery


async def queue_parts(
    session: AsyncSession,
    viewer: Viewer,
    account: Account,
    texts: Sequence[str],
    due_at: datetime,
    useful_until: datetime | None = None,
    **more: Any,
) -> list[Delivery]:
    """A thread: the first as `queue` would, each further one once the one before it is out. One text is no thread."""
    queued: list[Delivery] = []
    for text in texts:
        shared = {name: value for name, value in more.items() if not queued or name not in FIRST_PART_ONLY}
        before = queued[-1] if queued else None
        queued.append(
            await queue(session, viewer, account, text, due_at, useful_until, **shared, before=before, parts=len(texts))
        )
    return queued


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


async def change_words(session: AsyncSession, viewer: Viewer, delivery: Delivery, **words: Any) -> None:
    """Its text, warning, visibility or language; what stays the same is not written."""
    _same_force(viewer, delivery)
    changed = {name: value for name, value in words.items() if getattr(delivery, name) != value}
    if "text" in changed:
        changed["card"] = null()  # it may lead somewhere else now
    if changed:
        await _while_queued(session, delivery, **changed)


async def change_unsent(
    session: AsyncSession, viewer: Viewer, delivery: Delivery, text: str, content_warning: str
) -> None:
    """Of one that did not go out, and would say this if somebody sent it again."""
    _same_force(viewer, delivery)
    await _change(session, delivery, delivery.state, text=text, content_warning=content_warning)


async def change_media(session: AsyncSession, viewer: Viewer, delivery: Delivery, media_ids: Sequence[UUID]) -> None:
    _same_force(viewer, delivery)
    await _while_queued(session, delivery, media_ids=_listed(media_ids))


def _listed(media_ids: Sequence[UUID]) -> list[str] | None:
    return [str(each) for each in media_ids] or None


async def cancel(session: AsyncSession, viewer: Viewer, delivery: Delivery) -> None:
    """Either this or the claim of a worker wins; never both."""
    _same_force(viewer, delivery)
    await stop(session, viewer, delivery)


async def stop(session: AsyncSession, by: Viewer | None, delivery: Delivery) -> None:
    """The same; None: by the software, because what it is about was taken down."""
    # What is held does not move by itself, so that it can be stopped as well.
    was = DeliveryState.HELD if delivery.state is DeliveryState.HELD else DeliveryState.QUEUED
    await _change(session, delivery, was, state=DeliveryState.CANCELLED)
    audit.record(session, by, "deliveries.cancel", "delivery", delivery.id, delivery.force_id)


async def retry(session: AsyncSession, viewer: Viewer, delivery: Delivery, *, even_if_unsure: bool = False) -> Delivery:
    """Sends again what surely is not out. What may be out needs a person who says so, and the audit keeps it."""
    access.require(viewer, Action.REPLY if delivery.message_id else Action.PUBLISH, delivery.team_id)
    was = delivery.state
    if was in NOT_AGAIN:
        raise Conflict(NOT_AGAIN[was])
    if was is DeliveryState.NEEDS_PERSON and not even_if_unsure:
        raise Conflict(UNSURE)
    if delivery.parent_id is not None and delivery.in_reply_to is None:
        raise Conflict(BEFORE_IT.format(part=delivery.part - 1))
    await _is_wanted(session, delivery)
    await _account_can_send(session, delivery.account_id)
    moment = now()
    times = {
        "due_at": moment, "not_before": moment,
        "useful_until": await _useful_until(session, delivery.force_id, moment),
    }  # fmt: skip
    await _change(
        session, delivery, was, state=DeliveryState.QUEUED, **times,
        first_due_at=func.coalesce(col(Delivery.first_due_at), col(Delivery.due_at)),
        attempts=0, read_backs=0, empty_lists=0, error=None, sent_at=None, lateness_ms=None,
    )  # fmt: skip
    await follow_again(session, delivery, **times)
    audit.record(session, viewer, "deliveries.retry", "delivery", delivery.id, was=was, even_if_unsure=even_if_unsure)
    jobs.ask(session, SEND)
    return delivery


async def _is_wanted(session: AsyncSession, delivery: Delivery) -> None:
    post = await session.get(Post, delivery.post_id) if delivery.post_id else None
    if post is not None and post.withdrawn_at is not None:
        raise Conflict("Its post was taken down. Write it again if it should go out.")


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


async def keep_card(session: AsyncSession, delivery_id: UUID, card: Card | None) -> None:
    """Kept before it is said, so that every attempt says the same. None: there is none, and nobody asks again."""
    said = {"url": card.url, "title": card.title, "description": card.description, "image": card.image} if card else {}
    await session.execute(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id)
        .values(card=said)
        .execution_options(synchronize_session=False)
    )


def _same_force(viewer: Viewer, delivery: Delivery) -> None:
    if delivery.force_id != viewer.force_id:
        raise NotFound()
