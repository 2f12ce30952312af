"""Who did what, when. Rows are added and never changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index

from api.models.base import Row, json_column


class AuditEntry(Row, table=True):
    """`detail` holds ids, states and reasons; never the words of a message."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "subject_id", "created_at", "id"),
        Index("ix_audit_entries_force", "force_id", "created_at", "id"),
    )

    force_id: UUID | None = None
    person_id: UUID | None = None
    token_id: UUID | None = None
    action: str
    subject: str
    subject_id: UUID | None = None
    detail: dict[str, Any] = json_column()
    request_id: str = ""
