"""What stands around every page: who is here, what waits, and the state of the world in one line."""

from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    RED = "red"
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class Strip:
    """The one loud line on top: red while an emergency waits, amber while posts are paused."""

    tone: Tone
    words: str
    href: str
    label: str = "Open"


@dataclass(frozen=True, slots=True)
class Frame:
    name: str
    team: str
    waiting: int = 0
    strip: Strip | None = None
    world: tuple[str, ...] = ()
    may: frozenset[str] = field(default_factory=frozenset)
