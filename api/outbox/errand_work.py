"""Errands in a worker's hands: taken with a lease, written down when the platform has said something."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from api.audit import service as audit
from api.core.sealing import Sealed
from api.models import (
    Account,
    AccountState,
    Delivery,
    DeliveryKind,
    DeliveryVersion,
    Errand,
    ErrandKind,
    ErrandState,
    Media,
    Secret,
    SecretKind,
)
from api.platforms.values import Address, Edited, Visibility

CHANGED_THERE = (
    "Somebody changed it on the platform itself meanwhile, so we left it as it is. Read what it says there now, then"
    " change it again."
)
_Other, _Child = aliased(Errand, name="other"), aliased(Delivery, name="child")


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that doing one errand needs, read once."""

    id: UUID
    kind: ErrandKind
    account_id: UUID
    delivery_id: UUID | None
    message_id: UUID | None
    created_at: datetime
    tries: int
    remote_id: str
    text: str
    content_warning: str
    before: str
    before_warning: str
    visibility: Visibility
    in_reply_to: str | None
    language: str
    repost: bool
    alts: tuple[str, ...]
    """What stands for its pictures from now on, in order."""
    alts_before: tuple[str, ...]
    media_ids: tuple[UUID, ...]
    address: Address
    active: bool
    sealed: Sealed | None


@dataclass(frozen=True, slots=True)
class Done:
    """What the rows above want to hear about: a post, or a message of ours or theirs."""

    errand_id: UUID
    kind: ErrandKind
    delivery_id: UUID | None
    post_id: UUID | None
    message_id: UUID | None
    text: str | None = None
    """The words that stand there now."""


async def claim(session: AsyncSession, now: datetime, lease: timedelta, limit: int) -> list[Asked]:
    """Those whose turn it is. Whoever dies over one leaves a lease that runs out: doing it again changes nothing."""
    chosen = (
        select(col(Errand.id))
        .join(Account, col(Account.id) == col(Errand.account_id))
        .where(*_open(now), col(Errand.next_try_at) <= now, ~_after_another(), ~_before_its_answers())
        .order_by(col(Errand.next_try_at), col(Errand.id))
        .limit(limit)
        .with_for_update(of=Errand, skip_locked=True)
    )
    ids = (await session.execute(chosen)).scalars().all()
    if not ids:
        return []
    await session.execute(
        update(Errand)
        .where(col(Errand.id).in_(ids))
        .values(lease_until=now + lease, tries=col(Errand.tries) + 1)
        .execution_options(synchronize_session=False)
    )
    return await _read(session, ids)


async def next_at(session: AsyncSession, now: datetime) -> datetime | None:
    """When the next one may be tried, of those that nobody holds and whose platform does not ask for patience."""
    rows = await session.execute(
        select(func.min(col(Errand.next_try_at)))
        .join(Account, col(Account.id) == col(Errand.account_id))
        .where(*_open(now))
    )
    moment: datetime | None = rows.scalar_one_or_none()
    return moment


async def done(session: AsyncSession, asked: Asked, at: datetime, found: Edited | None = None) -> Done | None:
    """Whoever says so first: it is done, and what hangs on it follows. None: it is written down already."""
    delivery = await _delivery(session, asked)  # first, as whoever asks for one does
    errand = await _held(session, asked)
    if errand is None or errand.state is ErrandState.DONE:
        return None
    stays = found is not None and (found.text, found.content_warning) != (asked.text, asked.content_warning)
    _close(errand, ErrandState.FAILED if stays else ErrandState.DONE, at, CHANGED_THERE if stays else None)
    post_id = None
    if delivery is not None:
        post_id = delivery.post_id
        if errand.kind is ErrandKind.WITHDRAW:
            delivery.gone_at, delivery.version = delivery.gone_at or at, delivery.version + 1
        elif found is not None:
            described = () if stays else await _describe(session, asked)
            await _say(session, delivery, found, at, None if stays else errand.asked_by_id, described)
        _audit(session, errand, delivery)
    await session.flush()
    return Done(errand.id, errand.kind, asked.delivery_id, post_id, asked.message_id, found.text if found else None)


