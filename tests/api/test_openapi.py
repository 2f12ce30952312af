"""Other systems are built on this description: it is valid, complete, and what was promised in it stays."""

from collections.abc import Sequence
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from api.access.service import SCOPES
from api.core.database import Database
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.main import SERVICES, create_app
from api.models import Viewer
from tests.test_route_walk import examples

POST = {"id", "state", "etag", "deliveries"}
DELIVERY = {"id", "account_id", "state", "due_at", "sent_at", "lateness_ms", "remote_id", "url", "error"}
ACCOUNT = {"id", "platform", "handle", "team_id", "state"}

PROMISED: dict[str, tuple[set[str], set[str], str]] = {
    # route: what may be sent (in the body, or for GET in the query), what is answered, with which status
    "POST /posts": (
        {"team_id", "text", "account_ids", "publish_at", "useful_until", "variants", "media_ids"},
        POST,
        "201",
    ),
    "GET /posts/{post_id}": (set(), POST, "200"),
    "PATCH /posts/{post_id}": ({"text", "account_ids", "publish_at", "useful_until", "variants"}, POST, "200"),
    "POST /posts/{post_id}/cancel": (set(), POST, "200"),
    "POST /posts/{post_id}/withdraw": ({"reason"}, POST | {"accounts", "withdrawn_at"}, "200"),
    "POST /posts/{post_id}/share": ({"how", "team_id", "account_ids", "text", "publish_at"}, POST | {"shares"}, "201"),
    "GET /posts/{post_id}/versions": (set(), {"items"}, "200"),
    "PATCH /messages/{message_id}": ({"text"}, {"id", "text", "version", "doing"}, "200"),
    "POST /messages/{message_id}/withdraw": ({"reason"}, {"id", "doing", "trouble"}, "200"),
    "POST /messages/{message_id}/like": (set(), {"id", "liked"}, "200"),
    "DELETE /messages/{message_id}/like": (set(), {"id", "liked"}, "200"),
    "POST /media": ({"file", "team_id", "alt", "no_alt_reason", "focus"}, {"id", "kind", "etag", "alt", "url"}, "201"),
    "PATCH /media/{media_id}": ({"alt", "no_alt_reason", "focus"}, {"id", "alt", "etag"}, "200"),
    "GET /schedules": ({"team_id", "from", "to", "cursor"}, {"items", "next_cursor"}, "200"),
    "POST /schedules": ({"post_id", "publish_at", "useful_until"}, {"id", "post_id", "publish_at"}, "201"),
    "PATCH /schedules/{schedule_id}": ({"publish_at"}, {"id", "publish_at", "etag"}, "200"),
    "POST /schedules/{schedule_id}/cancel": (set(), {"id", "state"}, "200"),
    "GET /deliveries": ({"state", "cursor"}, {"items", "next_cursor"}, "200"),
    "POST /deliveries/{delivery_id}/retry": (set(), DELIVERY, "200"),
    "GET /conversations": ({"state", "team_id", "cursor"}, {"items", "next_cursor"}, "200"),
    "GET /conversations/{conversation_id}": (set(), {"id", "state", "messages", "notes"}, "200"),
    "POST /conversations/{conversation_id}/replies": ({"text"}, {"id", "text", "visibility"}, "201"),
    "POST /conversations/{conversation_id}/notes": ({"text"}, {"id", "text"}, "201"),
    "POST /conversations/{conversation_id}/assign": ({"person_id"}, {"id", "state"}, "200"),
    "POST /conversations/{conversation_id}/close": (set(), {"id", "state"}, "200"),
    "POST /conversations/{conversation_id}/reopen": (set(), {"id", "state"}, "200"),
    "GET /accounts": (set(), {"items", "next_cursor"}, "200"),
    "GET /accounts/{account_id}": (set(), ACCOUNT, "200"),
    "POST /accounts": ({"platform", "instance", "team_id"}, {"id", "state", "authorize_url"}, "202"),
    "GET /questions": (set(), {"items", "next_cursor"}, "200"),
    "POST /questions": ({"neighbourhood_id", "text", "closes_at", "account_ids"}, {"id", "state"}, "201"),
    "POST /questions/{question_id}/answers": ({"source", "issues", "counts", "heads"}, {"id", "question_id"}, "201"),
    "GET /questions/{question_id}/picture": (set(), {"sources", "meetings", "issues"}, "200"),
    "GET /priorities": (set(), {"items", "next_cursor"}, "200"),
    "POST /priorities": ({"neighbourhood_id", "question_id", "issue", "reason"}, {"id", "issue", "reason"}, "201"),
    "POST /priorities/{priority_id}/updates": ({"text"}, {"id", "text"}, "201"),
    "POST /policy/check": (
        {"text", "kind", "platform", "media", "links", "scheduled_for"},
        {"level", "findings"},
        "200",
    ),
    "GET /policy/rules": (set(), {"items"}, "200"),
    "POST /policy/false-alarms": ({"rule", "start", "end"}, {"id", "rule"}, "201"),
    "GET /policy/false-alarms": ({"cursor"}, {"items", "next_cursor"}, "200"),
    "GET /me": (set(), {"person", "force", "roles", "scopes", "teams"}, "200"),
}
LISTS = {"GET /accounts": ACCOUNT, "GET /deliveries": DELIVERY}


