"""Deliveries over REST."""

from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from api.core.clock import now
from api.core.runtime import Runtime
from api.identity import service as identity
from api.models import Delivery, DeliveryState, Person, Viewer
from tests.api.outbox.test_outbox import account_of, put_in, queued
from tests.support.factories import Cast
from tests.support.rest import a_client, bearing

SCOPES = ["posts:read", "posts:publish"]


async def token_of(runtime: Runtime, viewer: Viewer, scopes: list[str] = SCOPES) -> str:
    async with runtime.unit_of_work() as session:
        person = await session.get(Person, viewer.person_id)
        assert person is not None
        _, secret = await identity.create_token(session, viewer, person, "test", scopes, now() + timedelta(days=1))
        return secret


async def test_the_list_shows_state_lateness_and_reason(runtime: Runtime, cast: Cast) -> None:
    account = await account_of(runtime, cast)
    sent, refused = await queued(runtime, cast, account), await queued(runtime, cast, account, 1)
    await put_in(runtime, sent, DeliveryState.SENT, remote_id="11", sent_at=now(), lateness_ms=57)
    await put_in(runtime, refused, DeliveryState.REFUSED, error="The server says that it is too long.")
    token = await token_of(runtime, cast.alice)
    async with a_client(runtime) as client:
        answer = (await client.get("/api/v1/deliveries", headers=bearing(token))).json()
        assert [(item["id"], item["state"]) for item in answer["items"]] == [
            (str(refused.id), "refused"), (str(sent.id), "sent"),
        ]  # fmt: skip
        assert answer["items"][1]["lateness_ms"] == 57
        assert answer["items"][0]["error"] == "The server says that it is too long."
        only = (await client.get("/api/v1/deliveries?state=sent", headers=bearing(token))).json()
        assert [item["id"] for item in only["items"]] == [str(sent.id)]


async def test_retry_answers_with_the_delivery_and_refuses_with_words(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    await put_in(runtime, delivery, DeliveryState.NEEDS_PERSON)
    token, path = await token_of(runtime, cast.alice), f"/api/v1/deliveries/{delivery.id}/retry"
    async with a_client(runtime) as client:
        unsure = await client.post(path, headers=bearing(token))
        assert unsure.status_code == 409
        assert "even_if_unsure" in unsure.json()["detail"]
        sure = await client.post(path, headers=bearing(token), json={"even_if_unsure": True})
        assert (sure.status_code, sure.json()["state"]) == (200, "queued")
        assert (await client.post(path, headers=bearing(token), json={"sure": 1})).status_code == 422


async def test_a_stranger_finds_nothing_and_a_reader_may_not_retry(runtime: Runtime, cast: Cast) -> None:
    delivery = await queued(runtime, cast, await account_of(runtime, cast))
    async with runtime.unit_of_work() as session:
        await session.execute(update(Delivery).where(col(Delivery.id) == delivery.id).values(state="refused"))
    path = f"/api/v1/deliveries/{delivery.id}/retry"
    async with a_client(runtime) as client:
        stranger = bearing(await token_of(runtime, cast.charlie))
        assert (await client.post(path, headers=stranger)).status_code == 404
        assert (await client.get("/api/v1/deliveries", headers=stranger)).json()["items"] == []
        reader = bearing(await token_of(runtime, cast.alice, ["posts:read"]))
        assert (await client.post(path, headers=reader)).status_code == 403
