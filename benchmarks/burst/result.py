"""What one run of one engine came to."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from api.core.clock import now

EACH = 4
"""Posts of one account; they go out one after another."""
TICK = 100
"""Clock ticks in a second in /proc, which is what every Linux says."""


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    posts: int
    lateness: list[float]
    """From the time they were due to the platform's answer, in milliseconds, sorted."""
    first: float
    """From the time they were due to the first request that reached the platform, in milliseconds."""
    early: int
    overlaps: int
    cpu: float
    """Seconds of the sending process (and its children), claims and all."""
    platform_cpu: float = 0.0

    @property
    def seconds(self) -> float:
        return self.lateness[-1] / 1000

    @property
    def rate(self) -> float:
        return self.posts / self.seconds

    @property
    def cpu_each(self) -> float:
        """Microseconds."""
        return self.cpu / self.posts * 1e6

    def late(self, share: float) -> float:
        return self.lateness[min(len(self.lateness) - 1, int(len(self.lateness) * share))]

    def line(self) -> str:
        return (
            f"{self.name:<26} {self.rate:>7,.0f}/s   p50 {self.late(0.5):>6.0f}  p99 {self.late(0.99):>6.0f}  "
            f"max {self.lateness[-1]:>6.0f} ms   first {self.first:>6.1f} ms   early {self.early}   "
            f"two at once {self.overlaps:>4}   {self.cpu_each:>5.0f} µs CPU a send   "
            f"platform busy {self.platform_cpu / self.seconds:>4.0%}"
        )


def middle(results: Sequence[Result]) -> Result:
    """The one in the middle of its repetitions, by when its last post was out."""
    median = statistics.median_low([result.seconds for result in results])
    return next(result for result in results if result.seconds == median)


def cpu_of(pid: int) -> float:
    """Seconds that a process has used so far, user and system, with the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICK


def ahead(seconds: float) -> datetime:
    """A whole millisecond, so that lateness in milliseconds is not rounded against us or for us."""
    at = now() + timedelta(seconds=seconds)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
