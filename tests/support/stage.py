"""Sending, from a queued delivery to what the town holds, with everything quick."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryState, SecretKind
from api.outbox import service as outbox
from tests.support.factories import Cast, an_account
from tests.support.small_town import SmallTown
from workers.context import Context
from workers.jobs.patience import Patience
from workers.jobs.send import Dispatcher
from workers.platforms import CONNECTORS
from workers.platforms.http import Carrier
from workers.vault import Vault

QUICK = {
    "look_ahead": 0.5,
    "lease": 2.0,  # a busy machine pauses a process for longer than one would think
    "dispatch_interval": 0.05,
    "read_back_wait": 0.2,
    "request_timeout": 2.0,
    "drain": 1.0,
}
KEY = bytes(range(32))
OPEN = {DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN}


@dataclass
class Stage:
    runtime: Runtime
    cast: Cast
    town: SmallTown
    vault: Vault = field(default_factory=lambda: Vault([KEY]))
    carrier: Carrier | None = None
    """Where a town of its own is reached; without one, the small town is all there is."""
    _running: list[tuple[asyncio.Event, asyncio.Task[None]]] = field(default_factory=list)

    @property
    def context(self) -> Context:
        return Context(self.runtime, self.carrier or self.town, CONNECTORS, self.vault)

    async def account(self, instance: str = "https://town.example", *, token: bool = True) -> Account:
        async with self.runtime.unit_of_work() as session:
            account = await an_account(session, self.cast.force, self.cast.team, instance=instance)
            if token:
                sealed = self.vault.sealer.seal(f"token-{account.remote_id}".encode())
                await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealed)
        return account

    async def queue(
        self, account: Account, text: str, due_at: datetime | None = None, useful_until: datetime | None = None
    ) -> Delivery:
        async with self.runtime.unit_of_work() as session:
            return await outbox.queue(
                session, self.cast.alice, account, text, due_at or now(), useful_until, team_id=self.cast.team.id
            )

    def start(self, seed: int = 1, carrier: Carrier | None = None, patience: Patience | None = None) -> Dispatcher:
        stop = asyncio.Event()
        context = replace(self.context, carrier=carrier or self.carrier or self.town, patience=patience or Patience())
        dispatcher = Dispatcher(context, chance=Random(seed))
        self._running.append((stop, asyncio.create_task(dispatcher.run(stop))))
        return dispatcher

    async def stop(self) -> None:
        """Politely: drained."""
        for stop, _ in self._running:
            stop.set()
        for _, task in self._running:
            await asyncio.wait_for(task, 10)
        self._running.clear()

    async def crash(self) -> None:
        """As kill -9 would: nothing is finished, nothing given back."""
        tasks = [task for _, task in self._running]
        self._running.clear()
        for task in [*tasks, *(t for t in asyncio.all_tasks() if t.get_coro().__qualname__.startswith("Dispatcher."))]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        self.town.latency = 0
        await self.stop()

    async def delivery(self, delivery_id: UUID) -> Delivery:
        async with self.runtime.read() as session:
            return (await session.execute(select(Delivery).where(col(Delivery.id) == delivery_id))).scalar_one()

    async def all(self) -> list[Delivery]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Delivery).order_by(col(Delivery.id)))).scalars())

    async def settled(self, within: float = 25) -> list[Delivery]:
        """Waits until nothing is on its way any more."""
        await self.until(self._nothing_open, within)
        return await self.all()

    async def until(self, true: Callable[[], Awaitable[bool]], within: float = 25) -> None:
        async with asyncio.timeout(within):
            while not await true():  # noqa: ASYNC110 - the database cannot ring
                await asyncio.sleep(0.02)

    async def is_in(self, delivery: Delivery, state: DeliveryState, within: float = 25) -> Delivery:
        async def there() -> bool:
            return (await self.delivery(delivery.id)).state is state

        await self.until(there, within)
        return await self.delivery(delivery.id)

    async def _nothing_open(self) -> bool:
        return all(each.state not in OPEN for each in await self.all())


def soon(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)
