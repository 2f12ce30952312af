"""Writes outcomes down in batches, soon, and keeps them until the database has them."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from api.core.log import log
from api.core.metrics import DELIVERIES, LATENESS
from api.core.settings import Settings
from api.models import DeliveryState
from api.outbox import service as outbox
from api.outbox.life import Event, Outcome, Rules
from api.outbox.service import Claim, Recorded
from workers.context import Context
from workers.jobs.above import tell
from workers.jobs.dbclock import DatabaseClock

MOST = 1000
GATHER = 0.01
COUNTED = frozenset(
    {DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.UNKNOWN, DeliveryState.NEEDS_PERSON, DeliveryState.MISSED}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An event with the claim that it happened to."""

    claim: Claim
    event: Event
    recorded: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


def rules_of(settings: Settings) -> Rules:
    return Rules(settings.retry_limit, timedelta(seconds=settings.read_back_wait), settings.read_back_tries)


class Recorder:
    """`done` hears of each answer once it is committed."""

    def __init__(self, context: Context, clock: DatabaseClock, worker: str, done: Callable[[Answer], None]) -> None:
        self._runtime, self._clock, self._worker, self._done = context.runtime, clock, worker, done
        self._rules = rules_of(context.runtime.settings)
        self._answers: deque[Answer] = deque()
        self.bell = asyncio.Event()

    def put(self, claim: Claim, event: Event) -> asyncio.Future[None]:
        answer = Answer(claim, event)
        self._answers.append(answer)
        self.bell.set()
        return answer.recorded

    async def drained(self, within: float) -> None:
        """Waits until everything is written down, for so long."""
        if self._answers:
            await asyncio.wait([answer.recorded for answer in self._answers], timeout=within)

    async def step(self) -> float:
        """One batch. What could not be written stays first in line."""
        if not self._answers:
            return 60.0
        if len(self._answers) < MOST:
            await asyncio.sleep(GATHER)
        batch = [self._answers[i] for i in range(min(MOST, len(self._answers)))]
        try:
            await self._write(batch, careful=False)
        except IntegrityError:
            # One of them names a post that another delivery already became: find out which.
            for answer in batch:
                await self._write([answer], careful=True)
                self._forget([answer])
        else:
            self._forget(batch)
        return 0.0 if self._answers else 60.0

    def _forget(self, batch: list[Answer]) -> None:
        for answer in batch:
            self._answers.popleft()
            if not answer.recorded.done():
                answer.recorded.set_result(None)
            self._done(answer)

    async def _write(self, batch: list[Answer], *, careful: bool) -> None:
        now = self._clock.now()
        outcomes = [Outcome(answer.claim.id, self._worker, answer.event) for answer in batch]
        async with self._runtime.unit_of_work() as session:
            recorded = await outbox.record(session, outcomes, now, self._rules, careful=careful)
            await outbox.note_on_accounts(session, [(a.claim.account_id, a.event, a.claim.sealed) for a in batch], now)
            await tell(session, recorded)
        self._measure(batch, recorded)

    def _measure(self, batch: list[Answer], recorded: list[Recorded]) -> None:
        platform: dict[UUID, str] = {answer.claim.id: answer.claim.address.platform for answer in batch}
        for each in recorded:
            if each.life.state in COUNTED:
                DELIVERIES.labels(platform[each.delivery_id], each.life.state).inc()
            if each.life.lateness_ms is not None and each.life.state is DeliveryState.SENT:
                LATENESS.labels(platform[each.delivery_id]).observe(each.life.lateness_ms / 1000)
            if each.life.state in (DeliveryState.REFUSED, DeliveryState.NEEDS_PERSON):
                log.warning("delivery needs somebody", delivery=str(each.delivery_id), state=str(each.life.state))
