import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Pace = Literal["demo", "still", "fast"]


def wall_clock() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class TownSettings:
    data: str = ":memory:"
    scenario: str = "week"
    seed: int = 1
    pace: Pace = "demo"
    speed: float = 20.0  # how many times quicker than demo pace, when the pace is fast
    key: str = ""  # no key, no control API
    tokens: Mapping[str, str] = field(default_factory=dict)  # handle → access token that always works
    base_url: str = ""  # empty: whatever host the request named
    domain: str = "town.example"
    rate_limit: int = 7500  # requests in five minutes, for each token
    gap_seconds: tuple[float, float] = (20.0, 36.0)  # eight kinds of message must fit in five minutes
    answer_seconds: tuple[float, float] = (3.0, 8.0)
    answers_per_thread: int = 2
    clock: Callable[[], int] = wall_clock

    @property
    def factor(self) -> float:
        return self.speed if self.pace == "fast" else 1.0