@pytest.fixture(scope="module")
def described() -> Any:
    return _app().openapi()


def test_it_is_valid(described: Any) -> None:
    assert described["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(described).validate()


@pytest.mark.parametrize("promise", PROMISED)
def test_what_was_promised_is_there(described: Any, promise: str) -> None:
    takes, gives, status = PROMISED[promise]
    method, path = promise.split(" ")
    operation = described["paths"][f"/api/v1{path}"][method.lower()]
    answer = operation["responses"][status]["content"]["application/json"]["schema"]
    assert takes <= (_queries(operation) if method == "GET" else _members(described, _body(operation)))
    assert gives <= _members(described, answer)
    if promise in LISTS:
        items = _properties(described, answer)["items"]["items"]
        assert LISTS[promise] <= _members(described, items)


def test_a_post_shows_its_deliveries_with_what_became_of_them(described: Any) -> None:
    post = {"$ref": "#/components/schemas/PostOut"}
    assert _members(described, _properties(described, post)["deliveries"]["items"]) >= DELIVERY


def test_what_two_people_can_change_asks_for_the_version(described: Any) -> None:
    for name, operation in operations(described):
        if name.startswith("PATCH "):
            assert "if-match" in {each["name"].lower() for each in operation["parameters"] if each["in"] == "header"}


def test_every_operation_has_an_example_its_scopes_and_its_problems(described: Any) -> None:
    for name, operation in operations(described):
        assert examples(described, operation), name
        assert operation.get("summary") or operation.get("description"), name
        problems = {status for status, each in operation["responses"].items() if "problem" in str(each.get("content"))}
        assert {"401", "403", "404", "409", "412", "422"} <= problems, name
        scopes = [scope for each in operation["security"] for scope in each["token"]]
        assert set(scopes) <= set(SCOPES), name
        assert scopes or name == "GET /me", f"{name} names no scope"


def test_every_post_may_be_sent_again(described: Any) -> None:
    """One that creates says so; those that do the same twice anyway need not."""
    creating = [o for n, o in operations(described) if n.startswith("POST ") and {"201", "202"} & set(o["responses"])]
    for operation in creating:
        assert "idempotency-key" in {each["name"].lower() for each in operation["parameters"]}, operation["operationId"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_can_stand_alone_and_describes_them_all(described: Any, name: str) -> None:
    app = _app([name])
    paths = {route.path for route in iter_route_contexts(app.routes)}
    assert {route.path for router in SERVICES[name] for route in router.routes} <= paths
    assert len(paths) < len(described["paths"])
    assert app.openapi() == described


def _app(services: Sequence[str] = ()) -> FastAPI:
    async def nobody(_: Request) -> Viewer | None:
        return None

    return create_app(Runtime(Settings(), Database("sqlite://")), nobody, services)


def operations(described: Any) -> list[tuple[str, Any]]:
    return [
        (f"{method.upper()} {path.removeprefix('/api/v1')}", operation)
        for path, each in described["paths"].items()
        for method, operation in each.items()
    ]


def _body(operation: Any) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return next(iter(content.values()), {}).get("schema", {})


def _queries(operation: Any) -> set[str]:
    return {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}


def _members(described: Any, schema: Any) -> set[str]:
    return set(_properties(described, schema))


def _properties(described: Any, schema: Any) -> dict[str, Any]:
    """Those of a schema, of what it refers to, and of every choice that it gives."""
    found: dict[str, Any] = dict(schema.get("properties", {}))
    if "$ref" in schema:
        found |= _properties(described, described["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= _properties(described, part)
    return found
