"""The practice town asks for patience in every way that servers have, and has limits of its own; over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest

from api.accounts import secrets
from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryState, SecretKind
from api.platforms.values import Platform
from tests.support.factories import Cast
from tests.support.stage import QUICK, Stage
from tests.support.town import RunningTown, running_town
from workers.jobs import patience
from workers.jobs.poll import Poller
from workers.platforms.http import HttpxCarrier

PATH = "/api/v1/statuses"
NORTH, VALE = "sandfordnorth", "sandfordvale"


@dataclass
class Town(Stage):
    """A stage whose town is a process of its own."""

    where: RunningTown | None = None

    async def as_(self, handle: str) -> Account:
        assert self.where is not None
        async with self.where.client(handle) as client:
            me = (await client.get("/api/v1/accounts/verify_credentials")).json()
        async with self.runtime.unit_of_work() as session:
            account = Account(
                force_id=self.cast.force.id, team_id=self.cast.team.id, platform=Platform.MASTODON,
                instance=self.where.url, remote_id=me["id"], handle=f"{handle}@town.example", name=handle, practice=True,
            )  # fmt: skip
            session.add(account)
            await session.flush()
            token = self.vault.sealer.seal(self.where.tokens[handle].encode())
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, token)
        return account

    async def out(self, handle: str) -> list[str]:
        assert self.where is not None
        return [each["text"] for each in await self.where.posts(handle, "api")]


@pytest.fixture
async def town(runtime: Runtime, cast: Cast) -> AsyncIterator[Town]:
    runtime.settings = runtime.settings.model_copy(update=QUICK)
    async with running_town(rate_limit=40) as where:
        carrier = HttpxCarrier(frozenset({("127.0.0.1", where.port)}), 5, 20)
        stage = Town(runtime, cast, carrier, where=where)  # type: ignore[arg-type]
        yield stage
        await stage.stop()
        await carrier.aclose()


@pytest.mark.parametrize("style", ["iso", "epoch", "seconds", "date", "none"])
async def test_a_post_waits_as_long_as_it_is_asked_to_and_goes_out_once(
    town: Town, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT", 1.0)
    account = await town.as_(NORTH)
    assert town.where is not None
    await town.where.faults({"kind": "rate_limited", "next": 1, "path": PATH, "style": style, "seconds": 2})
    first = await town.queue(account, "Road closed")
    await town.queue(account, "Road open", now() + timedelta(seconds=0.01))
    town.start()
    settled = await town.settled()
    assert [each.state for each in settled] == [DeliveryState.SENT] * 2
    assert await town.out(NORTH) == ["Road closed", "Road open"]
    sent = await town.delivery(first.id)
    assert sent.attempts == 1
    assert sent.lateness_ms is not None
    assert sent.lateness_ms >= (1000 if style in ("iso", "none") else 0)


async def test_one_account_that_is_asked_to_wait_holds_no_other_of_its_server(town: Town) -> None:
    north, vale = await town.as_(NORTH), await town.as_(VALE)
    assert town.where is not None
    await town.where.faults({"kind": "rate_limited", "next": 1, "path": PATH, "seconds": 900})
    waiting = await town.queue(north, "Not yet")
    town.start()

    async def told() -> bool:
        return (await town.delivery(waiting.id)).error is not None

    await town.until(told)
    sent = await town.is_in(await town.queue(vale, "Now"), DeliveryState.SENT)
    assert sent.attempts == 1
    still: Delivery = await town.delivery(waiting.id)
    assert (still.state, still.attempts) == (DeliveryState.QUEUED, 0)
    assert await town.out(NORTH) == []


async def test_reading_leaves_enough_of_the_towns_limit_for_posts(town: Town) -> None:
    """Forty requests in five minutes for each token: reading alone would use them up."""
    account = await town.as_(NORTH)
    poller = Poller(town.context, Random(1))
    context = poller._context

    async def read() -> str:
        async with town.runtime.unit_of_work() as session:
            row = await session.get_one(Account, account.id)
            row.poll_lease_until = now() + timedelta(seconds=60)
        await poller.read(row)
        async with town.runtime.read() as session:
            return (await session.get_one(Account, account.id)).poll_error

    assert [await read() for _ in range(30)][-1].startswith("Mastodon asks us to wait until ")
    assert context.patience.rest(account.id, account.instance) > 0
    for number in range(3):
        await town.queue(account, f"Number {number}", now() + timedelta(milliseconds=number))
    town.start()
    settled = await town.settled()
    assert [each.attempts for each in settled] == [1, 1, 1]
    assert await town.out(NORTH) == ["Number 0", "Number 1", "Number 2"]
