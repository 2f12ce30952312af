"""Somebody saw it: the address of a delivery in doubt, believed once a worker has found it in our own account."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Select, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid
from api.core.jobs import Job, ask
from api.core.saving import add_or
from api.core.sealing import Sealed
from api.models import (
    Account,
    Delivery,
    DeliveryState,
    Secret,
    SecretKind,
    Sighting,
    SightingState,
    Viewer,
)
from api.outbox.claiming import Settled
from api.platforms.values import Address, Platform, Published

SIGHTINGS = Job("sightings")
LONGEST_ADDRESS = 500
TRIES = 6
WAIT = timedelta(seconds=10)
SKEW = timedelta(minutes=10)
NOT_AN_ADDRESS = "Paste the whole address of the post, as the browser shows it: it begins with https://."
NOT_IN_DOUBT = "Nobody is asked about this one any more. Look at it again."
UNDER_WAY = "Somebody has given an address already, and we are looking at it."
NOT_OURS = "This account has no post of its own there. Look at the address again."
TOO_OLD = "That post is older than this one. Look at the address again."
ANOTHERS = "That address belongs to another post of ours already."
COULD_NOT_LOOK = "We could not look: {why} Give the address again, or send it again."
_WAITS = text("sightings.state = 'asked'")


@dataclass(frozen=True, slots=True)
class Look:
    """All that looking at one address needs, read once."""

    id: UUID
    delivery_id: UUID
    account_id: UUID
    asked_by_id: UUID
    force_id: UUID
    address: Address
    sealed: Sealed
    url: str = field(repr=False)
    begun_at: datetime
    """When the post can have been made at the earliest."""
    due_at: datetime
    tries: int
    lease_until: datetime


async def report(session: AsyncSession, viewer: Viewer, delivery: Delivery, url: str) -> Sighting:
    """“It is live, and here is its address.” Nothing changes until a worker has looked."""
    access.require(viewer, Action.REPLY if delivery.message_id else Action.PUBLISH, delivery.team_id)
    if delivery.state is not DeliveryState.NEEDS_PERSON:
        raise Conflict(NOT_IN_DOUBT)
    sighting = Sighting(
        force_id=delivery.force_id, delivery_id=delivery.id, asked_by_id=viewer.person_id, url=checked(url),
        next_try_at=now(),
    )  # fmt: skip
    await add_or(session, sighting, UNDER_WAY)
    audit.record(session, viewer, "deliveries.sighted", "delivery", delivery.id)
    ask(session, SIGHTINGS)
    return sighting


def checked(url: str) -> str:
    """An address that a person can have copied; where it leads is asked of our own server, never of the address."""
    typed = url.strip()
    try:
        parts = urlsplit(typed)
    except ValueError as error:
        raise Invalid(NOT_AN_ADDRESS, "url") from error
    whole = parts.scheme in ("https", "http", "at") and bool(parts.netloc)
    if not whole or len(typed) > LONGEST_ADDRESS or any(letter.isspace() or ord(letter) < 32 for letter in typed):
        raise Invalid(NOT_AN_ADDRESS, "url")
    return typed


async def latest(session: AsyncSession, delivery_ids: Collection[UUID]) -> dict[UUID, Sighting]:
    """The newest of each; the caller has passed the gate to the deliveries."""
    rows = await session.execute(
        select(Sighting)
        .where(col(Sighting.delivery_id).in_(list(delivery_ids)))
        .order_by(col(Sighting.created_at), col(Sighting.id))
    )
    return {sighting.delivery_id: sighting for sighting in rows.scalars()}


async def claim(session: AsyncSession, at: datetime, lease: timedelta, limit: int) -> list[Look]:
    """Those to look at now, for this worker alone until the lease runs out."""
    free = or_(col(Sighting.lease_until).is_(None), col(Sighting.lease_until) <= at)
    chosen = (
        select(col(Sighting.id))
        .where(_WAITS, col(Sighting.next_try_at) <= at, free)
        .order_by(col(Sighting.next_try_at), col(Sighting.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        update(Sighting)
        .where(col(Sighting.id).in_(ids), free)
        .values(lease_until=at + lease, tries=col(Sighting.tries) + 1)
        .returning(col(Sighting.id))
        .execution_options(synchronize_session=False)
    )
    return [_look(row) for row in await session.execute(_looks(rows.scalars().all()))]


async def found(session: AsyncSession, look: Look, there: Published, at: datetime) -> Settled | None:
    """It is ours: what was in doubt is out. None: it was not that one, and the sighting says why."""
    if there.created_at < look.begun_at - SKEW:
        await reject(session, look, TOO_OLD)
        return None
    taken = select(col(Delivery.id)).where(
        col(Delivery.account_id) == look.account_id, col(Delivery.remote_id) == there.remote_id
    )
    if (await session.execute(taken)).scalar_one_or_none() is not None:
        await reject(session, look, ANOTHERS)
        return None
    rows = await session.execute(
        update(Delivery)
        .where(col(Delivery.id) == look.delivery_id, col(Delivery.state) == DeliveryState.NEEDS_PERSON)
        .values(
            state=DeliveryState.SENT, version=col(Delivery.version) + 1, remote_id=there.remote_id, url=there.url,
            sent_at=there.created_at, error=None,
            lateness_ms=max(0, round((there.created_at - look.due_at) / timedelta(milliseconds=1))),
        )
        .returning(col(Delivery.id), col(Delivery.post_id), col(Delivery.message_id))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    row = rows.first()
    if row is None:
        await reject(session, look, NOT_IN_DOUBT)
        return None
    await _end(session, look, SightingState.FOUND, error="")
    audit.record(session, None, "deliveries.found_by_person", "delivery", look.delivery_id, look.force_id)
    return Settled(*row)


async def reject(session: AsyncSession, look: Look, sentence: str) -> None:
    await _end(session, look, SightingState.REJECTED, error=sentence)


async def later(session: AsyncSession, look: Look, why: str, at: datetime) -> None:
    """The server did not answer: a few tries more, then the person is told."""
    if look.tries >= TRIES:
        await reject(session, look, COULD_NOT_LOOK.format(why=why))
        return
    await _end(session, look, SightingState.ASKED, error=why, next_try_at=at + WAIT * look.tries)


async def _end(session: AsyncSession, look: Look, state: SightingState, **values: Any) -> None:
    await session.execute(
        update(Sighting)
        .where(_WAITS, col(Sighting.id) == look.id, col(Sighting.lease_until) == look.lease_until)
        .values(state=state, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )


_OF_LOOK: tuple[Any, ...] = (
    col(Sighting.id), col(Sighting.delivery_id), col(Sighting.url), col(Sighting.tries), col(Sighting.lease_until),
    col(Sighting.asked_by_id), col(Sighting.force_id), col(Delivery.account_id), col(Delivery.first_started_at),
    col(Delivery.due_at), col(Account.platform), col(Account.instance), col(Account.remote_id), col(Account.handle),
    col(Secret.key_id), col(Secret.box),
)  # fmt: skip


def _looks(ids: Collection[UUID]) -> Select[Any]:
    return (
        select(*_OF_LOOK)
        .join(Delivery, col(Delivery.id) == col(Sighting.delivery_id))
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .outerjoin(Secret, (col(Secret.holder_id) == col(Account.id)) & (col(Secret.kind) == SecretKind.ACCESS_TOKEN))
        .where(col(Sighting.id).in_(list(ids)))
    )


def _look(row: Any) -> Look:
    return Look(
        id=row.id, delivery_id=row.delivery_id, account_id=row.account_id, asked_by_id=row.asked_by_id,
        force_id=row.force_id, url=row.url, due_at=row.due_at, tries=row.tries, lease_until=row.lease_until,
        begun_at=row.first_started_at or row.due_at,
        address=Address(Platform(row.platform), row.instance, row.remote_id, row.handle),
        sealed=Sealed(row.key_id or "", row.box or b""),
    )  # fmt: skip
