"""Looks whether what is in doubt went out: the account's own list first, before anything is sent again."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from api.outbox import service as outbox
from api.outbox.service import Claim
from workers.context import Context
from workers.jobs.attempt import Attempts
from workers.jobs.dbclock import DatabaseClock
from workers.jobs.recorder import Recorder

AT_ONCE = 100
CLOCK_SKEW = timedelta(minutes=10)


class Reader:
    """Accounts side by side; the deliveries of one account one after another, so that none takes another's post."""

    def __init__(
        self, context: Context, clock: DatabaseClock, attempts: Attempts, recorder: Recorder, worker: str
    ) -> None:
        self._context, self._clock, self._attempts = context, clock, attempts
        self._recorder, self._worker = recorder, worker
        settings = context.runtime.settings
        self._lease = timedelta(seconds=settings.lease)
        self._rest = max(0.05, min(1.0, settings.read_back_wait / 4))
        self._tasks: set[asyncio.Task[None]] = set()
        self.reading: set[UUID] = set()
        self.bell = asyncio.Event()

    async def step(self) -> float:
        room = AT_ONCE - len(self.reading)
        if room <= 0:
            return self._rest
        async with self._context.runtime.unit_of_work() as session:
            claims = await outbox.to_read_back(session, self._worker, self._clock.now(), self._lease, room)
        accounts: defaultdict[UUID, list[Claim]] = defaultdict(list)
        for claim in claims:
            accounts[claim.account_id].append(claim)
            self.reading.add(claim.id)
        for chain in accounts.values():
            task = asyncio.create_task(self._read(chain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._rest

    async def close(self) -> None:
        """Nothing is lost by stopping here: the leases run out and others look."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, chain: Sequence[Claim]) -> None:
        try:
            for claim in chain:
                since = (claim.first_started_at or claim.due_at) - CLOCK_SKEW
                async with self._context.runtime.read() as session:
                    linked = await outbox.linked(session, claim.account_id, claim.id, since)
                event = await self._attempts.find(claim, linked)
                await self._recorder.written(claim, event)
                self.reading.discard(claim.id)
        finally:
            self.reading.difference_update(claim.id for claim in chain)
