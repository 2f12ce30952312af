"""Every route, called with real ids of a team's things by people who may not: strangers, a lesser role, nobody.

A new route is walked by itself. If its path names a thing that `tests/support/belongings.py` does not make, or its
body has no example in the OpenAPI, the walk cannot call it and fails: add what is missing there.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from api.core.clock import now
from api.core.runtime import Runtime
from api.main import create_app
from api.models import Viewer
from tests.support.belongings import (
    OPEN_WORDS,
    PRIVATE_WORDS,
    Belongings,
    alices,
    everything,
    nothing_changed,
    rows_of,
)
from tests.support.factories import Cast, a_token
from tests.support.photos import plain
from tests.support.rest import a_client, bearing

FREE = {"/healthz", "/readyz", "/api/openapi.json"}
"""For everybody: nobody's things are in them."""
PARAMETER = re.compile(r"\{(\w+)\}")
LISTED = {"account_ids": "account_id", "people": "person_id", "media_ids": "media_id"}
"""What a body calls a list of ids → whose ids they are."""

CONTRIBUTOR_MAY = {
    "GET /accounts", "GET /accounts/{account_id}",
    "GET /teams", "GET /neighbourhoods", "GET /neighbourhoods/{neighbourhood_id}",
    "GET /me", "GET /people", "GET /people/{person_id}",
    "GET /tokens", "POST /tokens", "GET /sessions",
    "GET /posts", "POST /posts", "GET /posts/{post_id}", "PATCH /posts/{post_id}", "POST /posts/{post_id}/cancel",
    "POST /posts/{post_id}/share", "GET /posts/{post_id}/versions",
    "GET /media", "POST /media", "GET /media/{media_id}", "GET /media/{media_id}/file", "PATCH /media/{media_id}",
    "DELETE /media/{media_id}",
    "GET /deliveries", "GET /deliveries/lateness", "GET /deliveries/forecast", "GET /alerts", "GET /alerts/{alert_id}",
    "GET /standard-posts", "GET /standard-posts/{standard_post_id}",
    "GET /schedules", "GET /schedules/{schedule_id}",
    "GET /conversations", "GET /conversations/{conversation_id}", "POST /conversations/{conversation_id}/read",
    "GET /questions", "GET /questions/{question_id}", "GET /questions/{question_id}/answers",
    "GET /questions/{question_id}/picture",
    "POST /questions/{question_id}/answers", "POST /questions/{question_id}/tallies",
    "POST /answers/{answer_id}/confirm", "POST /answers/{answer_id}/set-aside",
    "GET /priorities", "GET /priorities/{priority_id}",
    "POST /priorities/{priority_id}/draft",
    "POST /policy/check", "GET /policy/rules", "POST /policy/false-alarms",
}  # fmt: skip
"""All that a contributor's role lets them do here. Whatever is not in it answers them 403 or 404."""


@dataclass(frozen=True)
class Call:
    """One request to one route, and its twin: the same with ids of things that never existed."""

    name: str
    method: str
    path: str
    body: Any
    query: tuple[tuple[str, str], ...]
    ids: frozenset[UUID]
    twin: "Call | None" = None
    names_in_path: bool = False
    file: bool = False
    """Its body is a form with a file in it."""


def test_every_route_is_known_to_the_walk(runtime: Runtime) -> None:
    routes = list(_routes(_app(runtime)))
    assert len(routes) > 55
    assert {name.split(" ")[1] for name in CONTRIBUTOR_MAY} <= {route.path[7:] for route in routes}


@pytest.fixture
async def things(runtime: Runtime, cast: Cast) -> Belongings:
    return await alices(runtime, cast)


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(runtime) as client:
        yield client


@pytest.mark.parametrize("who", ["charlie", "ivy"])
async def test_another_force_finds_nothing_and_changes_nothing(
    runtime: Runtime, cast: Cast, things: Belongings, client: httpx.AsyncClient, who: str
) -> None:
    stranger: Viewer = getattr(cast, who)
    token = await a_token(runtime.database, stranger)
    before = await everything(runtime)
    ours = [str(key) for _, key in before if key not in rows_of(before, cast.wexley.id)]
    wrong = []
    for call in calls(_app(runtime), things):
        answer = await _send(client, call, token)
        if call.names_in_path and answer.status_code not in (403, 404):
            wrong.append(f"{call.name} answered {answer.status_code}")
        if shown := [each for each in (*ours, OPEN_WORDS, PRIVATE_WORDS) if each in answer.text]:
            wrong.append(f"{call.name} {dict(call.query)} shows {shown[:3]}")
        if call.twin and _said(answer) != _said(twin := await _send(client, call.twin, token)):
            wrong.append(f"{call.name}: not theirs {_said(answer)}, not there {_said(twin)}")
    assert wrong == []
    await nothing_changed(runtime, before, set(rows_of(before, cast.wexley.id)))


