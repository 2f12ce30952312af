"""Looks at the addresses that people gave for deliveries in doubt: is it there, and is it ours?"""

import asyncio
from datetime import timedelta

from api.core.clock import now
from api.core.log import log
from api.outbox import sightings
from api.outbox.sightings import NOT_OURS, Look
from api.platforms.errors import PlatformError
from api.platforms.values import Published
from workers.context import Context
from workers.jobs.above import tell
from workers.jobs.permission import Permission
from workers.jobs.steady import keep
from workers.vault import CannotOpen

SIGHTINGS = "sightings"
LEASE = timedelta(seconds=120)
LONGEST = 60.0
BATCH = 20
EVERY = 10.0
NO_PERMISSION = "the account is not connected."


class Looker:
    def __init__(self, context: Context) -> None:
        self._context, self._runtime = context, context.runtime
        self._bell = context.bells.hang(SIGHTINGS)

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await keep(SIGHTINGS, self.step, stop, self._bell)
        finally:
            self._context.bells.take_down(SIGHTINGS, self._bell)

    async def step(self) -> float:
        async with self._runtime.unit_of_work() as session:
            looks = await sightings.claim(session, now(), LEASE, BATCH)
        await asyncio.gather(*(self._look(one) for one in looks))
        return 0.0 if len(looks) == BATCH else EVERY

    async def _look(self, one: Look) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                there = await self._ask(one)
        except (PlatformError, TimeoutError) as error:
            await self._later(one, str(error) or "there was no answer in time.")
        except CannotOpen:
            await self._later(one, NO_PERMISSION)
        except Exception:
            log.exception("looking broke", sighting=str(one.id))
            await self._later(one, "it failed on our side.")
        else:
            async with self._runtime.unit_of_work() as session:
                if there is None:
                    await sightings.reject(session, one, NOT_OURS)
                elif (settled := await sightings.found(session, one, there, now())) is not None:
                    await tell(session, [settled])

    async def _ask(self, one: Look) -> Published | None:
        connector = self._context.connectors[one.address.platform]
        asked = Permission(self._context, one.account_id, one.address, one.sealed)
        return await asked.ask(lambda token: connector.sighted(one.address, token, one.url))

    async def _later(self, one: Look, why: str) -> None:
        async with self._runtime.unit_of_work() as session:
            await sightings.later(session, one, why, now())


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Looker(context).run(stop)


async def look(context: Context, about: str) -> None:
    context.bells.ring(SIGHTINGS)


JOBS = {SIGHTINGS: look}
