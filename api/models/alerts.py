"""What somebody must know about at once, whom we told, and the addresses of other systems that want to know too."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from api.models.base import Row, Shared, json_column, one_of


class AlertKind(StrEnum):
    NEEDS_RECONNECT = "needs_reconnect"
    SUSPENDED = "suspended"
    PERMISSION_ENDS = "permission_ends"
    FEED_STOPPED = "feed_stopped"
    NEEDS_PERSON = "needs_person"
    REFUSED = "refused"
    MISSED = "missed"


_STANDS = text("resolved_at IS NULL")
_WAITS = text("state = 'waiting'")


class Alert(Shared, table=True):
    """One cause on one account, once while it lasts. It ends by itself when the cause does."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_standing", "account_id", "kind", unique=True,
            sqlite_where=_STANDS, postgresql_where=_STANDS,
        ),
        Index("ix_alerts_force", "force_id", "created_at", "id"),
    )  # fmt: skip

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id", index=True)
    account_id: UUID = Field(foreign_key="accounts.id")
    kind: AlertKind = one_of(AlertKind)
    number: int = 1
    """How many things it is about."""
    about: list[str] = json_column(list)
    """Their ids, the newest few: what is not among them is news."""
    at: datetime | None = None
    """When it happens or since when it is so, where that is known."""
    seen_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    seen_at: datetime | None = None
    resolved_at: datetime | None = None


class Webhook(Shared, table=True):
    """Where another system of the force is told. Its secret is sealed: only a worker can sign with it."""

    __tablename__ = "webhooks"

    force_id: UUID = Field(foreign_key="forces.id", index=True)
    url: str
    made_by_id: UUID = Field(foreign_key="people.id")
    ended_at: datetime | None = None


class MessageChannel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class MessageEvent(StrEnum):
    OPENED = "opened"
    RESOLVED = "resolved"
    TEST = "test"


class MessageState(StrEnum):
    WAITING = "waiting"
    """A worker takes it, and again after a wait until it was taken or refused."""
    SENT = "sent"
    FAILED = "failed"


class AlertMessage(Row, table=True):
    """One message to one person or one system. Its id is the same on every attempt, so that a copy is known as one."""

    __tablename__ = "alert_messages"
    __table_args__ = (
        Index("ix_alert_messages_waiting", "next_try_at", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
        Index("ix_alert_messages_webhook", "webhook_id", "created_at", "id"),
    )

    force_id: UUID = Field(foreign_key="forces.id")
    channel: MessageChannel = one_of(MessageChannel)
    event: MessageEvent = one_of(MessageEvent)
    person_id: UUID | None = Field(default=None, foreign_key="people.id", index=True)
    webhook_id: UUID | None = Field(default=None, foreign_key="webhooks.id")
    alert_ids: list[str] = json_column(list)
    state: MessageState = one_of(MessageState, MessageState.WAITING)
    next_try_at: datetime
    lease_until: datetime | None = None
    tries: int = 0
    error: str = ""
    sent_at: datetime | None = None
