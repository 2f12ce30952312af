"""Opens an alert for each cause, once while it lasts, and ends it when the cause does. Nobody has to close one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.alerts.causes import Cause, causes
from api.core.clock import now
from api.core.settings import Settings
from api.models import Alert, AlertKind


@dataclass(frozen=True, slots=True)
class Difference:
    """Between what is wrong and what stands in the list."""

    new: Sequence[Cause]
    moved: Sequence[tuple[Alert, Cause]]
    over: Sequence[Alert]

    def __bool__(self) -> bool:
        return bool(self.new or self.moved or self.over)


@dataclass(frozen=True, slots=True)
class Turn:
    """What people are told of: what began or grew, and what is over."""

    opened: Sequence[Alert]
    resolved: Sequence[Alert]


async def difference(session: AsyncSession, settings: Settings, at: datetime) -> Difference:
    """Reads only: most of the time there is nothing to do, and then nothing is locked."""
    wrong = {cause.key: cause for cause in await causes(session, settings, at)}
    standing = {(alert.account_id, alert.kind): alert for alert in await _standing(session)}
    both = [(alert, wrong[key]) for key, alert in standing.items() if key in wrong]
    return Difference(
        new=[cause for key, cause in wrong.items() if key not in standing],
        moved=[(alert, cause) for alert, cause in both if _has_moved(alert, cause)],
        over=[alert for key, alert in standing.items() if key not in wrong],
    )


async def follow(session: AsyncSession, found: Difference) -> Turn:
    """Of several workers that saw the same, one does it: the others' changes find nothing to change."""
    opened = [alert for cause in found.new if (alert := await _open(session, cause)) is not None]
    for alert, cause in found.moved:
        if await _move(session, alert, cause) and is_news(alert, cause):
            opened.append(await session.get_one(Alert, alert.id, populate_existing=True))
    resolved = [alert for alert in found.over if await _change(session, alert, resolved_at=now())]
    return Turn(opened, resolved)


async def standing_kinds(session: AsyncSession) -> list[AlertKind]:
    """The kind of each alert whose cause lasts, in the whole installation."""
    return [alert.kind for alert in await _standing(session)]


def is_news(alert: Alert, cause: Cause) -> bool:
    """Something that nobody was told of yet; that there is less of it is no news."""
    return bool(set(cause.about) - set(alert.about))


def _has_moved(alert: Alert, cause: Cause) -> bool:
    later = cause.kind is AlertKind.PERMISSION_ENDS and cause.at != alert.at
    return (cause.number, list(cause.about)) != (alert.number, alert.about) or later


async def _standing(session: AsyncSession) -> Sequence[Alert]:
    return (await session.execute(select(Alert).where(col(Alert.resolved_at).is_(None)))).scalars().all()


async def _open(session: AsyncSession, cause: Cause) -> Alert | None:
    alert = Alert(
        force_id=cause.force_id, team_id=cause.team_id, account_id=cause.account_id, kind=cause.kind,
        number=cause.number, about=list(cause.about), at=cause.at,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(alert)
    except IntegrityError:
        return None
    return alert


async def _move(session: AsyncSession, alert: Alert, cause: Cause) -> bool:
    values: dict[str, Any] = {"number": cause.number, "about": list(cause.about), "at": cause.at}
    if is_news(alert, cause):
        values |= {"seen_at": None, "seen_by_id": None}
    return await _change(session, alert, **values)


async def _change(session: AsyncSession, alert: Alert, **values: Any) -> bool:
    """Only what is still as it was read."""
    rows = await session.execute(
        update(Alert)
        .where(col(Alert.id) == alert.id, col(Alert.version) == alert.version, col(Alert.resolved_at).is_(None))
        .values(version=alert.version + 1, updated_at=now(), **values)
        .returning(col(Alert.id))
        .execution_options(synchronize_session=False)
    )
    changed: UUID | None = rows.scalar_one_or_none()
    return changed is not None