async def test_a_contributor_reaches_what_is_theirs_and_nothing_else(
    runtime: Runtime, cast: Cast, things: Belongings, client: httpx.AsyncClient
) -> None:
    token = await a_token(runtime.database, cast.lottie)
    before, wrong, allowed = await everything(runtime), [], []
    for call in calls(_app(runtime), things):
        if call.name in CONTRIBUTOR_MAY and not call.ids & things.private:
            allowed.append(call)
            continue
        answer = await _send(client, call, token)
        if answer.status_code not in ((404,) if _is_private(call, things) else (403, 404)):
            wrong.append(f"{call.name} {call.path} answered {answer.status_code}: {answer.text}")
        if call.twin and _is_private(call, things) and _said(answer) != _said(await _send(client, call.twin, token)):
            wrong.append(f"{call.name} tells what is private from what never was")
    assert wrong == []
    await nothing_changed(runtime, before, set())
    worked = set()
    for call in allowed:
        answer = await _send(client, call, token)
        worked |= {call.name} if answer.is_success else set()
        secrets = (PRIVATE_WORDS, *map(str, things.private))
        if shown := [each for each in secrets if each in answer.text]:
            wrong.append(f"{call.name} {dict(call.query)} shows {shown}")
    assert wrong == []
    assert CONTRIBUTOR_MAY - worked == set(), "The table says that a contributor may"


async def test_nobody_without_a_token_is_told_anything(
    runtime: Runtime, things: Belongings, client: httpx.AsyncClient
) -> None:
    before = await everything(runtime)
    for token in (None, "blt_made-up"):
        for call in calls(_app(runtime), things):
            answer = await _send(client, call, token)
            assert answer.status_code == 401, f"{call.name} answered {answer.status_code}"
    assert await everything(runtime) == before


def _app(runtime: Runtime) -> FastAPI:
    async def nobody(_: object) -> None:
        return None

    return create_app(runtime, nobody)


def _routes(app: FastAPI) -> Iterator[RouteContext]:
    return (route for route in iter_route_contexts(app.routes) if route.path not in FREE)


def calls(app: FastAPI, things: Belongings) -> Iterator[Call]:
    """Each route with each thing and each example; each list with each thing that it can be narrowed to."""
    described, nothing = app.openapi(), things.nothing()
    for route in _routes(app):
        for method in sorted(route.methods or ()):
            operation = described["paths"][route.path][method.lower()]
            yield from _of_route(route, method, operation, examples(described, operation), things, nothing)


def _of_route(
    route: RouteContext, method: str, operation: Any, bodies: list[Any], things: Belongings, nothing: Belongings
) -> Iterator[Call]:
    named = PARAMETER.findall(route.path)
    assert set(named) <= set(things.ids), f"Make a thing called {named} in tests/support/belongings.py"
    queries: list[str] = [""] + [
        each["name"] for each in operation.get("parameters", ()) if each["in"] == "query" and each["name"] in things.ids
    ]
    choices = [range(len(things.ids[name])) for name in named]
    for body, query, numbers in product(bodies, queries, product(*choices)):

        def a_call(
            of: Belongings,
            twin: Call | None = None,
            numbers: tuple[int, ...] = numbers,
            query: str = query,
            body: Any = body,
        ) -> Call:
            ids = {name: of.ids[name][number] for name, number in zip(named, numbers, strict=True)}
            written = _with_ids(body, of, used := set(ids.values()))
            return Call(
                f"{method} {route.path.removeprefix('/api/v1')}",
                method,
                PARAMETER.sub(lambda match: str(ids[match[1]]), route.path),
                written,
                ((query, str(of.ids[query][0])),) if query else (),
                frozenset(used),
                twin,
                names_in_path=bool(named),
                file="multipart/form-data" in operation.get("requestBody", {}).get("content", ()),
            )

        twin = a_call(nothing)
        yield a_call(things, twin if twin.ids else None)


def examples(described: Any, operation: Any) -> list[Any]:
    """The bodies that the documentation shows; None where none is asked for."""
    if "requestBody" not in operation:
        return [None]
    content = next(iter(operation["requestBody"]["content"].values()))
    shown = [example["value"] for example in content.get("examples", {}).values()]
    schema = content["schema"]
    for part in (schema, *schema.get("anyOf", ())):
        name = part.get("$ref", "").rpartition("/")[2]
        shown += described["components"]["schemas"].get(name, {}).get("examples", []) if name else []
    assert shown, f"{operation['operationId']} has no example of its body in the OpenAPI"
    return shown


def _with_ids(example: Any, things: Belongings, used: set[UUID], name: str = "") -> Any:
    """The example about our things, and at a time to come."""
    if isinstance(example, dict):
        return {key: _with_ids(value, things, used, key) for key, value in example.items()}
    if isinstance(example, list):
        if name in LISTED and not example:
            return []
        return [_with_ids(value, things, used, LISTED.get(name, name)) for value in example]
    if name in things.ids and example is not None:
        used.add(things.ids[name][0])
        return str(things.ids[name][0])
    if name.endswith(("_at", "_until")) and example is not None:
        return (now() + timedelta(days=3 if name.endswith("until") else 2)).isoformat()
    return example


async def _send(client: httpx.AsyncClient, call: Call, token: str | None) -> httpx.Response:
    headers = bearing(token, **{"If-Match": "*"}) if token else {"If-Match": "*"}
    more: dict[str, Any] = {} if call.body is None else {"json": call.body}
    if call.file:
        more = {"data": call.body, "files": {"file": ("a.png", plain())}}
    answer = await client.request(call.method, call.path, params=dict(call.query), headers=headers, **more)
    assert answer.status_code < 500, f"{call.name} fell: {answer.text}"
    return answer


def _said(answer: httpx.Response) -> tuple[int, Any]:
    """What can be told from an answer, apart from the request's own id."""
    body = answer.json() if "json" in answer.headers.get("content-type", "") else answer.content
    if isinstance(body, dict):
        body.pop("request_id", None)
    return answer.status_code, body


def _is_private(call: Call, things: Belongings) -> bool:
    return bool(call.ids & things.private)