async def failed(session: AsyncSession, asked: Asked, at: datetime, sentence: str) -> None:
    delivery = await _delivery(session, asked)
    errand = await _held(session, asked)
    if errand is None or errand.state is not ErrandState.ASKED:
        return
    _close(errand, ErrandState.FAILED, at, sentence)
    if delivery is not None:
        _audit(session, errand, delivery)


async def later(session: AsyncSession, asked: Asked, until: datetime, sentence: str, *, counts: bool = True) -> None:
    """It stays asked; `sentence` says meanwhile why it is not done."""
    errand = await _held(session, asked)
    if errand is not None and errand.state is ErrandState.ASKED:
        errand.next_try_at, errand.lease_until, errand.error = until, None, sentence
        errand.tries -= 0 if counts else 1


def _open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(col(Errand.lease_until).is_(None), col(Errand.lease_until) <= now)
    patient = or_(col(Account.send_after).is_(None), col(Account.send_after) <= now)
    return col(Errand.state) == ErrandState.ASKED, free, patient


def _after_another() -> ColumnElement[bool]:
    """Something is asked about the same thing before: a like and its taking back are done in their order."""
    earlier = and_(col(_Other.state) == ErrandState.ASKED, col(_Other.id) < col(Errand.id))
    same_delivery = exists().where(col(_Other.delivery_id) == col(Errand.delivery_id), earlier)
    same_message = exists().where(
        col(_Other.message_id) == col(Errand.message_id),
        col(_Other.delivery_id).is_(None),
        col(Errand.delivery_id).is_(None),
        earlier,
    )
    return or_(same_delivery, same_message)


def _before_its_answers() -> ColumnElement[bool]:
    """Of a thread the last part goes first: nothing is left that answers something gone."""
    return and_(
        col(Errand.kind) == ErrandKind.WITHDRAW,
        exists().where(
            col(_Child.parent_id) == col(Errand.delivery_id),
            col(_Other.delivery_id) == col(_Child.id),
            col(_Other.kind) == ErrandKind.WITHDRAW,
            col(_Other.state) == ErrandState.ASKED,
        ),
    )


async def _read(session: AsyncSession, ids: Collection[UUID]) -> list[Asked]:
    rows = (await session.execute(_statement(ids))).all()
    alts = await _alts(session, {each for row in rows for each in row.media_ids or ()})
    return [_asked(row, alts) for row in rows]


def _statement(ids: Collection[UUID]) -> Select[Any]:
    shown: list[Any] = [
        *(col(getattr(Errand, name)) for name in _OF_ERRAND),
        *(col(getattr(Delivery, name)) for name in ("visibility", "in_reply_to", "language", "media_ids")),
        col(Delivery.kind).label("delivery_kind"), col(Delivery.text).label("before"),
        col(Delivery.content_warning).label("before_warning"),
        col(Account.platform), col(Account.instance), col(Account.remote_id).label("account_remote_id"),
        col(Account.handle), col(Account.state).label("account_state"), col(Secret.key_id), col(Secret.box),
    ]  # fmt: skip
    token = and_(col(Secret.holder_id) == col(Account.id), col(Secret.kind) == SecretKind.ACCESS_TOKEN)
    return (
        select(*shown)
        .select_from(Errand)
        .join(Account, col(Account.id) == col(Errand.account_id))
        .outerjoin(Delivery, col(Delivery.id) == col(Errand.delivery_id))
        .outerjoin(Secret, token)
        .where(col(Errand.id).in_(ids))
        .order_by(col(Errand.next_try_at), col(Errand.id))
    )


_OF_ERRAND = (
    "id", "kind", "account_id", "delivery_id", "message_id", "created_at", "tries", "remote_id", "text",
    "content_warning", "alts",
)  # fmt: skip


