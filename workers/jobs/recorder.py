"""Writes outcomes down in batches, soon, and keeps them until the database has them."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from uuid import UUID

from prometheus_client import Histogram
from sqlalchemy.exc import IntegrityError

from api.core.log import log
from api.core.metrics import DELIVERIES, LATENESS
from api.core.settings import Settings
from api.models import DeliveryState
from api.outbox import service as outbox
from api.outbox.life import Event, Outcome, Rules, Sent
from api.outbox.service import Claim, Recorded
from workers.context import Context
from workers.jobs.above import tell
from workers.jobs.dbclock import DatabaseClock

MOST = 1000
GATHER = 0.02
NOTE_EVERY = 1.0
COUNTED = frozenset(
    {DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.UNKNOWN, DeliveryState.NEEDS_PERSON, DeliveryState.MISSED}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An event with the claim that it happened to."""

    claim: Claim
    event: Event
    recorded: asyncio.Future[None] | None = None
    """For whoever waits until it is written down."""


def rules_of(settings: Settings) -> Rules:
    return Rules(settings.retry_limit, timedelta(seconds=settings.read_back_wait), settings.read_back_tries)


class Recorder:
    """`done` hears of each answer once it is committed."""

    def __init__(self, context: Context, clock: DatabaseClock, worker: str, done: Callable[[Answer], None]) -> None:
        self._runtime, self._clock, self._worker, self._done = context.runtime, clock, worker, done
        self._rules = rules_of(context.runtime.settings)
        self._answers: deque[Answer] = deque()
        self._last_sent: dict[UUID, datetime] = {}
        self._written = asyncio.Event()
        self.bell = asyncio.Event()

    def put(self, claim: Claim, event: Event) -> None:
        self._take(Answer(claim, event))

    async def written(self, claim: Claim, event: Event) -> None:
        """Waits until it is written down."""
        recorded = asyncio.get_running_loop().create_future()
        self._take(Answer(claim, event, recorded))
        await recorded

    async def drained(self, within: float) -> None:
        """Waits until everything is written down, for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._answers:
                    self._written.clear()
                    await self._written.wait()

    def _take(self, answer: Answer) -> None:
        self._answers.append(answer)
        self.bell.set()

    async def step(self) -> float:
        """One batch. What could not be written stays first in line."""
        if not self._answers:
            return 60.0
        if len(self._answers) < MOST:
            await asyncio.sleep(GATHER)
        batch = list(islice(self._answers, MOST))
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

    async def note(self) -> float:
        """By itself and in one statement: a claim that holds an account for a moment must not hold up what was sent."""
        last, self._last_sent = self._last_sent, {}
        if last:
            try:
                async with self._runtime.database.one_statement() as session:
                    await outbox.note_sent(session, last)
            except BaseException:
                self._last_sent = last | self._last_sent
                raise
        return NOTE_EVERY

    def _forget(self, batch: list[Answer]) -> None:
        for answer in batch:
            self._answers.popleft()
            if isinstance(answer.event, Sent):
                self._last_sent[answer.claim.account_id] = answer.event.at
            if answer.recorded is not None and not answer.recorded.done():
                answer.recorded.set_result(None)
            self._done(answer)
        self._written.set()

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
        counts: Counter[tuple[str, DeliveryState]] = Counter()
        for each in recorded:
            counts[platform[each.delivery_id], each.state] += 1
            if each.lateness_ms is not None and each.state is DeliveryState.SENT:
                _lateness(platform[each.delivery_id]).observe(each.lateness_ms / 1000)
            if each.state in (DeliveryState.REFUSED, DeliveryState.NEEDS_PERSON):
                log.warning("delivery needs somebody", delivery=str(each.delivery_id), state=str(each.state))
        for (name, state), many in counts.items():
            if state in COUNTED:
                DELIVERIES.labels(name, state).inc(many)


@lru_cache
def _lateness(platform: str) -> Histogram:
    return LATENESS.labels(platform)
