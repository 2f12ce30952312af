"""Somebody says that a delivery in doubt is live, and where; a worker looks whether it is ours."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from api.models.base import Row, one_of


class SightingState(StrEnum):
    ASKED = "asked"
    """A worker looks; until then nothing is believed."""
    FOUND = "found"
    REJECTED = "rejected"


_WAITS = text("state = 'asked'")


class Sighting(Row, table=True):
    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_waiting", "next_try_at", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
        Index("uq_sightings_asked", "delivery_id", unique=True, sqlite_where=_WAITS, postgresql_where=_WAITS),
    )

    force_id: UUID = Field(foreign_key="forces.id")
    delivery_id: UUID = Field(foreign_key="deliveries.id", index=True)
    asked_by_id: UUID = Field(foreign_key="people.id")
    url: str = Field(repr=False)
    state: SightingState = one_of(SightingState, SightingState.ASKED)
    next_try_at: datetime
    lease_until: datetime | None = None
    tries: int = 0
    error: str = ""
