"""Whether what was taken down is down, account by account, in words that promise nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import LONDON
from api.models import Account, Delivery, DeliveryState, Errand, ErrandKind, ErrandState
from api.outbox import errands
from api.platforms.facts import FACTS
from api.platforms.values import Platform

NOBODY_KNOWS = "Nobody knows whether it is out there. Look at the account, and take it down by hand if it is."
ON_ITS_WAY = "It was on its way. If it lands, it is taken down at once."
STOPPED = "Stopped: it never went out there."
NEVER = "It never went out there."
BY_HAND = "Do it by hand there."

When = Callable[[datetime], str]


class StandingState(StrEnum):
    OUT = "out"
    ASKED = "asked"
    GONE = "gone"
    FAILED = "failed"
    STOPPED = "stopped"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Standing:
    account_id: UUID
    delivery_id: UUID
    state: StandingState
    words: str
    url: str | None


def at_time(moment: datetime) -> str:
    local = moment.astimezone(LONDON)
    return f"{local:%H:%M} on {local:%a} {local.day} {local:%b}"


async def standings(session: AsyncSession, deliveries: Sequence[Delivery], when: When = at_time) -> list[Standing]:
    """The caller has passed the gate to them. `when` says a moment as the reader is used to."""
    asked = await errands.latest(session, [each.id for each in deliveries], [ErrandKind.WITHDRAW])
    rows = await session.execute(
        select(col(Account.id), col(Account.platform)).where(
            col(Account.id).in_({each.account_id for each in deliveries})
        )
    )
    platforms = dict(rows.tuples().all())
    return [standing(each, asked.get(each.id), platforms[each.account_id], when) for each in deliveries]


def standing(delivery: Delivery, errand: Errand | None, platform: Platform, when: When = at_time) -> Standing:
    state, words = _said(delivery, errand, platform, when)
    url = None if state is StandingState.GONE else delivery.url
    return Standing(delivery.account_id, delivery.id, state, words, url)


def _said(delivery: Delivery, errand: Errand | None, platform: Platform, when: When) -> tuple[StandingState, str]:
    if delivery.gone_at is not None:
        by_us = errand is not None and errand.state is ErrandState.DONE
        words = "Taken down" if by_us else "Found deleted there"
        return StandingState.GONE, f"{words} at {when(delivery.gone_at)}."
    if errand is not None and errand.state is ErrandState.ASKED:
        label = FACTS[platform].label
        return StandingState.ASKED, f"Asked at {when(errand.created_at)}. {label} has not answered yet."
    if errand is not None and errand.state is ErrandState.FAILED:
        return StandingState.FAILED, _trouble(errand.error or "")
    return _without_errand(delivery)


def _without_errand(delivery: Delivery) -> tuple[StandingState, str]:
    match delivery.state:
        case DeliveryState.SENT:
            return StandingState.OUT, "Out."
        case DeliveryState.CANCELLED:
            return StandingState.STOPPED, STOPPED
        case DeliveryState.REFUSED | DeliveryState.MISSED:
            return StandingState.STOPPED, NEVER
        case DeliveryState.NEEDS_PERSON:
            return StandingState.IN_DOUBT, NOBODY_KNOWS
    return StandingState.IN_DOUBT, ON_ITS_WAY


def _trouble(error: str) -> str:
    return error if "by hand" in error else f"Not taken down: {error} {BY_HAND}"
