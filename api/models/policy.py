"""What a force has decided about the check before publishing, and where somebody said that it was wrong."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from api.models.base import Row, Shared, json_column


class PolicySettings(Shared, table=True):
    """What is the force's own, so that it is no finding: numbers, addresses, links; and words it does not use."""

    __tablename__ = "policy_settings"

    force_id: UUID = Field(foreign_key="forces.id", unique=True)
    numbers: list[Any] = json_column(list)
    addresses: list[Any] = json_column(list)
    links: list[Any] = json_column(list)
    banned: list[Any] = json_column(list)
    takes_reports: bool = False
    announces_speed_checks: bool = False
    welsh: bool = False
    reply_hours: int = 72
    election_from: datetime | None = None
    election_until: datetime | None = None


class PolicyOverride(Shared, table=True):
    """One rule as this force has it. `text` and `link`: the paragraph of its own policy, read on a day."""

    __tablename__ = "policy_overrides"
    __table_args__ = (UniqueConstraint("force_id", "rule"),)

    force_id: UUID = Field(foreign_key="forces.id")
    rule: str
    level: str | None = None
    off: bool = False
    text: str = ""
    link: str = ""
    read_on: date | None = None


class PolicyFalseAlarm(Row, table=True):
    """Somebody says that a finding is wrong. Of the words only a digest is kept, and where they stood."""

    __tablename__ = "policy_false_alarms"
    __table_args__ = (Index("ix_policy_false_alarms_force", "force_id", "created_at", "id"),)

    force_id: UUID = Field(foreign_key="forces.id")
    person_id: UUID = Field(foreign_key="people.id", index=True)
    rule: str
    start: int
    end: int
    digest: str
    note: str = ""
