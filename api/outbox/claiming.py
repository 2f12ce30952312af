"""Taking deliveries in hand: claim ahead of time, write the fence, keep the lease, take over what was dropped."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.among import Ids, among
from api.core.sealing import Sealed
from api.models import Account, Delivery, DeliveryState, Secret, SecretKind
from api.outbox.life import CANNOT_LOOK, GONE_QUIET, NO_LONGER_USEFUL, TOO_LATE_THEN
from api.outbox.open import (
    IS_OPEN,
    LIVE,
    PART_MAY_GO,
    being_read_back,
    can_send,
    due,
    in_other_hands,
    twin_under_way,
    waits_too_long,
)
from api.platforms.values import Address, Card, Draft, Platform

_DELIVERIES = Delivery.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Claim:
    """Everything that sending or reading back one delivery needs, read once."""

    id: UUID
    account_id: UUID
    post_id: UUID | None
    message_id: UUID | None
    due_at: datetime
    ready_at: datetime
    """Not before this: its time, the end of a wait, and the platform's own patience."""
    useful_until: datetime
    attempts: int
    read_backs: int
    first_started_at: datetime | None
    address: Address
    draft: Draft
    sealed: Sealed
    media_ids: tuple[UUID, ...] = ()
    """What the draft carries, to be read from the file store just before it goes out."""
    part: int = 1
    parts: int = 1
    card_sought: bool = False
    """What its link leads to was asked for already; the draft has it, or there was nothing of use."""

    @property
    def followed(self) -> bool:
        """Another part of its thread waits for this one."""
        return self.part < self.parts

    @property
    def order(self) -> tuple[datetime, int]:
        """As the database orders by time and id; comparing integers is much quicker than comparing UUIDs."""
        return self.due_at, self.id.int


@dataclass(frozen=True, slots=True)
class Settled:
    """What the rows above a delivery (its post, its reply) want to hear about."""

    delivery_id: UUID
    post_id: UUID | None
    message_id: UUID | None


async def claim(
    session: AsyncSession,
    worker: str,
    now: datetime,
    look_ahead: timedelta,
    lease: timedelta,
    limit: int,
    enough_of: Collection[str] = (),
) -> list[Claim]:
    """Due deliveries in order, none of an account that another worker holds something of.

    `enough_of`: servers of which this worker holds so much already that the others would get no turn.
    """
    horizon = now + look_ahead
    ready = and_(due(horizon, now), ~in_other_hands(worker, horizon))
    usable = and_(can_send(horizon), col(Account.instance).not_in(enough_of)) if enough_of else can_send(horizon)
    accounts = await _lock_accounts(session, ready, usable, limit)
    if not accounts:
        return []
    # A second statement sees what others committed before the accounts were ours.
    chosen = (
        select(col(Delivery.id))
        .where(ready, among(col(Delivery.account_id), accounts))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Locked first, changed second: inside the UPDATE, PostgreSQL would choose anew for each row.
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        _moved(DeliveryState.CLAIMED, claimed_by=worker, lease_until=now + lease)
        .where(among(col(Delivery.id), ids), col(Delivery.state) == DeliveryState.QUEUED)
        .returning(*_OF_DELIVERY)
    )
    return await _read(session, rows.all())


async def start(
    session: AsyncSession, worker: str, ids: Collection[UUID], now: datetime, lease: timedelta
) -> set[UUID]:
    """The fence: those of them that may be sent now. Once this is committed, a crash leaves them in doubt."""
    values = {"ids": ids, "worker": worker, "at": now, "until": now + lease}
    return set((await session.execute(_START, values)).scalars()) if ids else set()


async def renew(
    session: AsyncSession, worker: str, ids: Collection[UUID], now: datetime, lease: timedelta
) -> set[UUID]:
    """Those that are still ours. By id, not by worker: a claim whose answer never reached us must run out.

    What is being started or recorded right now is left alone: waiting for it here could lock both for good.
    """
    ours = {"ids": ids, "worker": worker}
    kept = set((await session.execute(_OURS, ours)).scalars())
    at_rest = (await session.execute(_OURS_AT_REST, ours)).scalars().all()
    await session.execute(_RENEW, {"ids": at_rest, "until": now + lease})
    return kept


async def release(session: AsyncSession, worker: str, ids: Collection[UUID]) -> None:
    """Gives back what was only claimed, so that others need not wait for the lease."""
    await session.execute(
        _moved(DeliveryState.QUEUED, claimed_by=None, lease_until=None).where(
            among(col(Delivery.id), ids),
            col(Delivery.state) == DeliveryState.CLAIMED,
            col(Delivery.claimed_by) == worker,
        )
    )


