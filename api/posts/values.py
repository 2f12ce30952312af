"""A post with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from api.models import Account, Delivery, Destination, Post, Schedule
from api.platforms.values import Visibility


@dataclass(frozen=True, slots=True)
class Written:
    """`schedule` is the last one; `deliveries` are those that still mean something."""

    post: Post
    author: str
    destinations: Sequence[Destination]
    deliveries: Sequence[Delivery]
    schedule: Schedule | None


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
