"""The dispatcher: looks ahead in the database, claims what is due, sends it on time, writes down what became of it.

No Redis and no job is needed for anything to go out: a job only rings the bell.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from random import Random, SystemRandom
from uuid import UUID

from api.core.ids import new_id
from api.outbox import service as outbox
from api.outbox.life import Event, No, Released, Waits
from api.outbox.recording import ENDS_ACCOUNT
from api.outbox.service import Claim
from workers.context import Context
from workers.jobs.above import tell, tell_posts
from workers.jobs.attempt import Attempts
from workers.jobs.bringing import Bringing
from workers.jobs.chains import Chains
from workers.jobs.dbclock import DatabaseClock
from workers.jobs.readback import Reader
from workers.jobs.recorder import Answer, Recorder
from workers.jobs.shares_of_lanes import Shares
from workers.jobs.steady import keep
from workers.jobs.warming import Warming

SEND = "send"
LEAD = timedelta(milliseconds=150)
"""How long before its time the fence of a delivery is written, so that nothing waits for a commit at its time."""
GATHER, GATHER_MORE = 0.005, 0.02
"""No fence sooner after another: what comes meanwhile goes with the next one, so that a commit carries many.

Longer while more than half of the lanes are taken: then the database is what everything waits for, and commits that
carry more let it do more.
"""
HOLDS = 10
"""A worker holds so many times what it can send at once: enough not to starve, little enough to share."""


class Dispatcher:
    """One in every sending worker; any number of them work side by side."""

    def __init__(self, context: Context, worker: str = "", chance: Random | None = None) -> None:
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}-{new_id().hex[-8:]}"
        settings = context.runtime.settings
        self._context, self._settings, self._runtime = context, settings, context.runtime
        self._lease = timedelta(seconds=settings.lease)
        self._look_ahead = timedelta(seconds=settings.look_ahead)
        self._clock = DatabaseClock(context.runtime.clock, local=context.runtime.database.sqlite)
        self._attempts = Attempts(context, self._clock, chance or SystemRandom())
        self._bringing = Bringing(self._attempts)
        self._recorder = Recorder(context, self._clock, self.worker, self._recorded)
        self._reader = Reader(context, self._clock, self._attempts, self._recorder, self.worker)
        self._warming = Warming(context, self._clock)
        self._chains = Chains(Shares(settings.in_flight))
        self._fenced_at = 0.0
        self._batch = min(settings.claim_batch, HOLDS * settings.in_flight)
        self._full = False
        self._held: set[UUID] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._look = context.bells.hang(SEND)
        # A process that is alone knows that every lease it finds at its start is one of the dead.
        self._alone = settings.embedded

    async def run(self, stop: asyncio.Event) -> None:
        """Until stopped; then finishes what it is sending and gives back what it only holds."""
        ended = asyncio.Event()
        working = [
            asyncio.create_task(keep("claim", self._claim, stop, self._look)),
            asyncio.create_task(keep("fence", self._fence, stop, self._changed)),
            asyncio.create_task(keep("warm", self._warm, stop)),
            asyncio.create_task(keep("read back", self._reader.step, stop, self._reader.bell)),
        ]
        serving = [
            asyncio.create_task(keep("record", self._recorder.step, ended, self._recorder.bell)),
            asyncio.create_task(keep("note", self._recorder.note, ended)),
            asyncio.create_task(keep("renew", self._renew, ended)),
            asyncio.create_task(keep("expire", self._expire, ended)),
        ]
        try:
            await asyncio.gather(*working)
            await self._drain()
        finally:
            ended.set()
            # Each finishes the step it is in: a transaction that is cut short costs its connection.
            await asyncio.wait(serving, timeout=2)
            for task in serving:
                task.cancel()
            await asyncio.gather(*working, *serving, return_exceptions=True)
            self._context.bells.take_down(SEND, self._look)

    async def _claim(self) -> float:
        if self._alone:  # first of all: later, what it frees would be what we have just claimed ourselves
            await self._take_over()
            self._alone = False
        crowded = self._chains.crowded(HOLDS * self._settings.in_flight // 2)  # a slow server takes nobody's place
        limit = min(self._batch, self._room() + sum(crowded.values()))
        if limit < self._batch / 2:  # a claim costs the same for one and for many
            self._full = True
            return self._settings.dispatch_interval
        async with self._runtime.unit_of_work() as session:
            now = await self._clock.measure(session)
            claims = await outbox.claim(session, self.worker, now, self._look_ahead, self._lease, limit, list(crowded))
        self._held.update(claim.id for claim in claims)
        self._chains.add(claims)
        self._attempts.cards.look(claims)
        self._bringing.begin(claims)
        self._changed.set()
        await tell_posts(self._runtime, claims)
        return 0.0 if len(claims) == limit else self._settings.dispatch_interval

    async def _fence(self) -> float:
        """Writes down that the next ones are being sent, in one commit, and sends them."""
        await asyncio.sleep(self._fenced_at + self._gather() - asyncio.get_running_loop().time())
        free = self._settings.in_flight - len(self._sending)
        heads = self._chains.take(self._clock.now() + LEAD, free) if free > 0 else []
        if not heads:
            return self._until_next(free)
        fenced_at = self._fenced_at = asyncio.get_running_loop().time()
        try:
            async with self._runtime.database.one_statement() as session:
                ids = [claim.id for claim in heads]
                started = await outbox.start(session, self.worker, ids, self._clock.now(), self._lease)
        except Exception:
            self._chains.add(heads)
            for claim in heads:
                self._chains.ended(claim.address.instance)
                self._chains.rest(claim.account_id)
            raise
        for claim in heads:
            if claim.id in started:
                task = asyncio.create_task(self._send(claim, fenced_at))
                self._sending.add(task)
                task.add_done_callback(self._sent)
            else:  # lost, or no longer useful: whichever it is, it is not ours to send
                self._recorder.put(claim, Released())
                self._chains.ended(claim.address.instance)
                self._chains.rest(claim.account_id)
        return 0.0

    def _gather(self) -> float:
        return GATHER_MORE if 2 * len(self._sending) > self._settings.in_flight else GATHER

    def _room(self) -> int:
        return HOLDS * self._settings.in_flight - len(self._held)

    async def _warm(self) -> float:
        return await self._warming.step(self._chains)

    def _until_next(self, free: int) -> float:
        next_at = self._chains.next_at()
        if free <= 0 or next_at is None:
            return 60.0  # the bell rings when something ends or comes
        return max(0.001, self._clock.seconds_until(next_at - LEAD))

    async def _send(self, claim: Claim, fenced_at: float) -> None:
        brought = await self._bringing.end(claim)
        await self._clock.sleep_until(claim.ready_at)
        if not isinstance(brought, Claim):
            event = brought
        elif self._too_old(fenced_at) and not await self._still_ours(claim):
            event = self._attempts.stale()
        else:
            event = await self._attempts.publish(brought)
        self._chains.ended(claim.address.instance)
        self._recorder.put(claim, event)
        if not _stops_account(event):
            self._chains.rest(claim.account_id)

    def _too_old(self, fenced_at: float) -> bool:
        return asyncio.get_running_loop().time() - fenced_at > self._lease.total_seconds() / 2

    async def _still_ours(self, claim: Claim) -> bool:
        """A video may have taken longer to bring up than a fence is good for: the lease, renewed meanwhile, decides."""
        if not claim.media_ids or self._clock.now() >= claim.useful_until:
            return False
        async with self._runtime.unit_of_work() as session:
            return bool(await outbox.renew(session, self.worker, [claim.id], self._clock.now(), self._lease))

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._changed.set()

    def _recorded(self, answer: Answer) -> None:
        """Only now others can see that the account waits: its chain goes back, and is claimed again in order."""
        self._held.discard(answer.claim.id)
        if answer.claim.followed:
            self._look.set()  # the next part of its thread may go now
        self._bringing.forget([answer.claim.id])
        if self._full and self._room() >= self._batch:
            self._full = False
            self._look.set()
        if _stops_account(answer.event):
            for claim in self._chains.empty(answer.claim.account_id):
                self._recorder.put(claim, Released())
            self._chains.rest(answer.claim.account_id)
        self._changed.set()

    async def _renew(self) -> float:
        ids = self._held | self._reader.reading
        if ids:
            async with self._runtime.unit_of_work() as session:
                kept = await outbox.renew(session, self.worker, ids, self._clock.now(), self._lease)
            lost = self._held & (ids - kept)
            self._held -= lost
            self._chains.drop(lost)
            self._bringing.forget(lost)
        return self._settings.lease / 3

    async def _expire(self) -> float:
        if not self._alone:
            await self._take_over()
        return min(1.0, self._settings.lease / 4)

    async def _take_over(self) -> None:
        async with self._runtime.unit_of_work() as session:
            now = await self._clock.measure(session)
            alone = self.worker if self._alone else None
            settled = await outbox.expire_leases(session, now, self._look_ahead, nobody_but=alone)
            await tell(session, settled + await outbox.miss(session, now))

    async def _drain(self) -> None:
        """What was claimed goes back at once; what is on its way gets its time, and is in doubt after that."""
        await self._reader.close()
        back = self._chains.all()
        async with self._runtime.unit_of_work() as session:
            await outbox.release(session, self.worker, [claim.id for claim in back])
        await tell_posts(self._runtime, back)
        self._chains = Chains()
        deadline = asyncio.get_running_loop().time() + self._settings.drain
        if self._sending:
            await asyncio.wait(set(self._sending), timeout=self._settings.drain)
        late: Sequence[asyncio.Task[None]] = list(self._sending)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._attempts.cards.close()
        await self._bringing.close()
        await self._recorder.drained(max(1.0, deadline - asyncio.get_running_loop().time()))
        await self._recorder.note()


def _stops_account(event: Event) -> bool:
    """Whether the account as a whole has to wait after this."""
    return isinstance(event, Waits) or (isinstance(event, No) and event.refusal in ENDS_ACCOUNT)


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Dispatcher(context).run(stop)


async def look(context: Context, about: str) -> None:
    """Somebody queued something: look now, not at the next turn."""
    context.bells.ring(SEND)


JOBS = {SEND: look}
