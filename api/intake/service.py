"""The way in: what arrived is kept as it came, once, together with how far the stream was read."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.core.ids import new_id
from api.core.jobs import Job, ask
from api.models import Account, Arrival, Cursor
from api.platforms.values import RawItem, Stream

CONTEXT = "context"
"""What was found by looking around a message, rather than on a stream."""
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing to keep. The fingerprint covers what matters of it: a counter that moved is not news."""

    item: RawItem
    fingerprint: str
    root_remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a stream is to be moved, from where it was read: somebody else may have moved it meanwhile."""

    stream: Stream
    before: str | None
    after: str | None
    filled: bool = False


async def keep(
    session: AsyncSession,
    account: Account,
    stream: str,
    things: Iterable[Kept],
    position: Position | None = None,
    *,
    keep_days: float,
    backfilled: bool = False,
) -> int:
    """Seen twice is kept once. The cursor moves in the same transaction, so that nothing is skipped."""
    at = now()
    rows = [
        {
            "id": new_id(),
            "created_at": at,
            "account_id": account.id,
            "stream": stream,
            "remote_id": thing.item.remote_id,
            "content_hash": thing.fingerprint,
            "payload": thing.item.payload,
            "root_remote_id": thing.root_remote_id,
            "backfilled": backfilled,
            "received_at": at,
            "purge_at": at + timedelta(days=keep_days),
            "error": "",
        }
        for thing in things
    ]
    kept = 0
    for start in range(0, len(rows), AT_ONCE):
        kept += await _insert_new(session, rows[start : start + AT_ONCE])
    if position:
        await _move(session, account.id, position)
    if kept:
        ask(session, Job("read", str(account.id)))
    return kept


async def _insert_new(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> int:
    make = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = make(Arrival).values(list(rows)).on_conflict_do_nothing().returning(col(Arrival.id))
    return len((await session.execute(statement)).all())


async def _move(session: AsyncSession, account_id: UUID, position: Position) -> None:
    row = (
        await session.execute(
            select(Cursor).where(col(Cursor.account_id) == account_id, col(Cursor.stream) == position.stream)
        )
    ).scalar_one_or_none()
    filled_at = now() if position.filled else None
    if row is None:
        cursor = Cursor(account_id=account_id, stream=position.stream, position=position.after, filled_at=filled_at)
        session.add(cursor)
        await session.flush()
    elif row.position == position.before:
        row.position, row.filled_at = position.after, filled_at or row.filled_at


async def unread(session: AsyncSession, account_id: UUID, limit: int = 200) -> Sequence[Arrival]:
    """What nobody has read yet, in the order in which it came."""
    rows = await session.execute(
        select(Arrival)
        .where(col(Arrival.account_id) == account_id, col(Arrival.read_at).is_(None))
        .order_by(col(Arrival.id))
        .limit(limit)
    )
    return rows.scalars().all()


async def mark_read(session: AsyncSession, arrival_ids: Collection[UUID]) -> None:
    await session.execute(update(Arrival).where(col(Arrival.id).in_(arrival_ids)).values(read_at=now()))


async def mark_broken(session: AsyncSession, arrival_id: UUID, error: str) -> None:
    """It could not be understood: kept for whoever mends the reader, and never in the way of others."""
    await session.execute(update(Arrival).where(col(Arrival.id) == arrival_id).values(read_at=now(), error=error[:200]))


async def purge(session: AsyncSession, limit: int = 1000) -> int:
    """Clears away what has been kept as it came for long enough; asked again, it takes the next ones."""
    old = select(col(Arrival.id)).where(col(Arrival.purge_at) <= now()).limit(limit).scalar_subquery()
    gone = await session.execute(delete(Arrival).where(col(Arrival.id).in_(old)).returning(col(Arrival.id)))
    return len(gone.all())