def _asked(row: Any, alts: dict[str, str]) -> Asked:
    before = tuple(alts[each] for each in row.media_ids or () if each in alts)
    return Asked(
        id=row.id, kind=row.kind, account_id=row.account_id, delivery_id=row.delivery_id, message_id=row.message_id,
        created_at=row.created_at, tries=row.tries, remote_id=row.remote_id, text=row.text or "",
        content_warning=row.content_warning, before=row.before or "", before_warning=row.before_warning or "",
        visibility=row.visibility or Visibility.PUBLIC, in_reply_to=row.in_reply_to, language=row.language or "en",
        repost=row.delivery_kind is DeliveryKind.REPOST,
        alts=tuple(row.alts) if row.alts is not None else before,
        alts_before=before,
        media_ids=tuple(UUID(each) for each in row.media_ids or ()),
        address=Address(row.platform, row.instance, row.account_remote_id, row.handle),
        active=row.account_state is AccountState.ACTIVE,
        sealed=Sealed(row.key_id, row.box) if row.box else None,
    )  # fmt: skip


async def _alts(session: AsyncSession, media_ids: Collection[str]) -> dict[str, str]:
    if not media_ids:
        return {}
    rows = await session.execute(
        select(col(Media.id), col(Media.alt)).where(col(Media.id).in_([UUID(each) for each in media_ids]))
    )
    return {str(row[0]): row[1] for row in rows}


async def _held(session: AsyncSession, asked: Asked) -> Errand | None:
    return await session.get(Errand, asked.id, with_for_update=True, populate_existing=True)


async def _delivery(session: AsyncSession, asked: Asked) -> Delivery | None:
    if asked.delivery_id is None:
        return None
    return await session.get(Delivery, asked.delivery_id, with_for_update=True, populate_existing=True)


def _close(errand: Errand, state: ErrandState, at: datetime, error: str | None) -> None:
    errand.state, errand.done_at, errand.lease_until, errand.error = state, at, None, error
    errand.version, errand.updated_at = errand.version + 1, at


async def _describe(session: AsyncSession, asked: Asked) -> tuple[str, ...]:
    """The pictures are described anew for whatever shows them; returns the old words, where they differ."""
    if asked.alts == asked.alts_before:
        return ()
    for media_id, alt in zip(asked.media_ids, asked.alts, strict=False):
        await session.execute(
            update(Media)
            .where(col(Media.id) == media_id, col(Media.alt) != alt)
            .values(alt=alt, version=col(Media.version) + 1)
            .execution_options(synchronize_session=False)
        )
    return asked.alts_before


async def _say(
    session: AsyncSession, delivery: Delivery, found: Edited, at: datetime, by: UUID | None, described: tuple[str, ...]
) -> None:
    """What stands there now, and what stood there before it."""
    if (delivery.text, delivery.content_warning) == (found.text, found.content_warning) and not described:
        return
    rows = await session.execute(
        select(func.count()).select_from(DeliveryVersion).where(col(DeliveryVersion.delivery_id) == delivery.id)
    )
    session.add(
        DeliveryVersion(
            delivery_id=delivery.id, number=rows.scalar_one() + 1, text=delivery.text,
            content_warning=delivery.content_warning, alts=list(described) or None, replaced_at=at, changed_by_id=by,
        )
    )  # fmt: skip
    delivery.text, delivery.content_warning, delivery.edited_at = found.text, found.content_warning, at
    delivery.version, delivery.updated_at = delivery.version + 1, at


def _audit(session: AsyncSession, errand: Errand, delivery: Delivery) -> None:
    """By the software: who asked stands in the line before."""
    if delivery.post_id is not None:
        action = f"errands.{errand.kind}_{errand.state}"
        audit.record(
            session, None, action, "post", delivery.post_id, errand.force_id,
            account=errand.account_id, delivery=delivery.id,
        )  # fmt: skip
