"""Reads what arrived into conversations. Pure reading, then one transaction; what cannot be read blocks nobody."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.log import log
from api.core.metrics import ARRIVALS
from api.inbox import service as inbox
from api.inbox.service import Seen
from api.intake import queries
from api.intake import service as intake
from api.intake.service import CONTEXT
from api.models import Account, Arrival, Message
from api.platforms.values import Address, RawItem
from api.priorities import service as priorities
from workers.context import Context
from workers.jobs.steady import keep

READ = "read"
AT_ONCE = 200
REST = 1.0
PATIENCE = 3
"""Tries of one arrival on its own before it is put aside: by then it is not the database that was busy."""


class Reader:
    """One in every reading worker; two that meet over one account take turns."""

    def __init__(self, context: Context) -> None:
        self._context, self._runtime = context, context.runtime
        self._bell = context.bells.hang(READ)
        self._tries: dict[UUID, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await keep(READ, self.step, stop, self._bell)
        finally:
            self._context.bells.take_down(READ, self._bell)

    async def step(self) -> float:
        async with self._runtime.read() as session:
            waiting = await queries.accounts_with_unread(session)
        for account_id in waiting:
            more = True
            while more:
                more = await self._some(account_id) == AT_ONCE
        return REST

    async def _some(self, account_id: UUID) -> int:
        try:
            async with self._runtime.unit_of_work() as session:
                rows = await intake.unread(session, account_id, AT_ONCE)
                await self._take_in(session, account_id, rows)
        except Exception:
            log.warning("a batch was not read", exc_info=True)
            return await self._one_by_one(account_id)
        self._tries.clear()
        return len(rows)

    async def _one_by_one(self, account_id: UUID) -> int:
        """One of them broke the batch: the others are read all the same."""
        async with self._runtime.read() as session:
            rows = await intake.unread(session, account_id, AT_ONCE)
        left = 0
        for arrival in rows:
            try:
                async with self._runtime.unit_of_work() as session:
                    await self._take_in(session, account_id, [arrival])
            except Exception as error:
                left += await self._not_this_time(arrival, error)
        return 0 if left else len(rows)

    async def _not_this_time(self, arrival: Arrival, error: Exception) -> int:
        """1 when it is to be tried again."""
        self._tries[arrival.id] = self._tries.get(arrival.id, 0) + 1
        if self._tries[arrival.id] < PATIENCE:
            return 1
        log.error("an arrival was put aside", arrival=str(arrival.id), why=type(error).__name__)
        async with self._runtime.unit_of_work() as session:
            await self._put_aside(session, arrival, error)
        return 0

    async def _put_aside(self, session: AsyncSession, arrival: Arrival, error: Exception) -> None:
        """The kind of the error only: its text may hold what somebody wrote."""
        ARRIVALS.labels("broken").inc()
        await intake.mark_broken(session, arrival.id, type(error).__name__)

    async def _take_in(self, session: AsyncSession, account_id: UUID, rows: Sequence[Arrival]) -> None:
        account = await session.get_one(Account, account_id)
        address = Address(account.platform, account.instance, account.remote_id, account.handle)
        connector = self._context.connectors[account.platform]
        seen, read = [], []
        for arrival in rows:
            try:
                incoming = connector.read(address, RawItem(arrival.remote_id, arrival.payload))
            except Exception as error:  # a payload nobody expected must not stand before the others
                await self._put_aside(session, arrival, error)
                continue
            read.append(arrival.id)
            # Around a message, older things turn up that were there before we were.
            history = arrival.backfilled or (arrival.stream == CONTEXT and incoming.occurred_at < account.created_at)
            seen.append(Seen(incoming, arrival.received_at, arrival.root_remote_id, history))
        made = await inbox.receive(session, account, seen)
        late = await inbox.hang_under_posts(session, account_id)
        await self._take_answers(session, [*made, *late])
        await intake.mark_read(session, read)
        ARRIVALS.labels("read").inc(len(read))

    async def _take_answers(self, session: AsyncSession, messages: Sequence[Message]) -> None:
        """What was said under a question is an answer to it. Whatever goes wrong there, the message is in the inbox."""
        try:
            async with session.begin_nested():
                await priorities.take_replies(session, messages)
        except DBAPIError:
            raise  # the transaction may be lost: all of it is read again
        except Exception:
            log.exception("answers were not taken")


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Reader(context).run(stop)


async def look(context: Context, about: str) -> None:
    """Something arrived: read it now, not at the next turn."""
    context.bells.ring(READ)


JOBS = {READ: look}