async def expire_leases(
    session: AsyncSession, now: datetime, look_ahead: timedelta, *, nobody_but: str | None = None
) -> list[Settled]:
    """What a silent worker had only claimed is free again; what it was sending is in doubt.

    `nobody_but`: no other worker than this can be alive, so that every lease but its own is one of the dead.
    """
    run_out = and_(IS_OPEN, col(Delivery.due_at) <= now + look_ahead)
    over = col(Delivery.lease_until) <= now
    if nobody_but:
        over = or_(over, col(Delivery.claimed_by) != nobody_but)
    run_out = and_(run_out, over)
    await session.execute(
        _moved(DeliveryState.QUEUED, claimed_by=None, lease_until=None).where(
            run_out, col(Delivery.state) == DeliveryState.CLAIMED
        )
    )
    return await _settle(
        session,
        _moved(
            DeliveryState.UNKNOWN, claimed_by=None, lease_until=None, given_up_at=now, not_before=now,
            empty_lists=0, read_backs=0, error=GONE_QUIET,
        ).where(run_out, col(Delivery.state) == DeliveryState.SENDING),
    )  # fmt: skip


async def miss(session: AsyncSession, now: datetime) -> list[Settled]:
    """What is no longer useful is not sent: a night's outage is never dumped out in the morning.

    Where a platform asks us to wait until it is no longer useful, that is said at once.
    """
    ripe = and_(IS_OPEN, col(Delivery.due_at) <= now)
    late = and_(ripe, col(Delivery.useful_until) <= now)
    before = case((col(Delivery.error).is_(None), ""), else_=col(Delivery.error) + " ")
    queued = col(Delivery.state) == DeliveryState.QUEUED
    missed = await _settle(session, _moved(DeliveryState.MISSED, error=before + NO_LONGER_USEFUL).where(late, queued))
    why = waits_too_long(now)
    missed += await _settle(
        session, _moved(DeliveryState.MISSED, error=why + " " + TOO_LATE_THEN).where(ripe, queued, why.is_not(None))
    )
    cannot_look = ~col(Delivery.account_id).in_(select(col(Account.id)).where(can_send(now + timedelta(days=1))))
    return missed + await _settle(
        session,
        _moved(DeliveryState.NEEDS_PERSON, claimed_by=None, lease_until=None, error=CANNOT_LOOK).where(
            late, col(Delivery.state) == DeliveryState.UNKNOWN, cannot_look
        ),
    )


