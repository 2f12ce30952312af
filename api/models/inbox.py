"""What arrives, as it came and as conversations."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from api.models.base import Row, Shared, json_column, one_of
from api.platforms.values import Stream, Visibility

_UNREAD = text("read_at IS NULL")


class Arrival(Row, table=True):
    """One thing exactly as a platform sent it; cleared away after its purge date."""

    __tablename__ = "arrivals"
    __table_args__ = (
        UniqueConstraint("account_id", "remote_id", "content_hash"),
        Index("ix_arrivals_unread", "account_id", "id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    )

    account_id: UUID = Field(foreign_key="accounts.id")
    stream: str
    remote_id: str
    content_hash: str
    payload: dict[str, Any] = json_column()
    root_remote_id: str | None = None
    """Where its thread begins, when the poller had to ask for that; reading then needs no network."""
    backfilled: bool = False
    received_at: datetime
    purge_at: datetime = Field(index=True)
    read_at: datetime | None = None
    error: str = ""


class Cursor(Row, table=True):
    """How far a stream was read; moved in the same transaction as the rows."""

    __tablename__ = "cursors"
    __table_args__ = (UniqueConstraint("account_id", "stream"),)

    account_id: UUID = Field(foreign_key="accounts.id")
    stream: Stream = one_of(Stream)
    position: str | None = None
    filled_at: datetime | None = None
    """When the history was read in."""


class ConversationKind(StrEnum):
    PUBLIC = "public"
    DIRECT = "direct"


class ConversationState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Conversation(Shared, table=True):
    """One person under one thread on one account. What the list shows is kept here, not joined."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("account_id", "thread_key"),
        Index("ix_conversations_root", "account_id", "root_remote_id"),
        Index("ix_conversations_team_state", "team_id", "state", "last_message_at", "id"),
        Index("ix_conversations_force_state", "force_id", "state", "last_message_at", "id"),
        Index("ix_conversations_assigned", "assigned_to_id", "state", "last_message_at", "id"),
    )

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id")
    """Null: the force's own account, seen by roles that reach the whole force."""
    account_id: UUID = Field(foreign_key="accounts.id")
    thread_key: str
    root_remote_id: str
    kind: ConversationKind = one_of(ConversationKind)
    state: ConversationState = one_of(ConversationState, ConversationState.OPEN)
    contact_remote_id: str
    contact_handle: str
    contact_name: str
    post_id: UUID | None = Field(default=None, foreign_key="posts.id", index=True)
    """Our post that it stands under."""
    assigned_to_id: UUID | None = Field(default=None, foreign_key="people.id")
    last_message_at: datetime
    last_message_id: UUID | None = None
    last_words: str = ""
    last_from_us: bool = False
    waiting_since: datetime | None = None
    """The first message that has no answer yet; null when nobody waits, or when it is history."""
    closed_at: datetime | None = None
    closed_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    checked_at: datetime | None = None
    """When edits and deletions were last looked for."""


class Message(Row, table=True):
    """One message in or out. `sort_at` is the earlier of when it was written and when it came."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("account_id", "remote_id"),
        Index("ix_messages_conversation", "conversation_id", "sort_at", "id"),
        Index("ix_messages_keep", "keep_until"),
    )

    force_id: UUID = Field(foreign_key="forces.id")
    account_id: UUID = Field(foreign_key="accounts.id")
    conversation_id: UUID = Field(foreign_key="conversations.id")
    remote_id: str | None = None
    from_us: bool = False
    person_id: UUID | None = Field(default=None, foreign_key="people.id")
    """Who of us wrote it, when it was written here."""
    author_remote_id: str = ""
    author_handle: str = ""
    author_name: str = ""
    text: str
    visibility: Visibility = one_of(Visibility)
    in_reply_to: str | None = None
    url: str = ""
    attachments: list[Any] = json_column(list)
    occurred_at: datetime
    received_at: datetime
    sort_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    """Taken back by its sender: only records see the words, with a reason."""
    backfilled: bool = False
    version: int = 1
    keep_until: datetime


class MessageVersion(Row, table=True):
    """What a message said before it was edited or deleted."""

    __tablename__ = "message_versions"
    __table_args__ = (UniqueConstraint("message_id", "version"),)

    message_id: UUID = Field(foreign_key="messages.id", ondelete="CASCADE")
    version: int
    text: str
    replaced_at: datetime
    deleted: bool = False


class Note(Row, table=True):
    """Stays inside. A table of its own that nothing on the way out can read."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_conversation", "conversation_id", "created_at", "id"),)

    conversation_id: UUID = Field(foreign_key="conversations.id", ondelete="CASCADE")
    person_id: UUID = Field(foreign_key="people.id")
    text: str
    keep_until: datetime = Field(index=True)


class Reading(Row, table=True):
    """How far one person has read one conversation."""

    __tablename__ = "readings"
    __table_args__ = (UniqueConstraint("person_id", "conversation_id"),)

    person_id: UUID = Field(foreign_key="people.id")
    conversation_id: UUID = Field(foreign_key="conversations.id", ondelete="CASCADE", index=True)
    read_to: datetime
