"""Statuses: write, read, edit, delete, like, share."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town import ids, lists, statuses, text
from workers.town.limits import iso
from workers.town.wire import (
    ApiError,
    Caller,
    anyone,
    fields,
    not_found,
    own_status_in_path,
    shapes_for,
    someone,
    status_in_path,
    town_of,
    words,
    yes,
)
from workers.town.world import Town

MAX_CHARACTERS = 500
KEPT_MS = 3_600_000  # how long an Idempotency-Key is remembered
VISIBILITIES = frozenset({"public", "unlisted", "private", "direct"})


def _check(body: dict[str, Any], media: tuple[int, ...]) -> None:
    written = words(body, "status")
    if not written.strip() and not media:
        raise ApiError(422, "Validation failed: Text can't be blank")
    if text.count(written) + text.count(words(body, "spoiler_text")) > MAX_CHARACTERS:
        raise ApiError(422, f"Validation failed: Text character limit of {MAX_CHARACTERS} exceeded")


def _media(town: Town, caller: Caller, body: dict[str, Any]) -> tuple[int, ...]:
    found = tuple(number for number in (ids.read(one) for one in body.get("media_ids") or []) if number)
    if len(found) > 4:
        raise ApiError(422, "Cannot attach more than 4 files")
    for number in found:
        mine = "SELECT * FROM media WHERE id = ? AND account_id = ? AND status_id IS NULL"
        row = town.store.one(mine, number, caller.account.id)
        if row is None:
            raise ApiError(422, "Validation failed: Media is already attached or does not exist")
        if not statuses.is_ready(town, row):
            raise ApiError(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        if len(found) > 1 and row["mime"].startswith("video/"):
            raise ApiError(422, "Cannot attach a video to a post that already contains images")
    return found


def _draft(town: Town, caller: Caller, body: dict[str, Any]) -> statuses.Draft:
    media = _media(town, caller, body)
    _check(body, media)
    visibility = words(body, "visibility", "public")
    if visibility not in VISIBILITIES:
        raise ApiError(422, f"Validation failed: Visibility {visibility} is not valid")
    reply_to = None
    if body.get("in_reply_to_id"):
        parent = statuses.get(town, ids.read(body["in_reply_to_id"]))
        if parent is None or not lists.may_see(town, parent, caller.account.id):
            raise ApiError(404, "The post you are trying to reply to does not appear to exist.")
        reply_to = parent["id"]
    return statuses.Draft(
        author=caller.account,
        text=words(body, "status"),
        visibility=visibility,
        reply_to=reply_to,
        spoiler=words(body, "spoiler_text"),
        sensitive=yes(body.get("sensitive", False)),
        language=words(body, "language", "en"),
        media=media,
        app=caller.app,
        source="api",
    )


def _known(town: Town, caller: Caller, key: str) -> int | None:
    if not key or not town.faults.switches.idempotency:
        return None
    found: int | None = town.store.value(
        "SELECT status_id FROM idempotency WHERE account_id = ? AND key = ? AND created_ms > ?",
        *(caller.account.id, key, town.now() - KEPT_MS),
    )
    return found


def _write_once(town: Town, caller: Caller, key: str, body: dict[str, Any]) -> int:
    """Asked again with the same key within the hour, it gives the first one back."""
    known = _known(town, caller, key)
    if known is not None:
        return known
    with town.store.change():
        number = statuses.write(town, _draft(town, caller, body))
        if key:
            values = (caller.account.id, key, number, town.now())
            town.store.run("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?)", *values)
        town.noticed(number)
    return number


async def create(request: Request) -> Response:
    town, caller = town_of(request), someone(request, "write:statuses")
    body = await fields(request)
    number = _write_once(town, caller, request.headers.get("idempotency-key", ""), body)
    status = town.store.one("SELECT * FROM statuses WHERE id = ?", number)
    assert status is not None
    return JSONResponse(shapes_for(request, caller).status(status))


async def show(request: Request) -> Response:
    viewer = anyone(request)
    return JSONResponse(shapes_for(request, viewer).status(status_in_path(request, viewer)))


async def edit(request: Request) -> Response:
    town, caller = town_of(request), someone(request, "write:statuses")
    status = own_status_in_path(request, caller)
    body = {"status": status["text"], "spoiler_text": status["spoiler"], "sensitive": status["sensitive"]}
    body |= await fields(request)
    _check(body, ())
    statuses.edit(town, status, words(body, "status"), words(body, "spoiler_text"), yes(body["sensitive"]))
    return JSONResponse(shapes_for(request, caller).status(own_status_in_path(request, caller)))


async def delete(request: Request) -> Response:
    """The answer holds the words as they were written, so that they can be written anew."""
    town, caller = town_of(request), someone(request, "write:statuses")
    status = own_status_in_path(request, caller)
    shown = shapes_for(request, caller).status(status) | {"text": status["text"]}
    statuses.delete(town, status)
    return JSONResponse(shown)


async def source(request: Request) -> Response:
    status = own_status_in_path(request, someone(request, "read:statuses"))
    if not town_of(request).faults.switches.source:
        raise not_found()
    shown = {
        "id": town_of(request).show(status["id"]),
        "text": status["text"],
        "spoiler_text": status["spoiler"],
    }
    return JSONResponse(shown)


async def history(request: Request) -> Response:
    viewer = anyone(request)
    status, shapes = status_in_path(request, viewer), shapes_for(request, viewer)
    account = shapes.account(shapes.town.people[status["account_id"]])
    rows = shapes.town.store.all("SELECT * FROM edits WHERE status_id = ? ORDER BY created_ms", status["id"])
    versions = [(row["text"], row["spoiler"], row["sensitive"], row["created_ms"]) for row in rows]
    versions.append(
        (status["text"], status["spoiler"], status["sensitive"], status["edited_ms"] or status["created_ms"])
    )
    return JSONResponse(
        [
            {
                "content": shapes.html(written),
                "spoiler_text": spoiler,
                "sensitive": bool(sensitive),
                "created_at": iso(at_ms),
                "account": account,
                "media_attachments": [],
                "emojis": [],
            }
            for written, spoiler, sensitive, at_ms in versions
        ]
    )


async def context(request: Request) -> Response:
    town, viewer = town_of(request), anyone(request)
    status, shapes = status_in_path(request, viewer), shapes_for(request, viewer)
    above = lists.ancestors(town, status, shapes.viewer_id)
    below = lists.descendants(town, status, shapes.viewer_id)
    return JSONResponse({"ancestors": shapes.statuses(above), "descendants": shapes.statuses(below)})


def _last_word(request: Request) -> str:
    return str(request.url.path).rsplit("/", 1)[1]


async def act(request: Request) -> Response:
    """Like and unlike, share and unshare: doing it twice changes nothing."""
    town, verb = town_of(request), _last_word(request)
    caller = someone(request, "write:favourites" if "favourite" in verb else "write:statuses")
    status = status_in_path(request, caller)
    if verb in {"favourite", "unfavourite"}:
        statuses.favourite(town, status, caller.account, wanted=verb == "favourite")
    elif verb == "unreblog":
        statuses.unboost(town, status, caller.account)
    elif status["visibility"] not in {"public", "unlisted"}:
        raise ApiError(422, "Validation failed: Reblog of post is not allowed")
    else:
        statuses.boost(town, status, caller.account)
        mine = "SELECT * FROM statuses WHERE boost_of = ? AND account_id = ? AND deleted_ms IS NULL"
        shared = town.store.one(mine, status["id"], caller.account.id)
        assert shared is not None
        return JSONResponse(shapes_for(request, caller).status(shared))
    return JSONResponse(shapes_for(request, caller).status(status_in_path(request, caller)))


async def people_who(request: Request) -> Response:
    """Who liked it, or who shared it."""
    viewer = anyone(request)
    status, shapes = status_in_path(request, viewer), shapes_for(request, viewer)
    liked = _last_word(request) == "favourited_by"
    sql = (
        "SELECT account_id FROM favourites WHERE status_id = ?"
        if liked
        else "SELECT account_id FROM statuses WHERE boost_of = ? AND deleted_ms IS NULL"
    )
    rows = shapes.town.store.all(sql, status["id"])
    return JSONResponse([shapes.account(shapes.town.people[row[0]]) for row in rows])


ONE = "/api/v1/statuses/{status_id}"
routes = [
    Route("/api/v1/statuses", create, methods=["POST"]),
    Route(ONE, show, methods=["GET"]),
    Route(ONE, edit, methods=["PUT"]),
    Route(ONE, delete, methods=["DELETE"]),
    Route(ONE + "/source", source, methods=["GET"]),
    Route(ONE + "/history", history, methods=["GET"]),
    Route(ONE + "/context", context, methods=["GET"]),
    *[Route(f"{ONE}/{verb}", act, methods=["POST"]) for verb in ("favourite", "unfavourite", "reblog", "unreblog")],
    *[Route(f"{ONE}/{what}", people_who, methods=["GET"]) for what in ("favourited_by", "reblogged_by")],
]
