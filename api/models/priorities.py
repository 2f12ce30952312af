"""Questions about priorities, what people answered, what the team decided and did."""

import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from api.models.base import Row, Shared, json_column, one_of


class Issue(StrEnum):
    """The one list of issues. Labels and owners stand in api/priorities/issues.py."""

    ASB = "anti-social-behaviour"
    SPEEDING = "speeding-and-road-safety"
    PARKING = "parking"
    DRUGS = "drugs"
    BURGLARY = "burglary"
    VEHICLE_CRIME = "vehicle-crime"
    THEFT = "theft-and-shoplifting"
    VIOLENCE = "violence-and-knife-crime"
    DOMESTIC_ABUSE = "domestic-abuse"
    VAWG = "sexual-harassment-and-safety-of-women-and-girls"
    HATE_CRIME = "hate-crime"
    FRAUD = "fraud-and-scams"
    RURAL = "rural-and-wildlife-crime"
    FLY_TIPPING = "fly-tipping-and-environment"
    E_SCOOTERS = "e-scooters-and-nuisance-bikes"
    DRINK = "drink-and-street-drinking"
    BEGGING = "begging-and-homelessness"
    YOUTH = "youth-provision"
    PATROLS = "visible-patrols"
    CYBER = "cyber-and-online-safety"
    BUSINESS = "business-crime"
    SLAVERY = "modern-slavery-and-exploitation"
    DOGS = "dogs"
    NOISE = "noise"
    GRAFFITI = "graffiti-and-vandalism"
    OTHER = "other"


class QuestionState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Question(Shared, table=True):
    """One round of asking one neighbourhood for its priorities."""

    __tablename__ = "questions"

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id", index=True)
    neighbourhood_id: UUID = Field(foreign_key="neighbourhoods.id", index=True)
    text: str
    state: QuestionState = one_of(QuestionState, QuestionState.OPEN)
    opens_at: datetime
    closes_at: datetime | None = None
    asked_by_id: UUID = Field(foreign_key="people.id")
    voice_key: str = Field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Hashes who answered into a voice; thrown away when the round closes, so that nobody can be found by it later."""


class Source(StrEnum):
    """Where an answer comes from; never mixed, always shown side by side."""

    ONLINE = "online"
    WEB_FORM = "web_form"
    MEETING = "meeting"
    DOORSTEP = "doorstep"
    SCHOOL = "school"
    PAPER = "paper"
    PARTNER = "partner"


class AnswerState(StrEnum):
    TO_CONFIRM = "to_confirm"
    CONFIRMED = "confirmed"
    SET_ASIDE = "set_aside"


class Answer(Shared, table=True):
    """One person's answer: up to three issues. A meeting is a tally instead."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_question", "question_id", "state", "answered_at", "id"),)

    question_id: UUID = Field(foreign_key="questions.id")
    source: Source = one_of(Source)
    state: AnswerState = one_of(AnswerState, AnswerState.CONFIRMED)
    message_id: UUID | None = Field(default=None, foreign_key="messages.id", unique=True, ondelete="SET NULL")
    voice: str | None = Field(default=None, index=True, repr=False)
    """Keyed hash of who answered, so that one person counts once per issue and round."""
    text: str = ""
    place: str = ""
    age_band: str | None = None
    answered_at: datetime
    recorded_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    confirmed_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    keep_until: datetime = Field(index=True)


class AnswerIssue(Row, table=True):
    __tablename__ = "answer_issues"
    __table_args__ = (UniqueConstraint("answer_id", "issue"),)

    answer_id: UUID = Field(foreign_key="answers.id", ondelete="CASCADE")
    issue: Issue = one_of(Issue)
    suggested: bool = False
    """Proposed by the software, not yet looked at."""


class Tally(Shared, table=True):
    """Hands at a meeting: heads, and a count for each issue."""

    __tablename__ = "tallies"

    question_id: UUID = Field(foreign_key="questions.id", index=True)
    source: Source = one_of(Source, Source.MEETING)
    held_on: date
    place: str
    heads: int
    counts: dict[str, Any] = json_column()
    """Issue → hands."""
    recorded_by_id: UUID = Field(foreign_key="people.id")


class PriorityState(StrEnum):
    CURRENT = "current"
    ENDED = "ended"


class Priority(Shared, table=True):
    """One of at most three that a neighbourhood has. The slot makes a fourth impossible."""

    __tablename__ = "priorities"
    __table_args__ = (
        CheckConstraint("slot BETWEEN 1 AND 3", name="slot"),
        Index(
            "uq_priorities_current_slot", "neighbourhood_id", "slot", unique=True,
            sqlite_where=text("state = 'current'"), postgresql_where=text("state = 'current'"),
        ),
    )  # fmt: skip

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id", index=True)
    neighbourhood_id: UUID = Field(foreign_key="neighbourhoods.id")
    question_id: UUID | None = Field(default=None, foreign_key="questions.id")
    issue: Issue = one_of(Issue)
    title: str = ""
    """In local words: Speeding, Mill Lane."""
    reason: str
    slot: int
    state: PriorityState = one_of(PriorityState, PriorityState.CURRENT)
    adopted_by_id: UUID = Field(foreign_key="people.id")
    adopted_at: datetime
    last_update_at: datetime | None = None
    ended_at: datetime | None = None


class PriorityUpdate(Row, table=True):
    """What was done about a priority."""

    __tablename__ = "priority_updates"
    __table_args__ = (Index("ix_priority_updates_priority", "priority_id", "created_at", "id"),)

    priority_id: UUID = Field(foreign_key="priorities.id")
    text: str
    person_id: UUID = Field(foreign_key="people.id")
