"""What is asked of a platform about what stands there already. Workers do it, again and again until it is clear."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core import jobs
from api.core.clock import now
from api.core.jobs import Job
from api.models import (
    Account,
    Delivery,
    DeliveryKind,
    DeliveryState,
    DeliveryVersion,
    Errand,
    ErrandKind,
    ErrandState,
    Message,
    Viewer,
)
from api.platforms.facts import FACTS
from api.platforms.values import Platform, Visibility

ERRANDS = Job("errands")
NOT_BY_US = "Cannot be taken down there by us. Do it by hand."
TAKEN_DOWN_INSTEAD = "It was taken down instead."
LIKES = (ErrandKind.LIKE, ErrandKind.UNLIKE)


@dataclass(frozen=True, slots=True)
class Liked:
    """How a message of theirs stands with us. `asked`: a worker is at it; `trouble`: the platform said no."""

    liked: bool
    asked: bool = False
    trouble: str = ""


NOT_LIKED = Liked(liked=False)


async def ask_withdraw(session: AsyncSession, by: Viewer | None, delivery: Delivery) -> Errand | None:
    """None: it is not out, or it is gone. Asking while it is being done changes nothing; after a no, it tries again."""
    await _held(session, delivery)
    if delivery.state is not DeliveryState.SENT or delivery.gone_at is not None:
        return None
    last = (await latest(session, [delivery.id], [ErrandKind.WITHDRAW])).get(delivery.id)
    if last is not None and last.state is ErrandState.ASKED:
        return last
    await _give_up_edits(session, delivery)
    errand = _about(delivery, ErrandKind.WITHDRAW, by)
    account = await session.get_one(Account, delivery.account_id)
    if not can_take_down(account.platform, delivery.visibility):
        errand.state, errand.error = ErrandState.FAILED, NOT_BY_US
    return _asked(session, errand)


async def ask_edit(
    session: AsyncSession, by: Viewer, delivery: Delivery, text: str, warning: str, alts: list[str] | None = None
) -> Errand:
    """The caller has checked that the platform can, that the words fit, and who may. Edits are done in their order."""
    await _held(session, delivery)
    errand = _about(delivery, ErrandKind.EDIT, by)
    errand.text, errand.content_warning, errand.alts = text, warning, alts
    return _asked(session, errand)


async def ask_like(
    session: AsyncSession, by: Viewer, message: Message, team_id: UUID | None, *, wanted: bool
) -> Errand | None:
    """None: it stands so already."""
    present = (await likes(session, [message.id])).get(message.id, NOT_LIKED)
    if present.liked == wanted and not present.trouble:
        return None
    kind = ErrandKind.LIKE if wanted else ErrandKind.UNLIKE
    errand = Errand(
        force_id=message.force_id, team_id=team_id, account_id=message.account_id, kind=kind, message_id=message.id,
        remote_id=message.remote_id or "", asked_by_id=by.person_id, next_try_at=now(),
    )  # fmt: skip
    return _asked(session, errand)


async def latest(
    session: AsyncSession, delivery_ids: Collection[UUID], kinds: Sequence[ErrandKind]
) -> dict[UUID, Errand]:
    """The last errand of these kinds about each delivery. The caller has passed the gate to them."""
    rows = await session.execute(
        select(Errand)
        .where(col(Errand.delivery_id).in_(delivery_ids), col(Errand.kind).in_(kinds))
        .order_by(col(Errand.id))
    )
    return {each.delivery_id: each for each in rows.scalars() if each.delivery_id}


async def likes(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, Liked]:
    """Of the messages that somebody of us liked, or no longer does."""
    rows = await session.execute(
        select(Errand)
        .where(col(Errand.message_id).in_(message_ids), col(Errand.kind).in_(LIKES))
        .order_by(col(Errand.id))
    )
    found: dict[UUID, Liked] = {}
    for each in rows.scalars():
        wants = each.kind is ErrandKind.LIKE
        if each.message_id is None:
            continue
        if each.state is ErrandState.FAILED:
            found[each.message_id] = Liked(not wants, trouble=each.error or "")
        else:
            found[each.message_id] = Liked(wants, asked=each.state is ErrandState.ASKED)
    return found


async def versions(session: AsyncSession, delivery_ids: Collection[UUID]) -> Sequence[DeliveryVersion]:
    """What stood there before, oldest first. The caller has passed the gate to the deliveries."""
    rows = await session.execute(
        select(DeliveryVersion)
        .where(col(DeliveryVersion.delivery_id).in_(delivery_ids))
        .order_by(col(DeliveryVersion.replaced_at), col(DeliveryVersion.id))
    )
    return rows.scalars().all()


def can_change(platform: Platform, visibility: Visibility, kind: DeliveryKind = DeliveryKind.POST) -> bool:
    facts = FACTS[platform]
    final = facts.direct_is_final and visibility is Visibility.DIRECT
    return facts.can_edit and not final and kind is DeliveryKind.POST


def can_take_down(platform: Platform, visibility: Visibility) -> bool:
    facts = FACTS[platform]
    return facts.can_delete and not (facts.direct_is_final and visibility is Visibility.DIRECT)


def _about(delivery: Delivery, kind: ErrandKind, by: Viewer | None) -> Errand:
    at: datetime = now()
    return Errand(
        force_id=delivery.force_id, team_id=delivery.team_id, account_id=delivery.account_id, kind=kind,
        delivery_id=delivery.id, message_id=delivery.message_id, remote_id=delivery.remote_id or "",
        asked_by_id=by.person_id if by else None, next_try_at=at,
    )  # fmt: skip


def _asked(session: AsyncSession, errand: Errand) -> Errand:
    session.add(errand)
    jobs.ask(session, ERRANDS)
    return errand


async def _held(session: AsyncSession, delivery: Delivery) -> None:
    """Two who ask at once ask one after the other."""
    await session.flush()
    await session.refresh(delivery, with_for_update=True)


async def _give_up_edits(session: AsyncSession, delivery: Delivery) -> None:
    await session.execute(
        update(Errand)
        .where(
            col(Errand.delivery_id) == delivery.id,
            col(Errand.kind) == ErrandKind.EDIT,
            col(Errand.state) == ErrandState.ASKED,
        )
        .values(state=ErrandState.FAILED, error=TAKEN_DOWN_INSTEAD, done_at=now(), version=col(Errand.version) + 1)
        .execution_options(synchronize_session=False)
    )
