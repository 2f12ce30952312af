"""What is checked, in which circumstances, and what is found. Values only: whoever asks brings them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """How strict a rule is; the strictest finding is the level of the whole."""

    NONE = "none"
    WARN = "warn"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


class Kind(StrEnum):
    POST = "post"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture or video as far as words tell: software does not see it. None: nobody has said."""

    alt: str = ""
    video: bool = False
    captions: bool | None = None
    recognisable: bool | None = None
    consent: bool | None = None
    others_work: bool = False
    rights: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """What a force has decided about one rule. `level` None: as delivered; `off`: not asked at all."""

    level: Level | None = None
    off: bool = False
    text: str = ""
    link: str = ""
    read_on: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What a force has said is its own: anything else looks like a mistake."""

    numbers: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    banned: frozenset[str] = frozenset()
    takes_reports: bool = False
    announces_speed_checks: bool = False
    welsh: bool = False
    reply_hours: int = 72


@dataclass(frozen=True, slots=True)
class Context:
    """All that a rule may know beside the words. What nobody has said is None, and no rule fires on it."""

    now: datetime
    kind: Kind = Kind.POST
    platform: str = ""
    media: tuple[Picture, ...] = ()
    links: tuple[str, ...] = ()
    scheduled_for: datetime | None = None
    known: Known = field(default_factory=Known)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    limit: int | None = None
    used: int | None = None
    sent_lately: tuple[str, ...] = ()
    replies_open: bool | None = None
    election_window: bool = False
    paused: bool = False
    account_stopped: bool = False
    author_stopped: bool = False
    has_welsh: bool | None = None
    machine_written: bool = False

    @property
    def sends_at(self) -> datetime:
        return self.scheduled_for or self.now


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule saw, in code points of the text; both zero: something beside the text, such as a picture."""

    start: int
    end: int
    level: Level | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    level: Level
    start: int
    end: int
    words: str
    message: str
    suggestion: str
    basis: str = ""
    policy_text: str = ""
    policy_link: str = ""
    read_on: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    level: Level
    findings: tuple[Finding, ...] = ()
