"""The trainer's side door, with the same handles as the town's: tests drive both alike."""

import hmac
import json
from collections.abc import Awaitable, Callable
from sqlite3 import Row
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town.api_control import is_loopback
from workers.town.bluesky import chats, repo
from workers.town.bluesky.calls import XrpcError, wrong
from workers.town.bluesky.sky import Sky, SkySwitches
from workers.town.faults import Faults
from workers.town.limits import iso

SHARE = "app.bsky.feed.repost"
Handler = Callable[[Request], Awaitable[Response]]


def sky_of(request: Request) -> Sky:
    sky: Sky = request.app.state.sky
    return sky


def guarded(handler: Handler) -> Handler:
    async def guard(request: Request) -> Response:
        key = sky_of(request).settings.key
        if not key:
            raise XrpcError(404, "NotFound", "Not found")
        near = request.client is None or is_loopback(request.client.host)
        if not near or not hmac.compare_digest(request.headers.get("x-town-key", ""), key):
            raise XrpcError(403, "Forbidden", "Only the trainer may do this")
        return await handler(request)

    return guard


def _person(request: Request, who: str) -> Row:
    found = sky_of(request).find(who)
    if found is None:
        raise XrpcError(404, "NotFound", f"Nobody called {who} lives here")
    return found


async def say(request: Request) -> Response:
    """A resident writes now: a post, an answer, or to one person alone."""
    sky, body = sky_of(request), await request.json()
    author = _person(request, body["who"])
    named = [
        _person(request, name) for name in ([body["to"]] if isinstance(body.get("to"), str) else body.get("to", []))
    ]
    if body.get("visibility") == "direct":
        convo = chats.between(sky, author["did"], named[0]["did"])
        return JSONResponse(_message(sky, chats.say(sky, convo["id"], author["did"], body["text"], "control")))
    value = _post(sky, body["text"], [row for row in named if not body.get("in_reply_to_id")])
    if body.get("in_reply_to_id"):
        value["reply"] = _reply(sky, body["in_reply_to_id"])
    with sky.store.change():
        number = repo.put(sky, author["did"], repo.POST, repo.new_rkey(sky), value, "control")
    return JSONResponse(_record(sky, _row(sky, number)))


def _post(sky: Sky, text: str, named: list[Row]) -> dict[str, Any]:
    """The names are put in front, and marked where they stand."""
    whole, facets = text, []
    for row in named:
        whole = f"@{row['handle']} {whole}"
    for row in named:
        start = whole.encode().index(f"@{row['handle']}".encode())
        index = {"byteStart": start, "byteEnd": start + len(row["handle"]) + 1}
        features = [{"$type": "app.bsky.richtext.facet#mention", "did": row["did"]}]
        facets.append({"index": index, "features": features})
    marks = {"facets": facets} if facets else {}
    return {"$type": repo.POST, "text": whole, "createdAt": iso(sky.now()), "langs": ["en"], **marks}


def _reply(sky: Sky, uri: str) -> dict[str, Any]:
    parent = repo.get(sky, uri)
    if parent is None:
        raise wrong("There is no such post to answer")
    here = {"uri": uri, "cid": parent["cid"]}
    return {"root": (json.loads(parent["value"]).get("reply") or {}).get("root", here), "parent": here}


def _row(sky: Sky, number: int) -> Row:
    return sky.store.all("SELECT * FROM records WHERE id = ?", number)[0]


async def delete(request: Request) -> Response:
    repo.take_away(sky_of(request), request.path_params["uri"])
    return JSONResponse({})


