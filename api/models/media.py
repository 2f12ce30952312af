"""Pictures and videos that posts carry. The bytes lie in the file store, without anything that tells where they were made."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from api.models.base import Row, Shared, one_of


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


_LOOSE = text("kept_until IS NOT NULL")


class Media(Shared, table=True):
    """`file` is its name in the file store. An image is as it was re-encoded, a video as it came."""

    __tablename__ = "media"
    __table_args__ = (
        Index("ix_media_team_time", "team_id", "created_at", "id"),
        # Partial: what posts carry is never looked through when the rest is cleared away.
        Index("ix_media_loose", "kept_until", sqlite_where=_LOOSE, postgresql_where=_LOOSE),
    )

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id")
    uploaded_by_id: UUID = Field(foreign_key="people.id")
    kind: MediaKind = one_of(MediaKind)
    content_type: str
    file: str
    sha256: str
    size: int
    """In bytes."""
    width: int = 0
    height: int = 0
    seconds: float | None = None
    """How long a video plays, where that could be read."""
    alt: str = ""
    no_alt_reason: str = ""
    """Why it has no words for people who cannot see it: it goes out only with one of the two."""
    focus_x: float = 0.0
    focus_y: float = 0.0
    """What must stay in sight when it is cropped: -1 to 1 from left to right, and from bottom to top."""
    kept_until: datetime | None = None
    """No post carries it: from then on it is not there, and is cleared away, its file first. Null: a post does."""


class PostMedia(Row, table=True):
    """What a post carries, in order."""

    __tablename__ = "post_media"
    __table_args__ = (UniqueConstraint("post_id", "media_id"),)

    post_id: UUID = Field(foreign_key="posts.id", index=True)
    media_id: UUID = Field(foreign_key="media.id", index=True)
    position: int
