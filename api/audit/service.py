"""Who did what, when: one line per change, in the same transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.log import request_id
from api.models import AuditEntry, Viewer


def record(
    session: AsyncSession,
    viewer: Viewer | None,
    action: str,
    subject: str,
    subject_id: UUID | None = None,
    force_id: UUID | None = None,
    **detail: Any,
) -> None:
    """`detail` holds ids, states and reasons; never the words of a message. Viewer None: the software itself."""
    session.add(
        AuditEntry(
            force_id=viewer.force_id if viewer else force_id,
            person_id=viewer.person_id if viewer else None,
            token_id=viewer.token_id if viewer else None,
            action=action,
            subject=subject,
            subject_id=subject_id,
            detail={name: str(value) for name, value in detail.items()},
            request_id=request_id(),
        )
    )
