"""The database's clock, read in this process: it decides what is due, whatever this machine believes."""

import asyncio
import time
from collections import deque
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock

KEPT = 16
THERE = text("SELECT clock_timestamp()")


class DatabaseClock:
    """Never ahead of the database: each reading is taken to be as old as its whole round trip."""

    def __init__(self, clock: Clock, *, local: bool) -> None:
        self._clock, self._local = clock, local
        self._offsets: deque[float] = deque(maxlen=KEPT)
        self._offset = 0.0

    async def measure(self, session: AsyncSession) -> datetime:
        """The time there, and from now on `now()` follows it. SQLite's clock is this machine's own."""
        if not self._local:
            row = await session.execute(THERE)
            there: datetime = row.scalar_one()
            self._offsets.append(there.timestamp() - time.monotonic())
            # The quickest round trip is the nearest to the truth, and none of them is ahead of it.
            self._offset = max(self._offsets)
        return self.now()

    def now(self) -> datetime:
        if self._local or not self._offsets:
            return self._clock.now()
        return datetime.fromtimestamp(time.monotonic() + self._offset, UTC) + self._clock.shift

    async def sleep_until(self, moment: datetime) -> None:
        """Never returns early."""
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - timers may fire early
            await asyncio.sleep(left)

    def seconds_until(self, moment: datetime) -> float:
        return max(0.0, (moment - self.now()) / timedelta(seconds=1))