async def to_read_back(session: AsyncSession, worker: str, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    """Deliveries in doubt whose account's list may be looked at now, oldest attempt first."""
    doubtful = and_(
        IS_OPEN,
        col(Delivery.state) == DeliveryState.UNKNOWN,
        col(Delivery.not_before) <= now,
        (col(Delivery.lease_until).is_(None)) | (col(Delivery.lease_until) <= now),
        ~being_read_back(worker, now),
        ~twin_under_way(now),
        PART_MAY_GO,
    )
    accounts = await _lock_accounts(session, doubtful, can_send(now), limit)
    if not accounts:
        return []
    chosen = (
        select(col(Delivery.id))
        .where(doubtful, among(col(Delivery.account_id), accounts))
        .order_by(col(Delivery.first_started_at), col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        update(_DELIVERIES)
        .where(among(col(Delivery.id), ids), col(Delivery.state) == DeliveryState.UNKNOWN)
        .values(claimed_by=worker, lease_until=now + lease)
        .returning(*_OF_DELIVERY)
    )
    claims = await _read(session, rows.all())
    return sorted(claims, key=lambda each: (each.first_started_at or each.due_at, each.id))


async def _lock_accounts(
    session: AsyncSession, ready: ColumnElement[bool], usable: ColumnElement[bool], limit: int
) -> Sequence[UUID]:
    """An account is looked at by one claiming worker at a time; who does not get it comes back."""
    found = (
        select(col(Delivery.account_id))
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .where(ready, usable)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
    )
    rows = await session.execute(
        select(col(Account.id))
        .where(col(Account.id).in_(found))
        .order_by(col(Account.id))
        .with_for_update(key_share=True, skip_locked=True)
    )
    return rows.scalars().all()


async def _read(session: AsyncSession, rows: Sequence[Any]) -> list[Claim]:
    """Their accounts are read apart: joined, a database may look for a few deliveries through all of an account's."""
    found = await session.execute(_HOLDERS, {"ids": {row[_ACCOUNT_ID] for row in rows}})
    holders = {row.id: row for row in found}
    addresses = {
        row.id: Address(Platform(row.platform), row.instance, row.remote_id, row.handle) for row in holders.values()
    }
    sealed = {row.id: Sealed(row.key_id, row.box) for row in holders.values()}
    claims = [
        _claim(row, holders[holder].send_after, addresses[holder], sealed[holder])
        for row in rows
        if (holder := row[_ACCOUNT_ID]) in holders
    ]
    return sorted(claims, key=lambda each: each.order)


def _claim(row: Sequence[Any], send_after: datetime | None, address: Address, sealed: Sealed) -> Claim:
    """By position: looking up a row's columns by name, one by one, took longer than everything else here."""
    (
        delivery_id, account_id, post_id, message_id, due_at, not_before, useful_until, attempts, read_backs,
        first_started_at, text, visibility, in_reply_to, language, content_warning, media_ids, shares, part, parts, card,
    ) = row  # fmt: skip
    draft = Draft(
        str(delivery_id), text, visibility, in_reply_to, language, content_warning,
        card=Card(**card) if card else None, shares=shares,
    )  # fmt: skip
    ready_at = max(due_at, not_before, send_after) if send_after else max(due_at, not_before)
    return Claim(
        delivery_id, account_id, post_id, message_id, due_at, ready_at, useful_until, attempts, read_backs,
        first_started_at, address, draft, sealed, tuple(map(UUID, media_ids)) if media_ids else (), part, parts,
        card_sought=card is not None,
    )  # fmt: skip


async def _settle(session: AsyncSession, change: Any) -> list[Settled]:
    rows = await session.execute(change.returning(col(Delivery.id), col(Delivery.post_id), col(Delivery.message_id)))
    return [Settled(*row) for row in rows]


def _moved(state: DeliveryState, **values: Any) -> Any:
    return update(_DELIVERIES).values(state=state, version=_DELIVERIES.c.version + 1, **values)


# Made once: making a statement costs more than running it for a handful of rows.

_IDS = bindparam("ids", type_=Ids())
_UNTIL = bindparam("until", type_=_DELIVERIES.c.lease_until.type)
_AT = bindparam("at", type_=_DELIVERIES.c.lease_until.type)
_MINE = _DELIVERIES.c.claimed_by == bindparam("worker")

_START = (
    update(_DELIVERIES)
    .values(
        state=DeliveryState.SENDING,
        version=_DELIVERIES.c.version + 1,
        lease_until=_UNTIL,
        attempts=_DELIVERIES.c.attempts + 1,
        first_started_at=func.coalesce(_DELIVERIES.c.first_started_at, _AT),
    )
    .where(
        among(_DELIVERIES.c.id, _IDS),
        _DELIVERIES.c.state == DeliveryState.CLAIMED,
        _MINE,
        _DELIVERIES.c.lease_until > _AT,
        _DELIVERIES.c.useful_until > _AT,
    )
    .returning(_DELIVERIES.c.id)
)
_OURS = select(_DELIVERIES.c.id).where(
    among(_DELIVERIES.c.id, _IDS), _MINE, _DELIVERIES.c.state.in_((*LIVE, DeliveryState.UNKNOWN))
)
_OURS_AT_REST = _OURS.with_for_update(skip_locked=True)
_RENEW = update(_DELIVERIES).where(among(_DELIVERIES.c.id, _IDS)).values(lease_until=_UNTIL)

_OF_DELIVERY = tuple(
    _DELIVERIES.c[name]
    for name in (
        "id", "account_id", "post_id", "message_id", "due_at", "not_before", "useful_until", "attempts", "read_backs",
        "first_started_at", "text", "visibility", "in_reply_to", "language", "content_warning", "media_ids", "shares",
        "part", "parts", "card",
    )
)  # fmt: skip
_ACCOUNT_ID = 1
_HOLDERS = (
    select(
        col(Account.id), col(Account.platform), col(Account.instance), col(Account.remote_id), col(Account.handle),
        col(Account.send_after), col(Secret.key_id), col(Secret.box),
    )
    .join(Secret, (col(Secret.holder_id) == col(Account.id)) & (col(Secret.kind) == SecretKind.ACCESS_TOKEN))
    .where(among(col(Account.id), _IDS))
)  # fmt: skip
