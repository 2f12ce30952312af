"""Proof of time: how late things went out and what did not, by day, platform and account."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import LONDON
from api.models import Account, Delivery, DeliveryState, Viewer
from api.outbox.open import HAS_ENDED
from api.outbox.queries import visible
from api.platforms.values import Platform

DAYS = 30
MOST_DAYS = 90
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Heap(Generic[Key]):
    """Deliveries that are alike: the same day or account, the same end and, within a hundredth, as late."""

    key: Key
    state: DeliveryState
    again: bool
    late_ms: int
    """Upper edge of the step that they fall into."""
    longest_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`again`: what somebody had to send again; it stands on the day of its first time, and in no percentile."""

    sent: int = 0
    p50_ms: int | None = None
    p99_ms: int | None = None
    longest_ms: int | None = None
    missed: int = 0
    refused: int = 0
    needs_person: int = 0
    again: int = 0

    @property
    def to_mend(self) -> int:
        return self.missed + self.refused + self.needs_person


@dataclass(frozen=True, slots=True)
class Proof:
    since: datetime
    until: datetime
    total: Figures
    days: Mapping[date, Figures]
    """Each day, oldest first, those on which nothing was due too."""
    platforms: Mapping[Platform, Figures]
    accounts: Mapping[UUID, Figures]
    platform_of: Mapping[UUID, Platform]


async def proof(
    session: AsyncSession,
    viewer: Viewer,
    at: datetime,
    days: int = DAYS,
    team_id: UUID | None = None,
    account_id: UUID | None = None,
) -> Proof:
    """Counted in the database: the number of rows that come back does not grow with what was sent."""
    midnights = _midnights(at, days)
    one = _each(viewer, midnights, at, team_id, account_id).subquery()
    by_day = await _heaps(session, one, one.c.day)
    by_account = await _heaps(session, one, one.c.account_id)
    days_of = {number: [heap for heap in by_day if heap.key == number] for number in range(days)}
    platform_of = await _platforms(session, {heap.key for heap in by_account})
    return Proof(
        since=midnights[0],
        until=at,
        total=figures(by_day),
        days={midnight.date(): figures(days_of[number]) for number, midnight in enumerate(midnights)},
        platforms={
            platform: figures(heap for heap in by_account if platform_of[heap.key] is platform)
            for platform in sorted(set(platform_of.values()))
        },
        accounts={each: figures(heap for heap in by_account if heap.key == each) for each in platform_of},
        platform_of=platform_of,
    )


def figures(heaps: Iterable[Heap[Any]]) -> Figures:
    """Percentiles are the upper edge of the step, never more than the longest: “at most” is true."""
    all_of_them = list(heaps)
    ended = Counter[DeliveryState]()
    late = Counter[int]()
    for heap in all_of_them:
        if heap.again:
            continue
        ended[heap.state] += heap.number
        if heap.state is DeliveryState.SENT:
            late[heap.late_ms] += heap.number
    out = [heap.longest_ms for heap in all_of_them if heap.state is DeliveryState.SENT and not heap.again]
    longest = max(out) if out else None
    return Figures(
        sent=ended[DeliveryState.SENT],
        p50_ms=_percentile(late, 0.5, longest),
        p99_ms=_percentile(late, 0.99, longest),
        longest_ms=longest,
        missed=ended[DeliveryState.MISSED],
        refused=ended[DeliveryState.REFUSED],
        needs_person=ended[DeliveryState.NEEDS_PERSON],
        again=sum(heap.number for heap in all_of_them if heap.again),
    )


def _percentile(late: Counter[int], share: float, longest: int | None) -> int | None:
    """The smallest step that so many of them do not exceed."""
    if longest is None:
        return None
    wanted, so_far = ceil(share * late.total()), 0
    for step in sorted(late):
        so_far += late[step]
        if so_far >= wanted:
            return min(step, longest)
    return longest


def _midnights(at: datetime, days: int) -> list[datetime]:
    """The beginnings of the last days in London, oldest first; today is the last."""
    today = at.astimezone(LONDON).date()
    return [datetime.combine(today - timedelta(days=ago), time(), LONDON) for ago in range(days - 1, -1, -1)]


def _each(
    viewer: Viewer, midnights: Sequence[datetime], at: datetime, team_id: UUID | None, account_id: UUID | None
) -> Select[Any]:
    due = func.coalesce(col(Delivery.first_due_at), col(Delivery.due_at))
    late = func.coalesce(col(Delivery.lateness_ms), 0)
    each = select(
        case(*((due >= start, number) for number, start in reversed(list(enumerate(midnights)))), else_=-1).label(
            "day"
        ),
        col(Delivery.account_id),
        col(Delivery.state),
        late.label("late"),
        case(
            (late < 1000, late // 10 * 10 + 10),
            (late < 60_000, late // 100 * 100 + 100),
            else_=late // 1000 * 1000 + 1000,
        ).label("step"),
        col(Delivery.first_due_at).is_not(None).label("again"),
        # What is sent again is due later than it first was, so that the index's own column narrows all of it.
    ).where(HAS_ENDED, visible(viewer), col(Delivery.due_at) >= midnights[0], col(Delivery.due_at) <= at)
    if team_id is not None:
        each = each.where(col(Delivery.team_id) == team_id)
    if account_id is not None:
        each = each.where(col(Delivery.account_id) == account_id)
    return each


async def _heaps(session: AsyncSession, one: Any, key: Any) -> list[Heap[Any]]:
    rows = await session.execute(
        select(key, one.c.state, one.c.again, one.c.step, func.max(one.c.late), func.count())
        .where(one.c.day >= 0)
        .group_by(key, one.c.state, one.c.again, one.c.step)
    )
    return [Heap(of, DeliveryState(state), bool(again), *numbers) for of, state, again, *numbers in rows]


async def _platforms(session: AsyncSession, account_ids: Collection[UUID]) -> dict[UUID, Platform]:
    rows = await session.execute(
        select(col(Account.id), col(Account.platform))
        .where(col(Account.id).in_(account_ids))
        .order_by(col(Account.platform), col(Account.handle), col(Account.id))
    )
    return {account_id: Platform(platform) for account_id, platform in rows}
