"""Media over REST."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import NotFound
from api.deps import (
    DEFAULT_LIMIT,
    PROBLEMS,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    KnownFirst,
    LimitParam,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    once,
    runtime_of,
    tagged,
)
from api.media import queries, receiving, service, serving
from api.media.schemas import Alt, Focus, MediaOut, MediaPatch, Reason, point_of
from api.media.values import Words

uploads = APIRouter(prefix="/api/v1/media", tags=["media"], route_class=KnownFirst, responses=PROBLEMS)
router = api_router("/media", "media")
EXAMPLE = {"team_id": "0198f3a2-5b1e-7c3d-9e4f-1a2b3c4d5e6f", "alt": "A closed road with a diversion sign."}
_WRITERS = needs("posts:write", "posts:publish")
_MULTIPART = {"requestBody": {"content": {"multipart/form-data": {"examples": {"a picture": {"value": EXAMPLE}}}}}}


@uploads.post(
    "", status_code=201, summary="Add a picture or a video", response_model=MediaOut,
    openapi_extra=_WRITERS["openapi_extra"] | _MULTIPART,
)  # fmt: skip
async def add_media(
    request: Request,
    viewer: CurrentViewer,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF or HEIC; MP4 or QuickTime.")],
    team_id: Annotated[UUID, Form()],
    alt: Annotated[Alt, Form()] = "",
    no_alt_reason: Annotated[Reason, Form()] = "",
    focus: Annotated[Focus, Form()] = "0,0",
    key: IdempotencyKey = None,
) -> Response:
    """A picture is made anew, without what its camera noted (place, time, camera); a video loses the same and is
    otherwise as it was. A post names it in `media_ids`; what no post carries is cleared away after a day."""
    words = Words(alt.strip(), no_alt_reason.strip(), point_of(focus))
    received = await receiving.receive(runtime_of(request), viewer, team_id, file.file, words)
    said = f"{received.digest} {team_id} {words}"

    async def keep(session: AsyncSession) -> Response:
        media = await service.keep(session, viewer, received.media_id)
        answer = JSONResponse(MediaOut.of(media).model_dump(mode="json"), 201)
        tagged(answer, media)
        answer.headers["Location"] = f"/api/v1/media/{media.id}"
        return answer

    return await once(request, viewer, key, hashlib.sha256(said.encode()).hexdigest(), keep)


@router.get(
    "", summary="Pictures and videos, the last added first", **needs("posts:read", "posts:write", "posts:publish")
)
async def list_media(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[MediaOut]:
    page = await queries.media(session, viewer, team_id, cursor, limit)
    return PageOut[MediaOut].of(page, [MediaOut.of(each) for each in page.items])


@router.get("/{media_id}", summary="One picture or video", **needs("posts:read", "posts:write", "posts:publish"))
async def show_media(response: Response, session: ReadSession, viewer: CurrentViewer, media_id: UUID) -> MediaOut:
    media = await queries.get_media(session, viewer, media_id)
    tagged(response, media)
    return MediaOut.of(media)


@router.get(
    "/{media_id}/file", summary="The file itself", response_class=Response,
    responses={200: {"content": {"image/*": {}, "video/*": {}}}, 206: {"description": "A part of it"}},
    **needs("posts:read", "posts:write", "posts:publish"),
)  # fmt: skip
async def show_file(
    request: Request,
    session: ReadSession,
    viewer: CurrentViewer,
    media_id: UUID,
    wanted: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """As it goes out, apart from what a platform needs smaller."""
    media = await queries.get_media(session, viewer, media_id)
    part = serving.part_of(media, wanted)
    if part is None:
        raise NotFound("The file ends before that.")
    body = serving.pieces(runtime_of(request).settings, media, part)
    return StreamingResponse(body, part.status, serving.headers(media, part))


@router.patch("/{media_id}", summary="Say what it shows", **_WRITERS)
async def change_media(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    media_id: UUID,
    patch: MediaPatch,
    version: MustMatch,
) -> MediaOut:
    """Until a post that carries it leaves."""
    media = await service.change(session, viewer, media_id, patch, version)
    tagged(response, media)
    return MediaOut.of(media)


@router.delete("/{media_id}", status_code=204, summary="Clear it away", **_WRITERS)
async def remove_media(session: WriteSession, viewer: CurrentViewer, media_id: UUID) -> None:
    """409 while a post carries it."""
    await service.remove(session, viewer, media_id)
