"""Taking deliveries in hand: claim ahead of time, write the fence, keep the lease, take over what was dropped."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

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

CHUNK = 1000


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
    def order(self) -> tuple[datetime, UUID]:
        return self.due_at, self.id


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
    ready = and_(due(horizon, now), ~in_other_hands(worker))
    usable = and_(can_send(horizon), col(Account.instance).not_in(enough_of)) if enough_of else can_send(horizon)
    accounts = await _lock_accounts(session, ready, usable, limit)
    if not accounts:
        return []
    # A second statement sees what others committed before the accounts were ours.
    chosen = (
        select(col(Delivery.id))
        .where(ready, col(Delivery.account_id).in_(accounts))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Locked first, changed second: inside the UPDATE, PostgreSQL would choose anew for each row.
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        _moved(DeliveryState.CLAIMED, claimed_by=worker, lease_until=now + lease)
        .where(col(Delivery.id).in_(ids), col(Delivery.state) == DeliveryState.QUEUED)
        .returning(col(Delivery.id))
    )
    return await _read(session, rows.scalars().all())


async def start(
    session: AsyncSession, worker: str, ids: Collection[UUID], now: datetime, lease: timedelta
) -> set[UUID]:
    """The fence: those of them that may be sent now. Once this is committed, a crash leaves them in doubt."""
    if not ids:
        return set()
    rows = await session.execute(
        _moved(
            DeliveryState.SENDING,
            lease_until=now + lease,
            attempts=col(Delivery.attempts) + 1,
            first_started_at=func.coalesce(col(Delivery.first_started_at), now),
        )
        .where(
            col(Delivery.id).in_(ids),
            col(Delivery.state) == DeliveryState.CLAIMED,
            col(Delivery.claimed_by) == worker,
            col(Delivery.lease_until) > now,
            col(Delivery.useful_until) > now,
        )
        .returning(col(Delivery.id))
    )
    return set(rows.scalars())


async def renew(
    session: AsyncSession, worker: str, ids: Collection[UUID], now: datetime, lease: timedelta
) -> set[UUID]:
    """Those that are still ours. By id, not by worker: a claim whose answer never reached us must run out.

    What is being started or recorded right now is left alone: waiting for it here could lock both for good.
    """
    kept: set[UUID] = set()
    for some in _chunks(ids):
        ours = and_(
            col(Delivery.id).in_(some),
            col(Delivery.claimed_by) == worker,
            col(Delivery.state).in_((*LIVE, DeliveryState.UNKNOWN)),
        )
        kept |= set((await session.execute(select(col(Delivery.id)).where(ours))).scalars())
        at_rest = select(col(Delivery.id)).where(ours).with_for_update(skip_locked=True)
        rows = (await session.execute(at_rest)).scalars().all()
        await session.execute(
            update(Delivery)
            .where(col(Delivery.id).in_(rows))
            .values(lease_until=now + lease)
            .execution_options(synchronize_session=False)
        )
    return kept


async def release(session: AsyncSession, worker: str, ids: Collection[UUID]) -> None:
    """Gives back what was only claimed, so that others need not wait for the lease."""
    for some in _chunks(ids):
        await session.execute(
            _moved(DeliveryState.QUEUED, claimed_by=None, lease_until=None).where(
                col(Delivery.id).in_(some),
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
        ~twin_under_way(),
        PART_MAY_GO,
    )
    accounts = await _lock_accounts(session, doubtful, can_send(now), limit)
    if not accounts:
        return []
    chosen = (
        select(col(Delivery.id))
        .where(doubtful, col(Delivery.account_id).in_(accounts))
        .order_by(col(Delivery.first_started_at), col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        update(Delivery)
        .where(col(Delivery.id).in_(ids), col(Delivery.state) == DeliveryState.UNKNOWN)
        .values(claimed_by=worker, lease_until=now + lease)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    )
    claims = await _read(session, rows.scalars().all())
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


async def _read(session: AsyncSession, ids: Sequence[UUID]) -> list[Claim]:
    claims = [_claim(row) for some in _chunks(ids) for row in (await session.execute(_claims(some))).all()]
    return sorted(claims, key=lambda each: each.order)


def _claims(ids: Collection[UUID]) -> Select[Any]:
    return (
        select(
            *(getattr(Delivery.__table__.c, name) for name in _OF_DELIVERY),  # type: ignore[attr-defined]
            col(Account.platform), col(Account.instance), col(Account.remote_id).label("account_remote_id"),
            col(Account.handle), col(Account.send_after), col(Secret.key_id), col(Secret.box),
        )
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .join(Secret, (col(Secret.holder_id) == col(Account.id)) & (col(Secret.kind) == SecretKind.ACCESS_TOKEN))
        .where(col(Delivery.id).in_(ids))
    )  # fmt: skip


_OF_DELIVERY = (
    "id", "account_id", "post_id", "message_id", "due_at", "not_before", "useful_until", "attempts", "read_backs",
    "first_started_at", "text", "visibility", "in_reply_to", "language", "content_warning", "media_ids", "shares",
    "part", "parts", "card",
)  # fmt: skip


def _claim(row: Any) -> Claim:
    return Claim(
        id=row.id,
        account_id=row.account_id,
        post_id=row.post_id,
        message_id=row.message_id,
        due_at=row.due_at,
        ready_at=max(row.due_at, row.not_before, row.send_after or row.due_at),
        useful_until=row.useful_until,
        attempts=row.attempts,
        read_backs=row.read_backs,
        first_started_at=row.first_started_at,
        address=Address(Platform(row.platform), row.instance, row.account_remote_id, row.handle),
        draft=Draft(
            key=str(row.id), text=row.text, visibility=row.visibility, in_reply_to=row.in_reply_to,
            language=row.language, content_warning=row.content_warning, shares=row.shares,
            card=Card(**row.card) if row.card else None,
        ),
        sealed=Sealed(row.key_id, row.box),
        media_ids=tuple(UUID(each) for each in row.media_ids or ()),
        part=row.part,
        parts=row.parts,
        card_sought=row.card is not None,
    )  # fmt: skip


async def _settle(session: AsyncSession, change: Any) -> list[Settled]:
    rows = await session.execute(change.returning(col(Delivery.id), col(Delivery.post_id), col(Delivery.message_id)))
    return [Settled(*row) for row in rows]


def _moved(state: DeliveryState, **values: Any) -> Any:
    return (
        update(Delivery)
        .values(state=state, version=col(Delivery.version) + 1, **values)
        .execution_options(synchronize_session=False)
    )


def _chunks(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    all_of_them = list(ids)
    return (all_of_them[at : at + CHUNK] for at in range(0, len(all_of_them), CHUNK))
