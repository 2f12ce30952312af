"""The check on the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from api.core.clock import now
from api.core.shapes import Day, Line, Moment, Out, Words
from api.core.wire import Wire
from api.models import PolicyFalseAlarm, PolicyOverride, PolicySettings
from api.platforms.facts import FACTS
from api.platforms.text import count
from api.platforms.values import Platform
from api.policy.rulebook import Rule
from api.policy.values import Context, Finding, Kind, Level, Override, Picture, Verdict

LONGEST = 20_000
RuleId = Annotated[str, StringConstraints(pattern=r"^R\d\d$")]
Listed = Annotated[list[Line], Field(max_length=500)]


class MediaIn(Wire):
    """What words and people say of a picture or video; left out: nobody has said."""

    alt: Annotated[Words, Field(max_length=5000)] = ""
    video: StrictBool = False
    captions: StrictBool | None = None
    recognisable: StrictBool | None = None
    consent: StrictBool | None = None
    others_work: StrictBool = False
    rights: Annotated[Words, Field(max_length=500)] = ""


class CheckIn(Wire):
    """Start and end of a finding count the code points of exactly this text."""

    model_config = ConfigDict(
        str_strip_whitespace=False,
        json_schema_extra={
            "examples": [
                {"text": "John Smith, 42, arrested for burglary.", "kind": "post", "platform": "mastodon"},
                {
                    "text": "Break-in happening now? Message us here.",
                    "kind": "reply",
                    "platform": "bluesky",
                    "media": [{"alt": "A closed padlock on a green shed door"}],
                    "links": ["https://www.police.uk/"],
                },
            ]
        },
    )

    text: Annotated[Words, Field(max_length=LONGEST)]
    kind: Kind = Kind.POST
    platform: Annotated[str, StringConstraints(max_length=40)] = ""
    media: Annotated[list[MediaIn], Field(max_length=20)] = Field(default_factory=list)
    links: Annotated[list[Annotated[Words, Field(max_length=2000)]], Field(max_length=50)] = Field(default_factory=list)
    scheduled_for: Moment | None = None

    def context(self) -> Context:
        limit, used = self._room()
        return Context(
            now=now(),
            kind=self.kind,
            platform=self.platform,
            media=tuple(Picture(**each.model_dump()) for each in self.media),
            links=tuple(self.links),
            scheduled_for=self.scheduled_for,
            limit=limit,
            used=used,
        )

    def _room(self) -> tuple[int | None, int | None]:
        """Of a platform that we count for; of others nobody here knows the limit."""
        if self.platform not in list(Platform):
            return None, None
        platform = Platform(self.platform)
        limits = FACTS[platform].limits
        return limits.max_length, count(platform, self.text, limits)


class FindingOut(Out):
    rule: str
    level: Level
    start: int
    end: int = Field(description="Both 0: it stands beside the text, such as in a picture's description.")
    words: str
    message: str
    suggestion: str
    basis: str
    policy_text: str = Field(description="The force's own paragraph, when it has added one.")
    policy_link: str
    read_on: str


class VerdictOut(Out):
    """`level` is that of the strictest finding."""

    level: Level
    findings: list[FindingOut]

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictOut":
        return cls(level=verdict.level, findings=[_finding(each) for each in verdict.findings])


def _finding(finding: Finding) -> FindingOut:
    return FindingOut.model_validate(finding)


class RuleOut(Out):
    """One rule as the force has it."""

    id: str
    title: str
    level: Level
    message: str
    suggestion: str
    basis: str
    absolute: bool = Field(description="Nobody can release it.")
    off: bool
    policy_text: str
    policy_link: str
    read_on: str

    @classmethod
    def of(cls, rule: Rule, override: Override) -> "RuleOut":
        return cls(
            id=rule.id, title=rule.title, level=override.level or rule.level, message=rule.message,
            suggestion=rule.suggestion, basis=rule.basis, absolute=rule.absolute, off=override.off,
            policy_text=override.text, policy_link=override.link, read_on=override.read_on,
        )  # fmt: skip


class OverrideIn(Wire):
    """What the force decides about one rule. Left out: as delivered."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rule": "R40", "off": True, "text": "5.2 Replies", "read_on": "2026-11-02"}]}
    )

    rule: RuleId
    level: Level | None = None
    off: StrictBool = False
    text: Annotated[Words, Field(max_length=4000)] = ""
    link: Annotated[Words, Field(max_length=2000)] = ""
    read_on: Day | None = None


class OverrideOut(Out):
    rule: str
    level: Level | None
    off: bool
    text: str
    link: str
    read_on: date | None

    @classmethod
    def of(cls, row: PolicyOverride) -> "OverrideOut":
        return cls.model_validate(row)


class SettingsIn(Wire):
    """All of it at once; what is left out is as delivered."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"numbers": ["01632960118"], "links": ["sandfordvale.example"]}]}
    )

    numbers: Listed = Field(default_factory=list, description="Telephone numbers as digits alone.")
    addresses: Listed = Field(default_factory=list, description="Buildings and e-mail addresses that are public.")
    links: Listed = Field(default_factory=list, description="Hosts, such as sandfordvale.example.")
    banned: Listed = Field(default_factory=list, description="Words that are never used.")
    takes_reports: StrictBool = False
    announces_speed_checks: StrictBool = False
    welsh: StrictBool = False
    reply_hours: Annotated[StrictInt, Field(ge=1, le=720)] = 72
    election_from: Moment | None = None
    election_until: Moment | None = None


class SettingsOut(Out):
    numbers: list[str]
    addresses: list[str]
    links: list[str]
    banned: list[str]
    takes_reports: bool
    announces_speed_checks: bool
    welsh: bool
    reply_hours: int
    election_from: AwareDatetime | None
    election_until: AwareDatetime | None

    @classmethod
    def of(cls, row: PolicySettings) -> "SettingsOut":
        return cls.model_validate(row)


class FalseAlarmIn(Wire):
    """The words are turned into a digest and not kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"rule": "R02", "start": 0, "end": 17, "words": "James Turner Way", "note": "It is a road."}]
        }
    )

    rule: RuleId
    start: Annotated[StrictInt, Field(ge=0, le=LONGEST)]
    end: Annotated[StrictInt, Field(ge=0, le=LONGEST)]
    words: Annotated[Words, Field(max_length=LONGEST)]
    note: Annotated[Words, Field(max_length=300)] = Field(default="", description="Why it is wrong; no names, please.")


class FalseAlarmOut(Out):
    id: UUID
    created_at: AwareDatetime
    person_id: UUID
    rule: str
    start: int
    end: int
    digest: str = Field(description="The same words have the same digest within a force.")
    note: str

    @classmethod
    def of(cls, row: PolicyFalseAlarm) -> "FalseAlarmOut":
        return cls.model_validate(row)
