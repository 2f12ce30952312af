"""A worker process that kills itself at one exact point of one delivery's way. Nothing of it is in the product.

Which delivery: one by its id, or whichever is the first, the second, … that this process calls a platform for.
"""

import asyncio
import os
import signal
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn
from uuid import UUID

import aiosqlite
from asyncpg.transaction import Transaction
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from api.outbox import service as outbox
from api.platforms.values import Request, Response
from workers import main
from workers.jobs.attempt import Attempts
from workers.platforms.http import HttpxCarrier
from workers.platforms.wire import Patience, Wire


class Point(StrEnum):
    NONE = "nowhere"
    BEFORE = "before the call"
    CONNECTED = "a connection is open"
    HALF = "half of the request is written"
    WRITTEN = "the request is written"
    ANSWERED = "the answer has come"
    RECORDING = "the row is changed, not committed"
    COMMITTING = "the commit is on its way"
    COMMITTED = "the commit was heard"


ON_THE_WIRE = frozenset({Point.CONNECTED, Point.HALF, Point.WRITTEN})


@dataclass(frozen=True, slots=True)
class Plan:
    point: Point
    call: int = 1
    delivery: UUID | None = None


@dataclass
class Fate:
    """What is known in this process of the delivery that it is to die of."""

    plan: Plan
    calls: int = 0
    delivery: Any = None
    ended: bool = False
    connection: Any = None
    session: Any = None
    handing_over: bool = False

    def strikes(self, delivery: Any) -> bool:
        """Whether this call is the one; asked once for each."""
        self.calls += 1
        if self.plan.delivery is not None:
            return bool(delivery == self.plan.delivery)
        return self.calls == self.plan.call

    def is_at(self, point: Point) -> bool:
        return self.plan.point is point


_delivery: ContextVar[Any] = ContextVar("delivery", default=None)
_struck: ContextVar[bool] = ContextVar("struck", default=False)


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("It should be dead.")


def prepare(plan: Plan) -> None:
    """From now on this process is mortal."""
    fate = Fate(plan)
    _know_the_delivery()
    main.HttpxCarrier = _carrier(fate)  # type: ignore[misc]
    _watch_the_wire(fate)
    _watch_the_record(fate)
    _watch_the_commit(fate)


def _know_the_delivery() -> None:
    publish = Attempts.publish

    async def known(self: Attempts, claim: Any) -> Any:
        _delivery.set(claim.id)
        return await publish(self, claim)

    Attempts.publish = known  # type: ignore[method-assign]


def _carrier(fate: Fate) -> type[HttpxCarrier]:
    class Mortal(HttpxCarrier):
        async def send(self, request: Request) -> Response:
            if not request.creates:
                return await super().send(request)
            if not fate.strikes(_delivery.get()):
                return await super().send(request)
            fate.delivery = _delivery.get()
            if fate.is_at(Point.BEFORE):
                die()
            struck = _struck.set(True)
            try:
                return await super().send(request)
            finally:
                _struck.reset(struck)
                fate.ended = True
                if fate.is_at(Point.ANSWERED):
                    die()

    return Mortal


def _watch_the_wire(fate: Fate) -> None:
    ask = Wire.ask

    async def asked(self: Wire, request: bytes, patience: Patience) -> Response:
        if _struck.get() and fate.plan.point in ON_THE_WIRE and not self._transport.is_closing():
            if fate.is_at(Point.HALF):
                self._transport.write(request[: len(request) // 2])
            elif fate.is_at(Point.WRITTEN):
                ask(self, request, patience).send(None)  # as far as to where it waits for its answer
            await _taken(self)
            die()
        return await ask(self, request, patience)

    Wire.ask = asked  # type: ignore[method-assign]


async def _taken(wire: Wire) -> None:
    """The machine has all that was written, and brings it there whoever dies."""
    while wire._transport.get_write_buffer_size():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)


def _watch_the_record(fate: Fate) -> None:
    record = outbox.record

    async def watched(session: Any, outcomes: Any, *more: Any, **named: Any) -> Any:
        recorded = await record(session, outcomes, *more, **named)
        if fate.ended and any(outcome.delivery_id == fate.delivery for outcome in outcomes):
            fate.session = session.sync_session
            fate.connection = (await session.connection()).sync_connection
        return recorded

    outbox.record = watched


def _watch_the_commit(fate: Fate) -> None:
    @event.listens_for(Engine, "commit")
    def _before(connection: Any) -> None:
        if fate.connection is None or connection is not fate.connection:
            return
        if fate.is_at(Point.RECORDING):
            die()
        fate.handing_over = fate.is_at(Point.COMMITTING)

    @event.listens_for(Session, "after_commit")
    def _after(session: Any) -> None:
        if session is fate.session and fate.is_at(Point.COMMITTED):
            die()

    for kind in (Transaction, aiosqlite.Connection):
        _hand_over(kind, fate)


def _hand_over(kind: Any, fate: Fate) -> None:
    """The driver has taken COMMIT, and nobody lives to hear what became of it."""
    commit = kind.commit

    async def unheard(self: Any) -> Any:
        if fate.handing_over:
            commit(self).send(None)
            for _ in range(2):  # some loops write at the end of their turn
                await asyncio.sleep(0)
            die()
        return await commit(self)

    kind.commit = unheard
