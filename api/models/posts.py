"""Posts, when they go out, and each delivery's life."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlmodel import Field

from api.models.base import MaybeJson, Row, Shared, json_column, one_of
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
    WITHDRAWN = "withdrawn"
    """All that went out was taken down again."""


class ShareHow(StrEnum):
    """How something of the force's own is passed on."""

    REPOST = "repost"
    LINK = "link"
    """A line of our own, and where the original stands."""


class Confirmation(StrEnum):
    """How somebody answered: would you say this in public to a journalist?"""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105
    """The standing confirmation of the named person behind a token with posts:publish."""


_NO = text("false")


class Post(Shared, table=True):
    __tablename__ = "posts"
    __table_args__ = (Index("ix_posts_team_state", "team_id", "state", "updated_at", "id"),)

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id")
    author_id: UUID = Field(foreign_key="people.id")
    text: str
    language: str = "en"
    visibility: Visibility = one_of(Visibility, Visibility.PUBLIC, server_default="public")
    content_warning: str = Field(default="", sa_column_kwargs={"server_default": ""})
    as_thread: bool = Field(default=False, sa_column_kwargs={"server_default": _NO})
    """Where it is too long it goes out in parts, each answering the one before."""
    state: PostState = one_of(PostState, PostState.DRAFT)
    useful_until: datetime | None = None
    standard_post_id: UUID | None = Field(default=None, foreign_key="standard_posts.id")
    question_id: UUID | None = Field(default=None, foreign_key="questions.id", index=True)
    priority_id: UUID | None = Field(default=None, foreign_key="priorities.id", index=True)
    confirmed_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_at: datetime | None = None
    confirmed_how: str | None = None
    withdrawn_at: datetime | None = None
    """When it was asked to be taken down: whatever of it still lands goes, too."""
    withdrawn_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    """Null beside a time: the software, because what it shares was taken down."""


class Destination(Row, table=True):
    """One account a post goes to; `text` where it says it differently there."""

    __tablename__ = "destinations"
    __table_args__ = (UniqueConstraint("post_id", "account_id"),)

    post_id: UUID = Field(foreign_key="posts.id")
    account_id: UUID = Field(foreign_key="accounts.id", index=True)
    text: str | None = None


class Share(Row, table=True):
    """A post that passes on something of the force's own, and is taken down with it."""

    __tablename__ = "shares"

    post_id: UUID = Field(foreign_key="posts.id", unique=True)
    delivery_id: UUID = Field(foreign_key="deliveries.id", index=True)
    """The original, as it went out."""
    how: ShareHow = one_of(ShareHow)


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


class DeliveryKind(StrEnum):
    POST = "post"
    REPOST = "repost"
    """Passes on what somebody else said, without words of ours."""


OPEN = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN)
_WATCHED = text("state = 'sent' AND post_id IS NOT NULL AND gone_at IS NULL")
_LINKED = text("remote_id IS NOT NULL")
_OPEN = text("state IN ('queued', 'claimed', 'sending', 'unknown')")
_ENDED = text("state IN ('sent', 'needs_person', 'refused', 'missed')")
_TO_MEND = text("state IN ('needs_person', 'refused', 'missed')")


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
        # What somebody has to look at: few, however much went out.
        Index(
            "ix_deliveries_to_mend",
            "due_at",
            "account_id",
            sqlite_where=_TO_MEND,
            postgresql_where=_TO_MEND,
        ),
        # Proof of time reads nothing but this; written once for each delivery, at its end.
        Index(
            "ix_deliveries_ended",
            "force_id",
            "due_at",
            sqlite_where=_ENDED,
            postgresql_where=_ENDED,
            postgresql_include=[
                "team_id",
                "account_id",
                "state",
                "lateness_ms",
                "first_due_at",
                "message_id",
                "visibility",
            ],
        ),
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
    kind: DeliveryKind = one_of(DeliveryKind, DeliveryKind.POST, server_default="post")
    content_warning: str = Field(default="", sa_column_kwargs={"server_default": ""})
    media_ids: list[str] | None = Field(default=None, sa_column=Column(MaybeJson, nullable=True))
    """The pictures or the video that it carries, in order."""
    card: dict[str, str] | None = Field(default=None, sa_column=Column(MaybeJson, nullable=True))
    """What the page behind its link says about itself, where the platform does not ask; empty: nothing of use."""
    shares: str | None = None
    """What a repost passes on, as its platform names it."""
    parent_id: UUID | None = Field(default=None, foreign_key="deliveries.id", index=True)
    """The part of a thread before this one: only once that is out, this is due, as an answer to it."""
    part: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    parts: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    state: DeliveryState = one_of(DeliveryState, DeliveryState.QUEUED)
    due_at: datetime
    first_due_at: datetime | None = None
    """Its time before somebody sent it again: proof of time counts it there."""
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
    edited_at: datetime | None = None
    """When its words were last changed where they stand."""


class DeliveryVersion(Row, table=True):
    """What stood on a platform until it was changed."""

    __tablename__ = "delivery_versions"
    __table_args__ = (UniqueConstraint("delivery_id", "number"),)

    delivery_id: UUID = Field(foreign_key="deliveries.id", ondelete="CASCADE")
    number: int
    text: str
    content_warning: str = ""
    alts: list[str] | None = Field(default=None, sa_column=Column(MaybeJson, nullable=True))
    """How its pictures were described, where that was changed."""
    replaced_at: datetime
    changed_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    """Null: it was changed on the platform itself."""
