"""The inbox as another system of the force uses it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from api.core.clock import now
from api.core.runtime import Runtime
from api.identity import service as identity
from api.models import Account, Delivery, DeliveryState, Errand, Person, Viewer
from api.platforms.values import Visibility
from tests.support.factories import Cast, an_account, count_of
from tests.support.rest import a_client, bearing
from tests.support.talk import SAM, hear, said


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(runtime) as client:
        yield client


@pytest.fixture
async def town(runtime: Runtime, cast: Cast) -> Account:
    """Two people wrote: one in public, one in private."""
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")
        await hear(session, account, said(remote_id="1"), said(by=SAM, remote_id="2", visibility=Visibility.DIRECT))
    return account


async def token(runtime: Runtime, viewer: Viewer, *scopes: str) -> dict[str, str]:
    async with runtime.unit_of_work() as session:
        person = await session.get_one(Person, viewer.person_id)
        _, secret = await identity.create_token(session, None, person, "test", list(scopes), now() + timedelta(days=1))
    return bearing(secret)


async def test_a_conversation_from_the_list_to_closed(
    client: httpx.AsyncClient, runtime: Runtime, cast: Cast, town: Account
) -> None:
    alice = await token(runtime, cast.alice, "inbox:read", "inbox:write")
    listed = (await client.get("/api/v1/conversations?state=open", headers=alice)).json()["items"]
    assert {item["kind"] for item in listed} == {"public", "direct"}
    private = next(item for item in listed if item["kind"] == "direct")
    path = f"/api/v1/conversations/{private['id']}"
    shown = await client.get(path, headers=alice)
    assert shown.json()["answers_visibility"] == "direct"
    assert shown.headers["etag"] == private["etag"]
    answered = await client.post(f"{path}/replies", json={"text": "Thank you.", "close": True}, headers=alice)
    assert (answered.status_code, answered.json()["visibility"]) == (201, "direct")
    assert answered.json()["delivery"]["words"] == "Waiting to go out"
    noted = await client.post(f"{path}/notes", json={"text": "rang back"}, headers=alice)
    assert (noted.status_code, noted.json()["person"]) == (201, cast.alice.name)
    closed = (await client.get("/api/v1/conversations?state=closed", headers=alice)).json()["items"]
    assert [item["id"] for item in closed] == [private["id"]]
    for verb, state in (("reopen", "open"), ("close", "closed"), ("read", "closed")):
        done = await client.post(f"{path}/{verb}", headers=alice)
        assert (done.status_code, done.json()["state"], done.headers["etag"]) == (200, state, done.json()["etag"])
    given = await client.post(f"{path}/assign", json={"person_id": str(cast.bob.person_id)}, headers=alice)
    assert given.json()["assigned_to"] == cast.bob.name
    whole = (await client.get(path, headers=alice)).json()
    assert [message["from_us"] for message in whole["messages"]] == [False, True]
    assert [note["text"] for note in whole["notes"]] == ["rang back"]


async def test_if_match_guards_against_answering_what_changed(
    client: httpx.AsyncClient, runtime: Runtime, cast: Cast, town: Account
) -> None:
    alice = await token(runtime, cast.alice, "inbox:write")
    item = (await client.get("/api/v1/conversations", headers=alice)).json()["items"][0]
    path = f"/api/v1/conversations/{item['id']}"
    assert (await client.post(f"{path}/close", headers=alice | {"If-Match": item["etag"]})).status_code == 200
    for verb, body in (("replies", {"text": "x"}), ("assign", {"person_id": None}), ("reopen", None)):
        stale = await client.post(f"{path}/{verb}", json=body, headers=alice | {"If-Match": item["etag"]})
        assert stale.status_code == 412, verb


async def test_a_reply_with_a_key_goes_out_once(
    client: httpx.AsyncClient, runtime: Runtime, cast: Cast, town: Account
) -> None:
    alice = await token(runtime, cast.alice, "inbox:write")
    item = (await client.get("/api/v1/conversations", headers=alice)).json()["items"][0]
    path = f"/api/v1/conversations/{item['id']}/replies"
    answers = [
        await client.post(path, json={"text": "Thank you."}, headers=alice | {"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]


async def test_what_a_token_may_not_is_refused_and_what_a_person_may_not_see_is_not_there(
    client: httpx.AsyncClient, runtime: Runtime, cast: Cast, town: Account
) -> None:
    reads = await token(runtime, cast.alice, "inbox:read")
    items = (await client.get("/api/v1/conversations", headers=reads)).json()["items"]
    charlie = await token(runtime, cast.charlie, "inbox:read", "inbox:write")
    lottie = await token(runtime, cast.lottie, "inbox:read")
    assert (await client.get("/api/v1/conversations", headers=charlie)).json()["items"] == []
    for item in items:
        path = f"/api/v1/conversations/{item['id']}"
        for verb, body in (
            ("replies", {"text": "x"}), ("notes", {"text": "x"}), ("assign", {"person_id": None}),
            ("close", None), ("reopen", None),
        ):  # fmt: skip
            assert (await client.post(f"{path}/{verb}", json=body, headers=reads)).status_code == 403, verb
            assert (await client.post(f"{path}/{verb}", json=body, headers=charlie)).status_code == 404, verb
            expected = 404 if item["kind"] == "direct" else 403
            assert (await client.post(f"{path}/{verb}", json=body, headers=lottie)).status_code == expected, verb
        assert (await client.get(path, headers=charlie)).status_code == 404
        assert (await client.post(f"{path}/read", headers=charlie)).status_code == 404
    assert (await client.get(f"/api/v1/conversations/{uuid4()}", headers=reads)).status_code == 404
    other = await token(runtime, cast.alice, "posts:read")
    assert (await client.get("/api/v1/conversations", headers=other)).json()["items"] == []


@pytest.mark.parametrize("query", ["state=x", "view=x", "cursor=x", "team_id=x", "limit=0", "limit=201"])
async def test_a_bad_question_is_422(client: httpx.AsyncClient, runtime: Runtime, cast: Cast, query: str) -> None:
    alice = await token(runtime, cast.alice, "inbox:read")
    assert (await client.get(f"/api/v1/conversations?{query}", headers=alice)).status_code == 422


async def test_too_long_says_the_numbers(
    client: httpx.AsyncClient, runtime: Runtime, cast: Cast, town: Account
) -> None:
    alice = await token(runtime, cast.alice, "inbox:write")
    item = (await client.get("/api/v1/conversations", headers=alice)).json()["items"][0]
    answer = await client.post(f"/api/v1/conversations/{item['id']}/replies", json={"text": "x" * 600}, headers=alice)
    assert (answer.status_code, answer.json()["limit"]) == (422, 500)
    assert answer.json()["length"] > 600


async def test_what_is_out_is_mended_by_its_version_and_likes_are_toggled(
    client: httpx.AsyncClient, runtime: Runtime, cast: Cast, town: Account
) -> None:
    alice = await token(runtime, cast.alice, "inbox:write")
    items = (await client.get("/api/v1/conversations", headers=alice)).json()["items"]
    item = next(each for each in items if each["kind"] == "public")
    path = f"/api/v1/conversations/{item['id']}"
    said = (await client.post(f"{path}/replies", json={"text": "On Tuesday."}, headers=alice)).json()
    async with runtime.unit_of_work() as session:
        delivery = (await session.execute(select(Delivery))).scalars().one()
        delivery.state, delivery.remote_id = DeliveryState.SENT, "d-1"
    reply, new = f"/api/v1/messages/{said['id']}", {"text": "On Wednesday."}
    assert (await client.patch(reply, json=new, headers=alice)).status_code == 428
    version = {"If-Match": f'"{said["version"]}"'}
    changed = await client.patch(reply, json=new, headers=alice | version)
    assert (changed.status_code, "has not answered yet" in changed.json()["doing"]) == (200, True)
    assert (await client.patch(reply, json=new, headers=alice | version)).status_code == 412
    down = await client.post(f"{reply}/withdraw", json={"reason": "The wrong day"}, headers=alice)
    assert (down.status_code, down.json()["may_change"]) == (200, False)
    heard = next(each for each in (await client.get(path, headers=alice)).json()["messages"] if not each["from_us"])
    like = f"/api/v1/messages/{heard['id']}/like"
    liked = [await client.request(verb, like, headers=alice) for verb in ("POST", "POST", "DELETE")]
    assert [each.json()["liked"]["liked"] for each in liked] == [True, True, False]
    assert await count_of(runtime.database, Errand) == 4
    charlie = await token(runtime, cast.charlie, "inbox:write")
    reads = await token(runtime, cast.alice, "inbox:read")
    for who, status in ((charlie, 404), (reads, 403)):
        assert (await client.patch(reply, json=new, headers=who | version)).status_code == status
        assert (await client.post(f"{reply}/withdraw", json={"reason": "Because"}, headers=who)).status_code == status
        assert (await client.post(like, headers=who)).status_code == status
        assert (await client.delete(like, headers=who)).status_code == status
