"""What is asked of a platform about something that is there already: take it down, change it, like it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, Index, text
from sqlmodel import Field

from api.models.base import MaybeJson, Shared, one_of


class ErrandKind(StrEnum):
    WITHDRAW = "withdraw"
    EDIT = "edit"
    LIKE = "like"
    UNLIKE = "unlike"


class ErrandState(StrEnum):
    ASKED = "asked"
    """A worker does it, and again after a wait until the platform has said something clear."""
    DONE = "done"
    FAILED = "failed"
    """The platform said no: `error` is a sentence for whoever has to act."""


_WAITS = text("state = 'asked'")


class Errand(Shared, table=True):
    """Doing it twice changes nothing more, so that it is simply tried until it is done or refused."""

    __tablename__ = "errands"
    __table_args__ = (Index("ix_errands_waiting", "next_try_at", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),)

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id")
    account_id: UUID = Field(foreign_key="accounts.id", index=True)
    kind: ErrandKind = one_of(ErrandKind)
    delivery_id: UUID | None = Field(default=None, foreign_key="deliveries.id", index=True)
    """Ours that it is about."""
    message_id: UUID | None = Field(default=None, foreign_key="messages.id", index=True)
    """Somebody else's that it is about."""
    remote_id: str
    text: str | None = None
    """The new words of an edit."""
    content_warning: str = Field(default="", sa_column_kwargs={"server_default": ""})
    alts: list[str] | None = Field(default=None, sa_column=Column(MaybeJson, nullable=True))
    """New descriptions of its pictures, in their order; null: as they are."""
    state: ErrandState = one_of(ErrandState, ErrandState.ASKED)
    asked_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    next_try_at: datetime
    lease_until: datetime | None = None
    tries: int = 0
    error: str | None = None
    done_at: datetime | None = None