async def everything(request: Request) -> Response:
    """All that was ever committed, oldest first: private, doubled and deleted ones too. What was only shared: `shares`."""
    sky, query = sky_of(request), request.query_params
    did = _person(request, query["account"])["did"] if query.get("account") else "%"
    source, kind = query.get("source") or "%", query.get("collection") or repo.POST
    if query.get("shares"):
        kind = SHARE
    where = "did LIKE ? AND source LIKE ?"
    records = sky.store.all(f"SELECT * FROM records WHERE {where} AND collection = ? ORDER BY id", did, source, kind)  # noqa: S608
    messages = sky.store.all(f"SELECT * FROM messages WHERE {where} ORDER BY id", did, source)  # noqa: S608
    found = [_record(sky, row) for row in records] + [_message(sky, row) for row in messages if kind == repo.POST]
    return JSONResponse(sorted(found, key=lambda one: str(one["created_at"])))


def _record(sky: Sky, row: Row) -> dict[str, Any]:
    value = json.loads(row["value"])
    return {
        "id": repo.uri_of(row),
        "account": sky.person(row["did"])["handle"],
        "text": value.get("text", ""),
        "visibility": "public",
        "in_reply_to_id": row["parent"],
        "source": row["source"],
        "shares": row["subject"] if row["collection"] == SHARE else None,
        "media": [{"description": image.get("alt")} for image in (value.get("embed") or {}).get("images", [])],
        "created_at": iso(row["made_ms"]),
        "edited_at": None,
        "deleted_at": iso(row["deleted_ms"]) if row["deleted_ms"] else None,
    }


def _message(sky: Sky, row: Row) -> dict[str, Any]:
    return {
        "id": f"chat:{row['convo']}/{chats.message(row)['id']}",
        "account": sky.person(row["did"])["handle"],
        "text": row["text"],
        "visibility": "direct",
        "in_reply_to_id": None,
        "source": row["source"],
        "shares": None,
        "media": [],
        "created_at": iso(row["sent_ms"]),
        "edited_at": None,
        "deleted_at": None,
    }


async def show_faults(request: Request) -> Response:
    return JSONResponse(sky_of(request).faults.as_dict())


async def set_faults(request: Request) -> Response:
    """Replaces all faults, or those of one account; an empty object mends everything."""
    sky = sky_of(request)
    try:
        wanted = Faults.parse(await request.json(), sky.settings.seed, SkySwitches)
    except (ValueError, TypeError, AttributeError) as problem:
        raise XrpcError(422, "InvalidRequest", str(problem)) from problem
    account = request.query_params.get("account")
    sky.set_faults(sky.faults.of_account(account, wanted.rules) if account else wanted)
    return JSONResponse(sky.faults.as_dict())


async def revoke(request: Request) -> Response:
    """For good: every session that was open is over."""
    sky, body = sky_of(request), await request.json()
    did = _person(request, body["account"])["did"]
    with sky.store.change():
        sky.store.run("UPDATE accounts SET ended_ms = ? WHERE did = ?", sky.now() + 1000, did)
        gone = sky.store.run("DELETE FROM renewals WHERE did = ?", did)
    return JSONResponse({"revoked": gone})


async def reset(request: Request) -> Response:
    """As on its first morning. Sessions end with everything else."""
    sky = sky_of(request)
    last = sky.store.fact("last rkey") or "0"
    with sky.store.change():
        sky.store.wipe()
        sky.store.remember("last rkey", last)
    sky.set_faults(Faults.parse({}, sky.settings.seed, SkySwitches))
    sky.open()
    return JSONResponse({})


async def state(request: Request) -> Response:
    count = "SELECT count(*) FROM records WHERE deleted_ms IS NULL"
    return JSONResponse(
        {"scenario": "empty", "pace": "still", "statuses": sky_of(request).store.value(count), "plans": 0}
    )


routes = [
    Route("/town/state", guarded(state), methods=["GET"]),
    Route("/town/say", guarded(say), methods=["POST"]),
    Route("/town/statuses", guarded(everything), methods=["GET"]),
    Route("/town/statuses/{uri:path}", guarded(delete), methods=["DELETE"]),
    Route("/town/faults", guarded(show_faults), methods=["GET"]),
    Route("/town/faults", guarded(set_faults), methods=["PUT"]),
    Route("/town/revoke", guarded(revoke), methods=["POST"]),
    Route("/town/reset", guarded(reset), methods=["POST"]),
]
