"""What the priorities pages and the API show, as frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from api.models import Answer, Issue, Priority, PriorityUpdate, Question, Source


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, where it was posted, and how many people have answered."""

    question: Question
    post_ids: Sequence[UUID]
    people: int
    to_confirm: int


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as this viewer may see it: a private message's words only for those who may read it."""

    answer: Answer
    issues: Sequence[Issue]
    suggested: bool
    """Its issues were proposed by the software and nobody has looked yet."""
    text: str
    private: bool
    who: str
    conversation_id: UUID | None


@dataclass(frozen=True, slots=True)
class SourceCount:
    source: Source
    people: int
    to_confirm: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """Hands are not people: somebody may raise one several times, or none."""

    id: UUID
    source: Source
    place: str
    held_on: date
    heads: int
    counts: Mapping[Issue, int]


@dataclass(frozen=True, slots=True)
class IssueCount:
    """`people`: by source, never summed. `hands`: at meetings, by meeting."""

    issue: Issue
    people: Mapping[Source, int]
    hands: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class Picture:
    question: Question
    sources: Sequence[SourceCount]
    meetings: Sequence[Meeting]
    issues: Sequence[IssueCount]
    to_confirm: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Adopted:
    """`days` since the last update; amber from 60 days on, red from 90."""

    priority: Priority
    days: int
    freshness: Literal["fresh", "amber", "red", "ended"]
    updates: Sequence[PriorityUpdate]
