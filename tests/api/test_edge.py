"""What every route promises at its door, shown with a small service of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient
from pydantic import AwareDatetime
from sqlalchemy import event, func, select
from structlog.testing import capture_logs

from api import main
from api.core.clock import clock
from api.core.database import Database
from api.core.http import Edge
from api.core.jobs import Job, ask
from api.core.runtime import Runtime
from api.deps import CurrentViewer, MustMatch, ReadSession, Wire, WriteSession, api_router
from api.models import Force, IdempotencyKey, Viewer
from tests.support.factories import Cast

router = api_router("/things", "things")


class ThingIn(Wire):
    name: str
    at: AwareDatetime | None = None


@router.post("", status_code=201)
async def make(session: WriteSession, viewer: CurrentViewer, body: ThingIn) -> dict[str, str]:
    force = Force(name=body.name, short_name=body.name, police_uk_id=body.name)
    session.add(force)
    ask(session, Job("send"))
    await session.flush()
    if body.name == "slow":
        await asyncio.sleep(0.2)
    return {"id": str(force.id)}


@router.post("/secret", status_code=201)
async def make_secret(request: Request, session: WriteSession, viewer: CurrentViewer) -> dict[str, str]:
    request.state.no_replay = True
    return {"secret": "shown once"}


@router.patch("/{name}")
async def change(name: str, version: MustMatch) -> dict[str, Any]:
    return {"version": version}


@router.get("/bug")
async def bug() -> None:
    raise RuntimeError("somebody's words: Mill Lane")


@router.get("/writes-while-reading")
async def writes(session: ReadSession) -> None:
    session.add(Force(name="x", short_name="x", police_uk_id="x"))
    await session.flush()


@pytest.fixture
def app(runtime: Runtime, cast: Cast) -> FastAPI:
    async def authenticate(request: Request) -> Viewer | None:
        if request.headers.get("authorization") != "Bearer alice":
            return None
        return cast.alice

    app = main.create_app(runtime, authenticate)
    app.include_router(router)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(Edge(app, body_limit=2000), raise_app_exceptions=False)
    headers = {"Authorization": "Bearer alice"}
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def forces(database: Database, name: str) -> int:
    async with database.read() as session:
        return (await session.execute(select(func.count()).where(Force.name == name))).scalar_one()  # type: ignore[arg-type]


async def test_a_commit_that_fails_is_answered_500_and_changes_nothing(
    client: AsyncClient, runtime: Runtime, database: Database
) -> None:
    woken: list[Job] = []

    class Listening:
        async def wake(self, job: Job) -> None:
            woken.append(job)

    runtime.queue = Listening()

    def refuse(_: object) -> None:
        raise OSError("the disk is full")

    event.listen(database.engine.sync_engine, "commit", refuse)
    try:
        answer = await client.post("/api/v1/things", json={"name": "lost"})
    finally:
        event.remove(database.engine.sync_engine, "commit", refuse)
    await asyncio.sleep(0)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert await forces(database, "lost") == 0
    assert woken == []


async def test_a_queue_that_is_down_neither_fails_nor_delays_a_request(client: AsyncClient, runtime: Runtime) -> None:
    class Down:
        async def wake(self, job: Job) -> None:
            await asyncio.sleep(30)
            raise ConnectionError

    runtime.queue = Down()
    async with asyncio.timeout(5):
        assert (await client.post("/api/v1/things", json={"name": "fine"})).status_code == 201


async def test_the_same_key_does_it_once_and_repeats_the_answer(client: AsyncClient, database: Database) -> None:
    first = await client.post("/api/v1/things", json={"name": "once"}, headers={"Idempotency-Key": "k1"})
    again = await client.post("/api/v1/things", json={"name": "once"}, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert await forces(database, "once") == 1


async def test_the_same_key_with_another_body_is_refused(client: AsyncClient, database: Database) -> None:
    await client.post("/api/v1/things", json={"name": "one"}, headers={"Idempotency-Key": "k1"})
    other = await client.post("/api/v1/things", json={"name": "two"}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 422
    assert await forces(database, "two") == 0


async def test_while_the_first_is_under_way_the_second_is_a_conflict(client: AsyncClient, database: Database) -> None:
    send = lambda: client.post("/api/v1/things", json={"name": "slow"}, headers={"Idempotency-Key": "k1"})  # noqa: E731
    answers = await asyncio.gather(send(), send())
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await forces(database, "slow") == 1


async def test_a_key_is_free_again_after_a_day(client: AsyncClient, database: Database) -> None:
    await client.post("/api/v1/things", json={"name": "monday"}, headers={"Idempotency-Key": "k1"})
    clock.pass_time(hours=25)
    later = await client.post("/api/v1/things", json={"name": "tuesday"}, headers={"Idempotency-Key": "k1"})
    assert later.status_code == 201
    assert await forces(database, "tuesday") == 1


async def test_what_failed_is_not_kept_under_its_key(client: AsyncClient) -> None:
    bad = await client.post("/api/v1/things", json={"nam": "x"}, headers={"Idempotency-Key": "k1"})
    good = await client.post("/api/v1/things", json={"name": "x"}, headers={"Idempotency-Key": "k1"})
    assert (bad.status_code, good.status_code) == (422, 201)


async def test_a_secret_is_never_repeated_nor_stored(client: AsyncClient, database: Database) -> None:
    first = await client.post("/api/v1/things/secret", headers={"Idempotency-Key": "k1"})
    again = await client.post("/api/v1/things/secret", headers={"Idempotency-Key": "k1"})
    assert first.json() == {"secret": "shown once"}
    assert again.status_code == 409
    async with database.read() as session:
        assert (await session.execute(select(IdempotencyKey.body))).scalar_one() == ""  # type: ignore[call-overload]


async def test_nobody_without_a_token_gets_in(client: AsyncClient) -> None:
    answer = await client.post("/api/v1/things", json={"name": "x"}, headers={"Authorization": "Bearer charlie"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_bug_is_answered_without_its_words_and_logged_without_them_too(client: AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await client.get("/api/v1/things/bug")
    assert answer.status_code == 500
    assert "Mill Lane" not in answer.text
    assert "Mill Lane" not in json.dumps([line for line in lines if line["event"] == "request"])
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_the_access_log_holds_the_pattern_and_not_the_address(client: AsyncClient) -> None:
    with capture_logs() as lines:
        await client.patch("/api/v1/things/jo.m@town.example?q=words", headers={"If-Match": '"3"'})
    line = next(line for line in lines if line["event"] == "request")
    assert line["route"] == "/api/v1/things/{name}"
    assert "town.example" not in json.dumps(lines)
    assert "words" not in json.dumps(lines)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(client: AsyncClient, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 100

    answer = await client.post("/api/v1/things", content=pieces() if chunked else b"x" * 3000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_time_without_an_offset_is_refused(client: AsyncClient) -> None:
    local = await client.post("/api/v1/things", json={"name": "x", "at": "2026-11-24T10:00:00"})
    utc = await client.post("/api/v1/things", json={"name": "x", "at": "2026-11-24T10:00:00Z"})
    assert (local.status_code, utc.status_code) == (422, 201)


async def test_what_was_sent_is_not_repeated_in_a_refusal(client: AsyncClient) -> None:
    answer = await client.post("/api/v1/things", json={"name": "x", "secret": "Mill Lane"})
    assert answer.status_code == 422
    assert "Mill Lane" not in answer.text


@pytest.mark.parametrize(
    ("tag", "expected"), [('"3"', (200, 3)), ('W/"3"', (200, 3)), ("*", (200, None)), ("nonsense", (200, -1)), (None, (428, None))]
)  # fmt: skip
async def test_a_change_names_the_version_that_it_changes(
    client: AsyncClient, tag: str | None, expected: tuple[int, int | None]
) -> None:
    answer = await client.patch("/api/v1/things/x", headers={"If-Match": tag} if tag else {})
    assert (answer.status_code, answer.json().get("version")) == expected


async def test_the_database_itself_refuses_to_write_in_a_reading_session(
    client: AsyncClient, database: Database
) -> None:
    assert (await client.get("/api/v1/things/writes-while-reading")).status_code == 500
    assert await forces(database, "x") == 0


async def test_unknown_addresses_and_methods_are_problems_too(client: AsyncClient) -> None:
    for answer in (await client.get("/api/v1/nothing"), await client.delete("/api/v1/things")):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_ready_says_whether_the_database_answers(client: AsyncClient, runtime: Runtime) -> None:
    assert (await client.get("/readyz")).status_code == 200
    runtime.database = Database("postgresql://nobody@127.0.0.1:1/none")
    assert (await client.get("/readyz")).status_code == 503
