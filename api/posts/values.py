"""A post with all that belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from uuid import UUID

from api.models import Account, Delivery, Destination, Media, Post, Schedule, Share
from api.outbox.waits import Wait
from api.platforms.values import Visibility


@dataclass(frozen=True, slots=True)
class Written:
    """`schedule` is the last one; `deliveries` are those that still mean something."""

    post: Post
    author: str
    destinations: Sequence[Destination]
    deliveries: Sequence[Delivery]
    schedule: Schedule | None
    share: Share | None = None
    media: Sequence[Media] = ()
    """The pictures or the video that it carries, in order."""
    waiting: Mapping[UUID, Wait] = field(default_factory=dict)
    """Accounts from which nothing goes out for a while."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is the same wherever a post goes: the text, unless an account says it differently, and how it is said."""

    text: str
    language: str
    visibility: Visibility
    content_warning: str
    as_thread: bool

    @classmethod
    def of(cls, post: Post) -> "Words":
        return cls(**{field.name: getattr(post, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Exactly what one account will say. Several parts are a thread."""

    account: Account
    text: str
    words: Words
    parts: tuple[str, ...]
    shares: str | None = None
    """A repost: what it passes on, as that platform names it. Its words are not ours to count."""


@dataclass(frozen=True, slots=True)
class When:
    """`useful_until` None: as the force or the installation has set."""

    due_at: datetime
    useful_until: datetime | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel did: for which accounts it was in time, and for which not."""

    post: Post
    stopped: Sequence[UUID]
    gone: Sequence[UUID]
    words: str


@dataclass(frozen=True, slots=True)
class Version:
    """What stood on an account until somebody changed it; None: on the platform itself."""

    delivery_id: UUID
    account_id: UUID
    text: str
    content_warning: str
    descriptions: list[str] | None
    replaced_at: datetime
    changed_by: str | None
