"""Clears away what has passed its date, a little at a time, so that nobody waits behind it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import SystemRandom

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from api.accounts import buckets, secrets
from api.core.clock import now
from api.inbox import service as inbox
from api.intake import service as intake
from api.media import clearing
from api.models import (
    AlertMessage,
    Connection,
    IdempotencyKey,
    MessageState,
    SetPasswordLink,
    Sighting,
    SightingState,
    SignIn,
    Throttle,
)
from api.priorities import service as priorities
from workers.context import Context
from workers.jobs.steady import keep

SWEEP = "sweep"
BATCH = 500
MOST_BATCHES = 200
LINGER = timedelta(days=30)
"""How long ended sign-ins are still shown to the person they belong to."""
A_DAY = timedelta(days=1)


class Sweeper:
    def __init__(self, context: Context) -> None:
        self._context, self._runtime = context, context.runtime
        self._bell = context.bells.hang(SWEEP)

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await keep(SWEEP, self.step, stop, self._bell)
        finally:
            self._context.bells.take_down(SWEEP, self._bell)

    async def step(self) -> float:
        for clear in CLEARINGS:
            for _ in range(MOST_BATCHES):
                async with self._runtime.unit_of_work() as session:
                    gone = await clear(session)
                if gone < BATCH:
                    break
                await asyncio.sleep(0)
        for _ in range(MOST_BATCHES):
            if await clearing.clear(self._runtime) < clearing.BATCH:
                break
        # Several workers sweep: not all at the same moment.
        return self._context.runtime.settings.sweep_interval * SystemRandom().uniform(0.8, 1.2)


async def _messages(session: AsyncSession) -> int:
    return await inbox.purge(session, BATCH)


async def _arrivals(session: AsyncSession) -> int:
    return await intake.purge(session, BATCH)


async def _answers(session: AsyncSession) -> int:
    return await priorities.forget_words(session, BATCH)


async def _idempotency_keys(session: AsyncSession) -> int:
    return await _rows(session, IdempotencyKey, col(IdempotencyKey.expires_at) <= now())


async def _connections(session: AsyncSession) -> int:
    """Tries at connecting that came to nothing or to an end, with whatever secret they still hold."""
    rows = await session.execute(select(Connection).where(col(Connection.expires_at) <= now() - A_DAY).limit(BATCH))
    old = rows.scalars().all()
    for connection in old:
        await secrets.drop(session, connection.id)
        await session.delete(connection)
    return len(old)


async def _sign_ins(session: AsyncSession) -> int:
    over = (col(SignIn.ended_at) <= now() - LINGER) | (col(SignIn.expires_at) <= now() - LINGER)
    return await _rows(session, SignIn, over)


async def _links(session: AsyncSession) -> int:
    return await _rows(session, SetPasswordLink, col(SetPasswordLink.expires_at) <= now() - A_DAY)


async def _throttles(session: AsyncSession) -> int:
    return await _rows(session, Throttle, col(Throttle.last_failure_at) <= now() - A_DAY)


async def _sightings(session: AsyncSession) -> int:
    """Addresses that people gave; what came of them stands on the delivery."""
    old = (col(Sighting.state) != SightingState.ASKED) & (col(Sighting.created_at) <= now() - LINGER)
    return await _rows(session, Sighting, old)


async def _alert_messages(session: AsyncSession) -> int:
    old = (col(AlertMessage.state) != MessageState.WAITING) & (col(AlertMessage.created_at) <= now() - LINGER)
    return await _rows(session, AlertMessage, old)


async def _buckets(session: AsyncSession) -> int:
    return await buckets.clear(session, now(), BATCH)


async def _rows(session: AsyncSession, model: type[SQLModel], old: ColumnElement[bool]) -> int:
    key = model.__table__.c.id  # type: ignore[attr-defined]
    chosen = select(key).where(old).limit(BATCH)
    gone = await session.execute(delete(model).where(key.in_(chosen)).returning(key))
    return len(gone.all())


CLEARINGS: tuple[Callable[[AsyncSession], Awaitable[int]], ...] = (
    _messages, _arrivals, _answers, _idempotency_keys, _connections, _sign_ins, _links, _throttles,
    _sightings, _alert_messages, _buckets,
)  # fmt: skip


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Sweeper(context).run(stop)


async def look(context: Context, about: str) -> None:
    context.bells.ring(SWEEP)


JOBS = {SWEEP: look}
