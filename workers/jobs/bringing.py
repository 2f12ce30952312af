"""Pictures and videos go up ahead of their post: when its time comes, only its words are still to be sent."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from api.outbox.life import Event
from api.outbox.service import Claim
from workers.jobs.attempt import Attempts

AT_ONCE = 16
"""Deliveries whose pictures go up at the same time: each holds them in memory until they are there."""


class Bringing:
    """Begun when a delivery is claimed, waited for when it is sent."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[UUID, asyncio.Task[Claim | Event]] = {}

    def begin(self, claims: Iterable[Claim]) -> None:
        """Held anew, it is brought up anew: it may have been changed meanwhile."""
        for claim in claims:
            if claim.media_ids:
                self.forget([claim.id])
                self._tasks[claim.id] = asyncio.create_task(self._bring(claim))

    async def end(self, claim: Claim) -> Claim | Event:
        """Everything is up there, or why not. What carries nothing is ready at once."""
        if not claim.media_ids:
            return claim
        if claim.id not in self._tasks:
            self.begin([claim])
        try:
            return await self._tasks[claim.id]
        finally:
            self.forget([claim.id])

    def forget(self, ids: Iterable[UUID]) -> None:
        """Not ours to send any more. What is up there already is never named, and cleared away by the platform."""
        for each in ids:
            if (task := self._tasks.pop(each, None)) is not None:
                task.cancel()

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        self.forget(list(self._tasks))
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring(self, claim: Claim) -> Claim | Event:
        async with self._turns:
            return await self._attempts.bring(claim)
