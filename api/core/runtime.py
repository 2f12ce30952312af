"""What one process holds: settings, database, clock and queue, and the unit of work over them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock, clock
from api.core.database import Database
from api.core.jobs import Job, Queue, asked
from api.core.metrics import WAKES_LOST
from api.core.sealing import Seals
from api.core.settings import Settings

SETTINGS = "settings"


def settings_of(session: AsyncSession) -> Settings:
    """What this installation decided, for a service that was handed a session of the runtime."""
    settings: Settings = session.info.get(SETTINGS) or Settings()
    return settings


class Silent:
    """A queue that wakes no one: loops find the rows by themselves."""

    async def wake(self, job: Job) -> None:
        return None


@dataclass
class Runtime:
    settings: Settings
    database: Database
    queue: Queue = field(default_factory=Silent)
    sealer: Seals | None = None
    """Seals what only workers may open; none where no worker's key is at hand."""
    clock: Clock = clock
    _waking: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self.database.read() as session:
            session.info[SETTINGS] = self.settings
            yield session

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """One change: all of it or nothing. Wake-ups leave after the commit and are never waited for."""
        async with self.database.write() as session:
            session.info[SETTINGS] = self.settings
            yield session
        for job in asked(session):
            self.wake(job)

    def wake(self, job: Job) -> None:
        task = asyncio.create_task(self._wake(job))
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def _wake(self, job: Job) -> None:
        try:
            await self.queue.wake(job)
        except Exception:
            WAKES_LOST.inc()

    async def close(self) -> None:
        for task in list(self._waking):
            task.cancel()
        await self.database.close()
