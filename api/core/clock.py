"""The time, in one place, so that tests can pass it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


class Clock:
    """Now, in UTC. `shift` moves it for tests; nothing else does."""

    def __init__(self, source: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._source = source
        self._shift = timedelta()

    def now(self) -> datetime:
        return self._source() + self._shift

    @property
    def shift(self) -> timedelta:
        return self._shift

    def pass_time(self, **amount: float) -> None:
        self._shift += timedelta(**amount)


clock = Clock()


def now() -> datetime:
    return clock.now()
