"""Pictures and videos: brought up, described, made ready in their own time, and handed out again."""

from sqlite3 import Row

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town import ids, statuses
from workers.town.wire import ApiError, fields, not_found, shapes_for, someone, town_of, words

MIMES = ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime"]
MOST_BYTES, MOST_BYTES_VIDEO = 16_777_216, 103_809_024
DESCRIPTION = 1500


async def upload(request: Request) -> Response:
    """The older way is answered once everything is ready, the newer way at once."""
    town, caller = town_of(request), someone(request, "write:media")
    body = await fields(request)
    file = body.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError(422, "Validation failed: File can't be blank")
    content, mime = await file.read(), file.content_type or ""
    if mime not in MIMES:
        raise ApiError(422, "Validation failed: File content type is invalid")
    if len(content) > (MOST_BYTES_VIDEO if mime.startswith("video/") else MOST_BYTES):
        raise ApiError(413, "Validation failed: File is too large")
    description = _described(words(body, "description"))
    number = statuses.keep_media(town, caller.account, mime, description, content, words(body, "focus"))
    return _shown(request, number, 202)


def _described(description: str) -> str:
    if len(description) > DESCRIPTION:
        raise ApiError(422, f"Validation failed: Description is too long (maximum is {DESCRIPTION} characters)")
    return description


def _shown(request: Request, media_id: int | None, unready: int) -> Response:
    """`unready`: what is answered while it is being prepared."""
    row = town_of(request).store.one("SELECT * FROM media WHERE id = ?", media_id)
    if row is None:
        raise not_found()
    ready = statuses.is_ready(town_of(request), row)
    shown = shapes_for(request).media(row)
    return JSONResponse(shown if ready else shown | {"url": None}, 200 if ready else unready)


def _own_media(request: Request, scope: str) -> Row:
    caller = someone(request, scope)
    number = ids.read(request.path_params["media_id"])
    row = town_of(request).store.one("SELECT * FROM media WHERE id = ? AND account_id = ?", number, caller.account.id)
    if row is None:
        raise not_found()
    return row


async def media(request: Request) -> Response:
    return _shown(request, _own_media(request, "write:media")["id"], 206)


async def describe(request: Request) -> Response:
    row, town = _own_media(request, "write:media"), town_of(request)
    body = {"description": row["description"], "focus": row["focus"]} | await fields(request)
    with town.store.change():
        town.store.run(
            "UPDATE media SET description = ?, focus = ? WHERE id = ?",
            *(_described(words(body, "description")), words(body, "focus"), row["id"]),
        )
    return _shown(request, row["id"], 206)


async def media_bytes(request: Request) -> Response:
    row = town_of(request).store.one("SELECT * FROM media WHERE id = ?", ids.read(request.path_params["media_id"]))
    if row is None:
        raise not_found()
    return Response(row["bytes"], media_type=row["mime"])


routes = [
    Route("/api/v1/media", upload, methods=["POST"]),
    Route("/api/v2/media", upload, methods=["POST"]),
    Route("/api/v1/media/{media_id}", media, methods=["GET"]),
    Route("/api/v1/media/{media_id}", describe, methods=["PUT"]),
    Route("/media/{media_id}", media_bytes, methods=["GET"]),
]
