"""The trainer's side door: make a resident speak, break things, start again. Never open to the network."""

import hmac
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from sqlite3 import Row
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town import ids, statuses
from workers.town.faults import Faults
from workers.town.limits import iso
from workers.town.people import Account
from workers.town.switches import Switches
from workers.town.wire import ApiError, fields, not_found, shapes_for, town_of, words

Handler = Callable[[Request], Awaitable[Response]]


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def guarded(handler: Handler) -> Handler:
    async def guard(request: Request) -> Response:
        key = town_of(request).settings.key
        if not key:
            raise not_found()
        near = request.client is None or is_loopback(request.client.host)
        if not near or not hmac.compare_digest(request.headers.get("x-town-key", ""), key):
            raise ApiError(403, "Only the trainer may do this")
        return await handler(request)

    return guard


def _person(request: Request, handle: str) -> Account:
    account = town_of(request).people.find(handle, town_of(request).settings.domain)
    if account is None:
        raise ApiError(404, f"Nobody called {handle} lives here")
    return account


def _addressed(body: dict[str, Any], author: Account, text: str) -> str:
    to = body.get("to") or []
    handles = [to] if isinstance(to, str) else list(to)
    missing = [f"@{handle.lstrip('@')}" for handle in handles if f"@{handle.lstrip('@')}".lower() not in text.lower()]
    return " ".join([*missing, text])


async def say(request: Request) -> Response:
    """A resident writes now, whatever the pace."""
    town, body = town_of(request), await fields(request)
    author = _person(request, words(body, "who"))
    reply_to = ids.read(body.get("in_reply_to_id")) if body.get("in_reply_to_id") else None
    if body.get("in_reply_to_id") and statuses.get(town, reply_to) is None:
        raise not_found()
    draft = statuses.Draft(
        author,
        _addressed(body, author, words(body, "text")),
        words(body, "visibility", "public"),
        reply_to,
        language=words(body, "language", "en"),
        source="control",
    )
    number = statuses.write(town, draft)
    return JSONResponse(shapes_for(request).status(_status(request, number)))


def _status(request: Request, number: int | None) -> Row:
    row = statuses.get(town_of(request), number)
    if row is None:
        raise not_found()
    return row


async def edit(request: Request) -> Response:
    town, body = town_of(request), await fields(request)
    row = _status(request, ids.read(request.path_params["status_id"]))
    statuses.edit(town, row, words(body, "text"), row["spoiler"], bool(row["sensitive"]))
    return JSONResponse(shapes_for(request).status(_status(request, row["id"])))


async def delete(request: Request) -> Response:
    statuses.delete(town_of(request), _status(request, ids.read(request.path_params["status_id"])))
    return JSONResponse({})


async def everything(request: Request) -> Response:
    """All that was ever committed, oldest first: private, doubled and deleted ones too. What was only shared: `shares`."""
    town, query = town_of(request), request.query_params
    where, values = f"boost_of IS {'NOT' if query.get('shares') else ''} NULL", list[object]()
    if query.get("account"):
        where, values = where + " AND account_id = ?", [_person(request, query["account"]).id]
    if query.get("source"):
        where, values = where + " AND source = ?", [*values, query["source"]]
    rows = town.store.all(f"SELECT * FROM statuses WHERE {where} ORDER BY id", *values)  # noqa: S608 - ours
    return JSONResponse(
        [
            {
                "id": town.show(row["id"]),
                "account": town.people[row["account_id"]].acct,
                "text": row["text"],
                "visibility": row["visibility"],
                "in_reply_to_id": town.show(row["reply_to"]),
                "source": row["source"],
                "shares": _shared(request, row["boost_of"]),
                "media": _media_of(request, row["id"]),
                "created_at": iso(row["created_ms"]),
                "edited_at": iso(row["edited_ms"]) if row["edited_ms"] else None,
                "deleted_at": iso(row["deleted_ms"]) if row["deleted_ms"] else None,
            }
            for row in rows
        ]
    )


def _shared(request: Request, original: int | None) -> str | None:
    row = statuses.get(town_of(request), original)
    return shapes_for(request).status(row)["url"] if row else None


def _media_of(request: Request, status_id: int) -> list[dict[str, Any]]:
    rows = town_of(request).store.all("SELECT * FROM media WHERE status_id = ? ORDER BY position", status_id)
    return [shapes_for(request).media(one) | {"mime": one["mime"]} for one in rows]


async def show_faults(request: Request) -> Response:
    return JSONResponse(town_of(request).faults.as_dict())


async def set_faults(request: Request) -> Response:
    """Replaces all faults, or those of one account; an empty object mends everything."""
    town = town_of(request)
    try:
        wanted = Faults.parse(await request.json(), town.settings.seed, Switches)
    except (ValueError, TypeError, AttributeError) as problem:
        raise ApiError(422, str(problem)) from problem
    account = request.query_params.get("account")
    town.set_faults(town.faults.of_account(account, wanted.rules) if account else wanted)
    return JSONResponse(town.faults.as_dict())


async def revoke_token(request: Request) -> Response:
    """For good, as when somebody takes the app's access away in their preferences."""
    town, body = town_of(request), await fields(request)
    account = _person(request, words(body, "account"))
    with town.store.change():
        gone = town.store.run("UPDATE tokens SET revoked = 1 WHERE account_id = ?", account.id)
    return JSONResponse({"revoked": gone})


async def reset(request: Request) -> Response:
    """The town as it was on its first morning; ids go on rising."""
    town = town_of(request)
    last = {
        "statuses": town.status_ids.last,
        "notifications": town.other_ids.last,
        "media": town.media_ids.last,
    }
    with town.store.change():
        town.store.wipe()
        for table, number in last.items():
            town.store.remember(f"last {table}", str(number))
    town.set_faults(Faults.parse({}, town.settings.seed, Switches))
    town.open()
    request.app.state.engine.begin()
    return JSONResponse({})


async def state(request: Request) -> Response:
    town = town_of(request)
    return JSONResponse(
        {
            "scenario": town.scenario.name,
            "pace": town.settings.pace,
            "statuses": town.store.value("SELECT count(*) FROM statuses WHERE deleted_ms IS NULL"),
            "plans": town.store.value("SELECT count(*) FROM plans"),
        }
    )


routes = [
    Route("/town/state", guarded(state), methods=["GET"]),
    Route("/town/say", guarded(say), methods=["POST"]),
    Route("/town/statuses", guarded(everything), methods=["GET"]),
    Route("/town/statuses/{status_id}", guarded(edit), methods=["PUT"]),
    Route("/town/statuses/{status_id}", guarded(delete), methods=["DELETE"]),
    Route("/town/faults", guarded(show_faults), methods=["GET"]),
    Route("/town/faults", guarded(set_faults), methods=["PUT"]),
    Route("/town/revoke", guarded(revoke_token), methods=["POST"]),
    Route("/town/reset", guarded(reset), methods=["POST"]),
]
