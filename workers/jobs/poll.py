"""Reads each account's feed: what mentions us, what is private to us, and around what we said ourselves.

The account's row says when; any number of workers look, one reads. A job only rings the bell.
"""

import asyncio
import contextlib
from collections import Counter
from datetime import datetime, timedelta
from random import Random, SystemRandom

from api.alerts.service import ALERTS
from api.core.clock import now
from api.core.jobs import ask
from api.core.log import log
from api.core.metrics import FEED_AGE, POLLS
from api.intake import feeds
from api.models import Account, AccountState
from api.platforms.errors import PlatformError, RateLimited, Refusal, Refused
from workers.context import Context
from workers.jobs.backoff import when_asked
from workers.jobs.round import CannotRead, Round
from workers.jobs.steady import keep

POLL = "poll"
LEASE = timedelta(seconds=120)
AT_ONCE = 50
AT_A_TIME = 10
LOOK_EVERY = 0.5
METRIC_EVERY = 5.0
LONGEST_WAIT = 300.0
ENDS = {Refusal.TOKEN_REVOKED: AccountState.NEEDS_RECONNECT, Refusal.SUSPENDED: AccountState.SUSPENDED}
BROKE = "Reading this feed failed on our side. It is tried again; tell whoever runs Beatline if it stays so."
TOO_SLOW = "The server took too long to answer."


class Poller:
    """One in every polling worker."""

    def __init__(self, context: Context, chance: Random | None = None) -> None:
        self._context, self._runtime = context, context.runtime
        self._interval = context.runtime.settings.poll_interval
        self._chance = chance or SystemRandom()
        self._bell = context.bells.hang(POLL)
        self._reading: set[asyncio.Task[None]] = set()
        self._servers: Counter[str] = Counter()
        self._measured = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until stopped; then gives back what it was reading, so that others need not wait for a lease."""
        try:
            await keep(POLL, self._step, stop, self._bell)
        finally:
            for task in self._reading:
                task.cancel()
            await asyncio.gather(*self._reading, return_exceptions=True)
            self._context.bells.take_down(POLL, self._bell)

    async def _step(self) -> float:
        await self._measure()
        room = min(AT_A_TIME, AT_ONCE - len(self._reading))
        accounts = await self._claim(room) if room > 0 else []
        for account in accounts:
            self._servers[account.instance] += 1
            task = asyncio.create_task(self._read(account))
            self._reading.add(task)
            task.add_done_callback(self._done)
        return 0.0 if accounts and len(accounts) == room else min(LOOK_EVERY, self._interval / 4)

    async def _read(self, account: Account) -> None:
        try:
            await self.read(account)
        finally:
            self._servers[account.instance] -= 1

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # The database went away: the lease runs out, and the feed is read again.
            log.warning("interrupted", loop=POLL, why=type(task.exception()).__name__)

    async def _claim(self, most: int) -> list[Account]:
        async with self._runtime.read() as session:
            if not await feeds.any_due(session):
                return []
        async with self._runtime.unit_of_work() as session:
            # A server that answers slowly leaves places to the feeds of others.
            slow = [server for server, reading in self._servers.items() if reading >= AT_ONCE - 2 * AT_A_TIME]
            return await feeds.claim(session, LEASE, most, slow)

    async def read(self, account: Account) -> None:
        """One round of one account, and what came of it written on its row."""
        one = Round(self._context, account, self._chance)
        try:
            async with asyncio.timeout(LEASE.total_seconds() * 0.8):
                await one.read()
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with self._runtime.unit_of_work() as session:
                    await feeds.give_back(session, account)
            raise
        except PlatformError as error:
            await self._failed(one, error)
        except CannotRead as error:
            await self._put_off(account, str(error), self._later(account))
        except TimeoutError:
            await self._put_off(account, TOO_SLOW, self._later(account))
        except Exception:
            log.exception("poll broke", platform=account.platform)
            await self._put_off(account, BROKE, self._later(account))
        else:
            await self._succeeded(one)

    async def _succeeded(self, one: Round) -> None:
        POLLS.labels(one.account.platform, "read").inc()
        slower = self._context.patience.rest(one.account.id, one.account.instance)
        rest = max(self._interval * self._chance.uniform(0.9, 1.1), one.wait or 0, slower)
        async with self._runtime.unit_of_work() as session:
            await feeds.was_read(session, one.account, now() + timedelta(seconds=rest))

    async def _failed(self, one: Round, error: PlatformError) -> None:
        if isinstance(error, Refused) and error.refusal in ENDS and one.box:
            async with self._runtime.unit_of_work() as session:
                await feeds.end(session, one.account, one.box, ENDS[error.refusal], str(error))
                ask(session, ALERTS)
        wait = getattr(error, "retry_after", None)
        outcome = "rate_limited" if isinstance(error, RateLimited) else "failed"
        next_at = now() + timedelta(seconds=when_asked(wait, self._chance)) if wait else self._later(one.account)
        await self._put_off(one.account, str(error), next_at, outcome)

    async def _put_off(self, account: Account, why: str, next_at: datetime, outcome: str = "failed") -> None:
        POLLS.labels(account.platform, outcome).inc()
        async with self._runtime.unit_of_work() as session:
            await feeds.was_not_read(session, account, why, next_at)

    def _later(self, account: Account) -> datetime:
        """Longer after each failure, and not everybody at the same moment when a server comes back."""
        longest = max(LONGEST_WAIT, self._interval)
        wait = min(longest, self._interval * 2 ** min(account.poll_failures, 10))
        return now() + timedelta(seconds=wait * self._chance.uniform(0.7, 1.3))

    async def _measure(self) -> None:
        loop_time = asyncio.get_running_loop().time()
        if self._measured and loop_time - self._measured < METRIC_EVERY:
            return
        self._measured = loop_time
        async with self._runtime.read() as session:
            oldest = await feeds.oldest(session)
        FEED_AGE.set((now() - oldest).total_seconds() if oldest else 0)


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Poller(context).run(stop)


async def look(context: Context, about: str) -> None:
    """An account was connected, or somebody wants to see what is new: look now, not at the next turn."""
    context.bells.ring(POLL)


JOBS = {POLL: look}
