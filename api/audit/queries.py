"""What happened to one thing, oldest first."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.models import AuditEntry, Viewer


async def history(
    session: AsyncSession, viewer: Viewer, subject_id: UUID, limit: int = 50, parts: Collection[UUID] = ()
) -> Sequence[AuditEntry]:
    """The caller has passed the gate to the thing itself, and to its parts."""
    rows = await session.execute(
        select(AuditEntry)
        .where(col(AuditEntry.subject_id).in_([subject_id, *parts]), col(AuditEntry.force_id) == viewer.force_id)
        .order_by(col(AuditEntry.created_at), col(AuditEntry.id))
        .limit(limit)
    )
    return rows.scalars().all()
