"""What workers tell each other about limits that are nearly used up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.ids import new_id
from api.models import Bucket
from api.platforms.windows import Call, Window

SAME = timedelta(seconds=2)
LATE = timedelta(seconds=5)
"""A transaction may be seen a little after the time it wrote down."""


@dataclass(frozen=True, slots=True)
class Known:
    """One window: an account's, or a server's for all who come from here."""

    about: UUID | str
    call: Call
    window: Window


async def tell(session: AsyncSession, known: Sequence[Known], at: datetime) -> None:
    """The newest word on each; a window that ended before the one that stands there changes nothing."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for each in sorted(known, key=lambda each: (str(each.about), each.call)):
        statement = insert(Bucket).values(_row(each, at))
        new = {name: statement.excluded[name] for name in ("allowed", "remaining", "resets_at", "told_at")}
        over = col(Bucket.resets_at) <= each.window.resets_at + SAME
        await session.execute(statement.on_conflict_do_update(index_elements=["about", "call"], set_=new, where=over))


async def told(session: AsyncSession, since: datetime | None, at: datetime) -> tuple[list[Known], datetime | None]:
    """What still counts and is newer than that, and up to when it was read."""
    statement = select(Bucket).where(col(Bucket.resets_at) > at)
    if since is not None:
        statement = statement.where(col(Bucket.told_at) > since - LATE)
    rows = (await session.execute(statement)).scalars().all()
    return [_known(row) for row in rows], max((row.told_at for row in rows), default=since)


async def clear(session: AsyncSession, at: datetime, limit: int) -> int:
    """Windows that are over."""
    old = select(col(Bucket.id)).where(col(Bucket.resets_at) <= at - timedelta(hours=1)).limit(limit)
    gone = await session.execute(delete(Bucket).where(col(Bucket.id).in_(old)).returning(col(Bucket.id)))
    return len(gone.all())


def _row(known: Known, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "created_at": at, "about": str(known.about), "call": known.call, "told_at": at,
        "account_id": known.about if isinstance(known.about, UUID) else None,
        "allowed": known.window.limit, "remaining": known.window.remaining, "resets_at": known.window.resets_at,
    }  # fmt: skip


def _known(row: Bucket) -> Known:
    return Known(row.account_id or row.about, row.call, Window(row.allowed, row.remaining, row.resets_at))
