"""A post with all that belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from api.models import Account, Delivery, Destination, Post, Schedule
from api.outbox.forecast import Wait


@dataclass(frozen=True, slots=True)
class Written:
    """`schedule` is the last one; `deliveries` are those that still mean something."""

    post: Post
    author: str
    destinations: Sequence[Destination]
    deliveries: Sequence[Delivery]
    schedule: Schedule | None
    waiting: Mapping[UUID, Wait] = field(default_factory=dict)
    """Accounts from which nothing goes out for a while."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Exactly what one account will say."""

    account: Account
    text: str


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
