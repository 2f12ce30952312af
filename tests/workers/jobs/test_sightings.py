"""“It is live, and here is its address”: believed once our own account shows it, and never on the word alone."""

from datetime import timedelta
from uuid import UUID

import pytest

from api.accounts import secrets
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, Invalid
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryState, SecretKind, Sighting, SightingState
from api.outbox import service as outbox
from api.outbox import sightings
from tests.support.factories import Cast, an_account
from tests.support.small_town import Status
from tests.support.stage import Stage
from tests.support.town import running_town
from workers.context import Context
from workers.jobs.sightings import Looker
from workers.platforms import CONNECTORS
from workers.platforms.http import HttpxCarrier
from workers.vault import Vault


async def in_doubt(stage: Stage, text: str = "Road closed") -> Delivery:
    account = await stage.account()
    delivery = await stage.queue(account, text)
    async with stage.runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, delivery.id)
        row.state, row.first_started_at = DeliveryState.NEEDS_PERSON, now()
    return delivery


async def stands(stage: Stage, delivery: Delivery, name: str = "1000", **more: object) -> str:
    """The town holds it, or something like it; its address."""
    async with stage.runtime.read() as session:
        account = str((await session.get_one(Delivery, delivery.id)).account_id)
    by = str(more.get("by") or await _remote_id(stage, UUID(account)))
    at = more.get("at") or now()
    stage.town.statuses.append(Status(name, by, delivery.text, "", "public", None, at))  # type: ignore[arg-type]
    return f"https://town.example/@{by}/{name}"


async def _remote_id(stage: Stage, account_id: UUID) -> str:
    async with stage.runtime.read() as session:
        return (await session.get_one(Account, account_id)).remote_id


async def report(stage: Stage, delivery: Delivery, url: str) -> None:
    async with stage.runtime.unit_of_work() as session:
        await sightings.report(session, stage.cast.alice, await session.get_one(Delivery, delivery.id), url)


async def look(stage: Stage) -> None:
    await Looker(stage.context).step()


async def sighting(stage: Stage, delivery: Delivery) -> Sighting:
    async with stage.runtime.read() as session:
        return (await sightings.latest(session, [delivery.id]))[delivery.id]


