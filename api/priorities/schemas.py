"""Questions, answers, pictures and priorities on the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from api.core.shapes import Count, Line, Moment, Out, Words
from api.core.wire import Wire
from api.models import AnswerState, Issue, PriorityState, QuestionState, Source
from api.posts.schemas import EXAMPLE_ACCOUNT, EXAMPLE_ID, Accounts, Variant, check_accounts
from api.priorities.issues import AgeBand, IssueName, Owner, issue_of

Issues = Annotated[list[IssueName], Field(max_length=3, description="Up to three, by slug or label.")]
Reason = Annotated[Words, Field(min_length=1, max_length=2000)]
Held = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2099, 12, 31))]


def _once(issues: list[Issue]) -> list[Issue]:
    """Naming an issue twice is naming it once."""
    return list(dict.fromkeys(issues))


class QuestionIn(Wire):
    """Asks a neighbourhood; with accounts it is a post as well: a draft, or with `publish_at` on its way."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "neighbourhood_id": EXAMPLE_ID,
                    "text": "What should your local team work on? Name up to three issues. Answer here.",
                    "closes_at": "2026-12-11T23:59:00+00:00",
                    "account_ids": [EXAMPLE_ACCOUNT],
                    "publish_at": "2026-11-24T17:30:00+00:00",
                }
            ]
        }
    )

    neighbourhood_id: UUID
    text: Annotated[Words, Field(min_length=1, max_length=2000)]
    closes_at: Moment | None = None
    account_ids: Accounts = Field(default_factory=list)
    publish_at: Moment | None = None
    variants: list[Variant] = Field(default_factory=list, max_length=50)

    @model_validator(mode="after")
    def _as_a_post(self) -> "QuestionIn":
        check_accounts(self.account_ids, self.variants)
        return self


class AnswerIn(Wire):
    """One person's answer. Nothing here says who they are."""

    source: Source
    issues: Annotated[Issues, Field(min_length=1)]
    text: Annotated[Words, Field(max_length=2000)] = ""
    place: Line = ""
    age_band: AgeBand | None = None
    answered_at: Moment | None = Field(None, description="Absent: now.")

    _each_once = field_validator("issues")(_once)


class TallyIn(Wire):
    """Hands at a meeting, for each issue, and how many heads there were."""

    source: Literal[Source.MEETING] = Source.MEETING
    counts: Annotated[dict[IssueName, Count], Field(min_length=1)]
    heads: Count
    place: Annotated[Line, Field(min_length=1)]
    held_on: Held

    @field_validator("counts", mode="before")
    @classmethod
    def _each_once(cls, counts: Any) -> Any:
        if isinstance(counts, dict) and len({issue_of(name) for name in counts}) < len(counts):
            raise ValueError("an issue is counted twice, once by slug and once by label")
        return counts

    @model_validator(mode="after")
    def _no_more_hands_than_heads(self) -> "TallyIn":
        most = max(self.counts.values())
        if most > self.heads:
            raise ValueError(f"{most} hands for one issue, but only {self.heads} heads: count again")
        return self


def _which(sent: Any) -> str:
    source = sent.get("source") if isinstance(sent, dict) else getattr(sent, "source", None)
    return "meeting" if source == "meeting" else "answer"


RecordIn = Annotated[Annotated[AnswerIn, Tag("answer")] | Annotated[TallyIn, Tag("meeting")], Discriminator(_which)]
RECORD_EXAMPLES: Any = {
    "doorstep": {
        "summary": "On a doorstep",
        "value": {
            "source": "doorstep", "issues": ["speeding-and-road-safety", "Dogs"], "place": "Mill Lane",
            "age_band": "65+", "text": "Cars race past the school.",
        },
    },
    "meeting": {
        "summary": "Hands at a meeting",
        "value": {
            "source": "meeting", "counts": {"speeding-and-road-safety": 14, "parking": 9}, "heads": 31,
            "place": "Northgate Community Hall", "held_on": "2026-11-24",
        },
    },
}  # fmt: skip


class ConfirmIn(Wire):
    """Which issues the answer names. Absent: as suggested."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"issues": ["parking", "noise"]}]})

    issues: Annotated[Issues, Field(min_length=1)] | None = None

    @field_validator("issues")
    @classmethod
    def _each_once(cls, issues: list[Issue] | None) -> list[Issue] | None:
        return None if issues is None else _once(issues)


class PriorityIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "neighbourhood_id": EXAMPLE_ID,
                    "issue": "speeding-and-road-safety",
                    "title": "Speeding, Mill Lane",
                    "reason": "Named most on doorsteps and at the meeting, and two children were nearly hit.",
                }
            ]
        }
    )

    neighbourhood_id: UUID
    question_id: UUID | None = None
    issue: IssueName
    title: Line = Field("", description="In local words.")
    reason: Reason


class UpdateIn(Wire):
    """What was done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "Stood at the school gates on three mornings and wrote to 14 drivers."}]
        }
    )

    text: Reason


class EndIn(Wire):
    """What came of it, kept as the last update."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Fewer fast cars in two counts running."}]})

    text: Annotated[Words, Field(max_length=2000)] = ""


class QuestionOut(Out):
    """`people` have answered and were confirmed, over all sources except meetings; each counts once."""

    id: UUID
    neighbourhood_id: UUID
    team_id: UUID
    text: str
    state: QuestionState
    opens_at: datetime
    closes_at: datetime | None
    asked_by_id: UUID
    post_ids: list[UUID]
    people: int
    to_confirm: int
    etag: str


class AnswerOut(Out):
    """`suggested`: the issues are the software's proposal. `private`: the words are shown to few."""

    id: UUID
    question_id: UUID
    source: Source
    state: AnswerState
    issues: list[Issue]
    suggested: bool
    text: str
    private: bool
    who: str
    place: str
    age_band: str | None
    answered_at: datetime
    message_id: UUID | None
    conversation_id: UUID | None
    etag: str


class TallyOut(Out):
    id: UUID
    question_id: UUID
    source: Source
    counts: dict[Issue, int]
    heads: int
    place: str
    held_on: date
    etag: str


class SourceOut(Out):
    source: Source
    label: str
    people: int
    to_confirm: int


class MeetingOut(Out):
    id: UUID
    source: Source
    place: str
    held_on: date
    heads: int
    counts: dict[Issue, int]


class IssueOut(Out):
    """`people` by source and `hands` by meeting: side by side, never added up."""

    issue: Issue
    label: str
    owner: Owner
    category: str | None = Field(description="Of data.police.uk, where one fits.")
    people: dict[Source, int]
    hands: dict[UUID, int]


class PictureOut(Out):
    """Counts of those who chose to answer, for each source. They are no share of all residents."""

    question_id: UUID
    neighbourhood_id: UUID
    sources: list[SourceOut]
    meetings: list[MeetingOut]
    issues: list[IssueOut]
    to_confirm: int
    set_aside: int


class UpdateOut(Out):
    id: UUID
    priority_id: UUID
    text: str
    person_id: UUID
    created_at: datetime


class PriorityOut(Out):
    """`freshness`: amber when nothing was written for 60 days, red after 90."""

    id: UUID
    neighbourhood_id: UUID
    team_id: UUID
    question_id: UUID | None
    issue: Issue
    label: str
    title: str
    reason: str
    slot: int
    state: PriorityState
    adopted_by_id: UUID
    adopted_at: datetime
    last_update_at: datetime | None
    ended_at: datetime | None
    days: int
    freshness: Literal["fresh", "amber", "red", "ended"]
    updates: list[UpdateOut]
    etag: str
