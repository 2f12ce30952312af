"""How far each stream was read, and for whom something waits to be read."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.models import Arrival, Cursor
from api.platforms.values import Stream


async def cursors(session: AsyncSession, account_id: UUID) -> dict[Stream, Cursor]:
    rows = await session.execute(select(Cursor).where(col(Cursor.account_id) == account_id))
    return {cursor.stream: cursor for cursor in rows.scalars()}


async def accounts_with_unread(session: AsyncSession) -> Sequence[UUID]:
    rows = await session.execute(select(col(Arrival.account_id)).where(col(Arrival.read_at).is_(None)).distinct())
    return rows.scalars().all()
