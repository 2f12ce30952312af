"""Alerts and webhooks over REST: who may see, who may mark, who may register, and what is never shown."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.core.runtime import Runtime
from api.models import Alert, AlertKind, Secret, SecretKind
from tests.support.factories import Cast, a_token, an_account
from tests.support.rest import a_client, bearing
from workers.vault import Vault

URL = "https://alarm.example/beatline"
VAULT = Vault([bytes(range(32))])


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    runtime.sealer = VAULT.sealer
    async with a_client(runtime) as client:
        yield client


@pytest.fixture
async def alert(runtime: Runtime, cast: Cast) -> Alert:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team)
        alert = Alert(force_id=cast.force.id, team_id=cast.team.id, account_id=account.id, kind=AlertKind.SUSPENDED)
        session.add(alert)
    return alert


async def who(runtime: Runtime, viewer: Any, *scopes: str) -> dict[str, str]:
    return bearing(await a_token(runtime.database, viewer, *scopes))


async def test_an_alert_is_seen_once_and_says_by_whom(client: Any, runtime: Runtime, cast: Cast, alert: Alert) -> None:
    alice, bob = await who(runtime, cast.alice, "alerts:write"), await who(runtime, cast.bob)
    (item,) = (await client.get("/api/v1/alerts?standing=true", headers=alice)).json()["items"]
    assert (item["kind"], item["seen_at"], item["path"]) == ("suspended", None, f"/accounts/{alert.account_id}")
    first = (await client.post(f"/api/v1/alerts/{alert.id}/seen", headers=alice)).json()
    again = (await client.post(f"/api/v1/alerts/{alert.id}/seen", headers=bob)).json()
    assert first["seen_by_id"] == again["seen_by_id"] == str(cast.alice.person_id)
    assert (await client.get("/api/v1/alerts?standing=false", headers=alice)).json()["items"] == []


async def test_who_may_not_mark_or_see(client: Any, runtime: Runtime, cast: Cast, alert: Alert) -> None:
    lottie, charlie = await who(runtime, cast.lottie), await who(runtime, cast.charlie)
    reads = await who(runtime, cast.alice, "alerts:read")
    for token, status in ((lottie, 403), (reads, 403), (charlie, 404)):
        assert (await client.post(f"/api/v1/alerts/{alert.id}/seen", headers=token)).status_code == status
    assert (await client.get("/api/v1/alerts", headers=charlie)).json()["items"] == []
    assert (await client.get(f"/api/v1/alerts/{alert.id}", headers=charlie)).status_code == 404


async def test_a_webhook_shows_its_secret_once_and_keeps_it_sealed(client: Any, runtime: Runtime, cast: Cast) -> None:
    sam = await who(runtime, cast.sam)
    made = (await client.post("/api/v1/webhooks", json={"url": URL}, headers=sam)).json()
    assert made["secret"].startswith("whs_")
    (listed,) = (await client.get("/api/v1/webhooks", headers=sam)).json()["items"]
    assert listed["url"] == URL
    assert made["secret"] not in str(listed)
    async with runtime.read() as session:
        row = (await session.execute(select(Secret).where(Secret.kind == SecretKind.WEBHOOK))).scalar_one()  # type: ignore[arg-type]
    assert made["secret"].encode() not in row.box
    assert VAULT.open(row.key_id, row.box).decode() == made["secret"]
    called = (await client.post(f"/api/v1/webhooks/{made['id']}/test", headers=sam)).json()
    assert (called["event"], called["state"]) == ("test", "waiting")
    show = await client.get(f"/api/v1/webhooks/{made['id']}", headers=sam)
    assert show.json()["last_call"]["id"] == called["id"]
    moved = await client.patch(
        f"/api/v1/webhooks/{made['id']}", json={"url": f"{URL}/2"}, headers=sam | {"If-Match": show.headers["etag"]}
    )
    assert moved.json()["url"] == f"{URL}/2"
    stale = await client.patch(
        f"/api/v1/webhooks/{made['id']}", json={"url": URL}, headers=sam | {"If-Match": show.headers["etag"]}
    )
    assert stale.status_code == 412
    await client.post(f"/api/v1/webhooks/{made['id']}/end", headers=sam)
    assert (await client.get("/api/v1/webhooks", headers=sam)).json()["items"] == []
    async with runtime.read() as session:
        assert (await session.execute(select(Secret))).scalars().all() == [], "thrown away with it"


@pytest.mark.parametrize(
    "url",
    [
        "http://alarm.example/", "ftp://alarm.example/", "alarm.example", "https://", "https://user:pw@alarm.example/",
        "https://alarm.example/a b", "https://alarm.example:0/", "https://[bad/", "https://alarm.example\\@evil.example/",
        "javascript:alert(1)", "https://" + "a" * 600,
    ],
)  # fmt: skip
async def test_what_is_no_safe_address_is_refused(client: Any, runtime: Runtime, cast: Cast, url: str) -> None:
    answer = await client.post("/api/v1/webhooks", json={"url": url}, headers=await who(runtime, cast.sam))
    assert answer.status_code == 422


async def test_the_secret_is_not_kept_for_a_request_that_is_sent_again(
    client: Any, runtime: Runtime, cast: Cast
) -> None:
    sam = await who(runtime, cast.sam) | {"Idempotency-Key": "once"}
    first = await client.post("/api/v1/webhooks", json={"url": URL}, headers=sam)
    assert first.status_code == 201
    again = await client.post("/api/v1/webhooks", json={"url": URL}, headers=sam)
    assert again.status_code == 409
    assert "shown once only" in again.json()["detail"]


async def test_a_short_secret_is_refused_and_a_longer_one_taken(client: Any, runtime: Runtime, cast: Cast) -> None:
    sam = await who(runtime, cast.sam)
    short = await client.post("/api/v1/webhooks", json={"url": URL, "secret": "short"}, headers=sam)
    assert short.status_code == 422
    taken = await client.post("/api/v1/webhooks", json={"url": URL, "secret": "our own long secret"}, headers=sam)
    assert taken.json()["secret"] == "our own long secret"


async def test_only_administrators_of_the_same_force_manage_webhooks(client: Any, runtime: Runtime, cast: Cast) -> None:
    made = (await client.post("/api/v1/webhooks", json={"url": URL}, headers=await who(runtime, cast.sam))).json()
    for viewer in (cast.alice, cast.nadia, cast.ellie, cast.lottie):
        token = await who(runtime, viewer)
        assert (await client.get("/api/v1/webhooks", headers=token)).status_code == 403
        assert (await client.post("/api/v1/webhooks", json={"url": URL}, headers=token)).status_code == 403
        assert (await client.get(f"/api/v1/webhooks/{made['id']}", headers=token)).status_code == 404
    ivy = await who(runtime, cast.ivy)
    assert (await client.get("/api/v1/webhooks", headers=ivy)).json()["items"] == []
    for what in ("test", "end"):
        assert (await client.post(f"/api/v1/webhooks/{made['id']}/{what}", headers=ivy)).status_code == 404
