"""Posts, when they go out, and each delivery's life."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from api.models.base import Row, Shared, json_column, one_of
from api.platforms.values import Visibility


class PostState(StrEnum):
    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    PARTLY_SENT = "partly_sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Confirmation(StrEnum):
    """How somebody answered: would you say this in public to a journalist?"""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105
    """The standing confirmation of the named person behind a token with posts:publish."""


class Post(Shared, table=True):
    __tablename__ = "posts"
    __table_args__ = (Index("ix_posts_team_state", "team_id", "state", "updated_at", "id"),)

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id")
    author_id: UUID = Field(foreign_key="people.id")
    text: str
    language: str = "en"
    state: PostState = one_of(PostState, PostState.DRAFT)
    useful_until: datetime | None = None
    standard_post_id: UUID | None = Field(default=None, foreign_key="standard_posts.id")
    question_id: UUID | None = Field(default=None, foreign_key="questions.id", index=True)
    priority_id: UUID | None = Field(default=None, foreign_key="priorities.id", index=True)
    confirmed_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = None
    confirmed_how: str | None = None


class Destination(Row, table=True):
    """One account a post goes to; `text` where it says it differently there."""

    __tablename__ = "destinations"
    __table_args__ = (UniqueConstraint("post_id", "account_id"),)

    post_id: UUID = Field(foreign_key="posts.id")
    account_id: UUID = Field(foreign_key="accounts.id", index=True)
    text: str | None = None


class ScheduleKind(StrEnum):
    ONCE = "once"


class ScheduleState(StrEnum):
    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"


class Schedule(Shared, table=True):
    """When a post goes out. `publish_at` is the next time; `rule` is for kinds that have more than one."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index("ix_schedules_team_time", "team_id", "publish_at", "id"),
        Index(
            "uq_schedules_active_post", "post_id", unique=True,
            sqlite_where=text("state = 'active'"), postgresql_where=text("state = 'active'"),
        ),
    )  # fmt: skip

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id")
    post_id: UUID = Field(foreign_key="posts.id", index=True)
    kind: ScheduleKind = one_of(ScheduleKind, ScheduleKind.ONCE)
    rule: dict[str, Any] = json_column()
    publish_at: datetime
    useful_until: datetime | None = None
    state: ScheduleState = one_of(ScheduleState, ScheduleState.ACTIVE)
    made_by_id: UUID = Field(foreign_key="people.id")


class DeliveryState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NEEDS_PERSON = "needs_person"
    HELD = "held"
    MISSED = "missed"
    CANCELLED = "cancelled"


OPEN = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN)
_WATCHED = text("state = 'sent' AND post_id IS NOT NULL AND gone_at IS NULL")
_LINKED = text("remote_id IS NOT NULL")
_OPEN = text("state IN ('queued', 'claimed', 'sending', 'unknown')")


class Delivery(Shared, table=True):
    """One thing that leaves for one account. Its id is the idempotency key of every attempt."""

    __tablename__ = "deliveries"
    __table_args__ = (
        # Partial: the cost of a send does not grow with what was sent before.
        Index("ix_deliveries_open_due", "due_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(
            "ix_deliveries_open_account",
            "account_id",
            "due_at",
            "id",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        # Whose replies are still looked for, newest first.
        Index("ix_deliveries_watched", "account_id", "sent_at", sqlite_where=_WATCHED, postgresql_where=_WATCHED),
        # What an account's deliveries became lately: a list that is read back is compared with these.
        Index("ix_deliveries_linked", "account_id", "sent_at", sqlite_where=_LINKED, postgresql_where=_LINKED),
        Index("ix_deliveries_team_due", "team_id", "due_at", "id"),
        Index("ix_deliveries_team_state", "team_id", "state", "due_at", "id"),
        UniqueConstraint("account_id", "remote_id"),
    )

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id")
    account_id: UUID = Field(foreign_key="accounts.id")
    post_id: UUID | None = Field(default=None, foreign_key="posts.id", index=True)
    schedule_id: UUID | None = Field(default=None, foreign_key="schedules.id", index=True)
    message_id: UUID | None = Field(default=None, foreign_key="messages.id", index=True)
    """The reply that this carries; null for a post."""

    text: str
    language: str = "en"
    visibility: Visibility = one_of(Visibility, Visibility.PUBLIC)
    in_reply_to: str | None = None

    state: DeliveryState = one_of(DeliveryState, DeliveryState.QUEUED)
    due_at: datetime
    not_before: datetime
    """When to look at it next: its time at first, later the end of a wait."""
    useful_until: datetime
    attempts: int = 0
    claimed_by: str | None = None
    lease_until: datetime | None = None
    first_started_at: datetime | None = None
    """Start of the first attempt that may have reached the platform: read-back pages back until then."""
    given_up_at: datetime | None = None
    """When the answer of the last attempt was given up."""
    empty_lists: int = 0
    read_backs: int = 0

    sent_at: datetime | None = None
    lateness_ms: int | None = None
    remote_id: str | None = None
    url: str | None = None
    error: str | None = None
    """A sentence for whoever has to act."""
    gone_at: datetime | None = None
    """Found deleted on the platform."""
    watched_at: datetime | None = None
    """When replies to it were last looked for."""