async def test_what_our_account_shows_is_out_and_linked(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    url = await stands(stage, delivery)
    await report(stage, delivery, url)
    assert (await stage.delivery(delivery.id)).state is DeliveryState.NEEDS_PERSON, "not on the word alone"
    await look(stage)
    out = await stage.delivery(delivery.id)
    assert (out.state, out.remote_id, out.url, out.error) == (DeliveryState.SENT, "1000", url, None)
    assert out.lateness_ms is not None
    assert (await sighting(stage, delivery)).state is SightingState.FOUND


async def test_somebody_elses_post_is_not_ours(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    await report(stage, delivery, await stands(stage, delivery, by="9999"))
    await look(stage)
    assert (await stage.delivery(delivery.id)).state is DeliveryState.NEEDS_PERSON
    assert (await sighting(stage, delivery)).error == sightings.NOT_OURS


async def test_an_older_post_of_ours_is_not_this_one(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    await report(stage, delivery, await stands(stage, delivery, at=now() - timedelta(days=1)))
    await look(stage)
    assert (await stage.delivery(delivery.id)).state is DeliveryState.NEEDS_PERSON
    assert (await sighting(stage, delivery)).error == sightings.TOO_OLD


async def test_a_post_that_another_delivery_became_is_not_this_one(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    url = await stands(stage, delivery)
    async with stage.runtime.unit_of_work() as session:
        other = await outbox.queue(
            session,
            stage.cast.alice,
            await session.get_one(Account, delivery.account_id),
            "Other",
            now(),
            team_id=stage.cast.team.id,
        )
        other.state, other.remote_id = DeliveryState.SENT, "1000"
    await report(stage, delivery, url)
    await look(stage)
    assert (await sighting(stage, delivery)).error == sightings.ANOTHERS


async def test_a_server_that_does_not_answer_is_asked_again_and_then_a_person(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    url = await stands(stage, delivery)
    await report(stage, delivery, url)
    stage.town.fault = lambda _: "refused"
    await look(stage)
    assert (await sighting(stage, delivery)).state is SightingState.ASKED
    for _ in range(6):
        stage.runtime.clock.pass_time(minutes=5)
        await look(stage)
    rejected = await sighting(stage, delivery)
    assert rejected.state is SightingState.REJECTED
    assert "could not look" in rejected.error
    stage.town.fault = lambda _: None
    await report(stage, delivery, url)
    await look(stage)
    assert (await stage.delivery(delivery.id)).state is DeliveryState.SENT


async def test_sending_again_is_never_blocked_by_an_address_that_is_looked_at(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    url = await stands(stage, delivery)
    await report(stage, delivery, url)
    async with stage.runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, delivery.id)
        await outbox.retry(session, stage.cast.alice, row, even_if_unsure=True)
    await look(stage)
    assert (await stage.delivery(delivery.id)).state is DeliveryState.QUEUED
    assert (await sighting(stage, delivery)).error == sightings.NOT_IN_DOUBT


async def test_who_may_not_publish_says_nothing_and_two_at_once_are_one(stage: Stage) -> None:
    delivery = await in_doubt(stage)
    async with stage.runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, delivery.id)
        for viewer in (stage.cast.lottie, stage.cast.charlie):
            with pytest.raises(Forbidden):
                await sightings.report(session, viewer, row, "https://town.example/@a/1")
        for url in ("", "town.example/@a/1", "javascript:alert(1)", "https://town.example/@a/1 2"):
            with pytest.raises(Invalid):
                await sightings.report(session, stage.cast.alice, row, url)
        await sightings.report(session, stage.cast.alice, row, "https://town.example/@a/1")
        with pytest.raises(Conflict):
            await sightings.report(session, stage.cast.bob, row, "https://town.example/@a/1")


async def test_what_is_not_in_doubt_needs_no_address(stage: Stage) -> None:
    delivery = await stage.queue(await stage.account(), "On time")
    async with stage.runtime.unit_of_work() as session:
        with pytest.raises(Conflict):
            await sightings.report(session, stage.cast.alice, delivery, "https://town.example/@a/1")


async def test_in_the_practice_town_a_lost_answer_is_found_by_its_address(runtime: Runtime, cast: Cast) -> None:
    """A real server on a real socket: what it shows of our account is believed, what it shows of another is not."""
    async with running_town() as town:
        carrier = HttpxCarrier(frozenset({("127.0.0.1", town.port)}), timeout=5)
        async with town.client() as us, town.client("wexleytown") as them:
            me = (await us.get("/api/v1/accounts/verify_credentials")).json()
            ours = (await us.post("/api/v1/statuses", json={"status": "Road closed"})).json()
            theirs = (await them.post("/api/v1/statuses", json={"status": "Road closed"})).json()
        vault = Vault([bytes(range(32))])
        async with runtime.unit_of_work() as session:
            account = await an_account(session, cast.force, cast.team, instance=town.url)
            account.remote_id = me["id"]
            token = vault.sealer.seal(town.tokens["sandfordnorth"].encode())
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, token)
            delivery = await outbox.queue(session, cast.alice, account, "Road closed", now(), team_id=cast.team.id)
            delivery.state = DeliveryState.NEEDS_PERSON
        context = Context(runtime, carrier, CONNECTORS, vault)
        for url, state in ((theirs["url"], DeliveryState.NEEDS_PERSON), (ours["url"], DeliveryState.SENT)):
            async with runtime.unit_of_work() as session:
                row = await session.get_one(Delivery, delivery.id)
                await sightings.report(session, cast.alice, row, url)
            await Looker(context).step()
            async with runtime.read() as session:
                assert (await session.get_one(Delivery, delivery.id)).state is state
        await carrier.aclose()
