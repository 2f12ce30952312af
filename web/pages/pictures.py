"""Pictures and videos in the writing form: added, described, put in order, taken out; and the files themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData, UploadFile

from api.core.errors import DomainError, Invalid, NotFound
from api.core.runtime import Runtime
from api.media import queries, receiving, serving, small
from api.media import service as media
from api.media.schemas import MediaPatch
from api.media.values import Words
from api.models import MediaKind, Viewer
from web import carried
from web.carried import Carried
from web.deps import ReadSession, Signed, runtime_of
from web.render import fragment
from web.typed import Typed

router = APIRouter()
FIELD = "media_ids"
NOT_THERE = "A picture of another team, or one that is not there any more, was left out."


@router.get("/media/{media_id}/file")
async def file(
    request: Request,
    session: ReadSession,
    viewer: Signed,
    media_id: UUID,
    wanted: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    found = await queries.get_media(session, viewer, media_id)
    part = serving.part_of(found, wanted)
    if part is None:
        raise NotFound
    body = serving.pieces(runtime_of(request).settings, found, part)
    return StreamingResponse(body, part.status, serving.headers(found, part))


@router.get("/media/{media_id}/small")
async def thumbnail(request: Request, session: ReadSession, viewer: Signed, media_id: UUID) -> Response:
    """As large as a form or a list shows it."""
    found = await queries.get_media(session, viewer, media_id)
    if found.kind is not MediaKind.IMAGE:
        raise NotFound
    return Response(await small.of(runtime_of(request).settings, found), headers=small.headers(found))


@router.post("/write/pictures")
async def change(request: Request, viewer: Signed) -> HTMLResponse:
    """The part of the form with the pictures, after a button of it or with what was just added."""
    form = await request.form()
    typed, mistake = await take(runtime_of(request), viewer, Typed.of(form), form)
    errors = {FIELD: mistake.sentence} if mistake else {}
    return fragment(
        request, "write/_pictures.html", {"carried": typed.carried, "sights": carried.SIGHTS, "errors": errors}
    )


async def take(runtime: Runtime, viewer: Viewer, typed: Typed, form: FormData) -> tuple[Typed, Invalid | None]:
    """What the form carries now. What was added stays added, even if something else in the form is wrong."""
    before, mistakes = await _known(runtime, viewer, typed, form)
    here = [each.as_typed(form) for each in before]
    added, refused = await _added(runtime, viewer, typed.team_id, carried.files_in(form))
    now = carried.moved([*here, *added], str(form.get("picture", "")))
    mistakes += refused + await _describe(runtime, viewer, before, here)
    return replace(typed, carried=now), Invalid(" ".join(mistakes), FIELD) if mistakes else None


async def _known(
    runtime: Runtime, viewer: Viewer, typed: Typed, form: FormData
) -> tuple[tuple[Carried, ...], list[str]]:
    """Those that the chosen team may carry."""
    async with runtime.read() as session:
        found = await known(session, viewer, typed, form)
    return found, [NOT_THERE] if typed.team_id is not None and len(found) < len(carried.ids_in(form)) else []


async def known(session: AsyncSession, viewer: Viewer, typed: Typed, form: FormData) -> tuple[Carried, ...]:
    """Those of the form that the chosen team may carry, as they are kept."""
    ids = carried.ids_in(form)
    if not ids or typed.team_id is None:
        return ()
    return carried.in_order(await queries.chosen(session, viewer, typed.team_id, ids))


async def _added(
    runtime: Runtime, viewer: Viewer, team_id: UUID | None, files: Sequence[UploadFile]
) -> tuple[list[Carried], list[str]]:
    """Each by itself: one that cannot be used keeps no other out."""
    if files and team_id is None:
        return [], ["Choose a team first."]
    added, refused = [], []
    for each in files:
        try:
            added.append(await _receive(runtime, viewer, team_id, each))
        except DomainError as error:
            if isinstance(error, NotFound):
                raise
            refused.append(f"{each.filename}: {error.sentence}")
    return added, refused


async def _receive(runtime: Runtime, viewer: Viewer, team_id: UUID | None, file: UploadFile) -> Carried:
    assert team_id is not None
    received = await receiving.receive(runtime, viewer, team_id, file.file, Words())
    async with runtime.unit_of_work() as session:
        return Carried.of(await media.keep(session, viewer, received.media_id))


async def _describe(runtime: Runtime, viewer: Viewer, before: Sequence[Carried], here: Sequence[Carried]) -> list[str]:
    """Only what was changed is written down; what went out already keeps its words."""
    mistakes = []
    for was, now in zip(before, here, strict=True):
        if was == now:
            continue
        patch = MediaPatch(alt=now.alt, no_alt_reason=now.why, focus=now.focus)
        try:
            async with runtime.unit_of_work() as session:
                await media.change(session, viewer, now.id, patch, None)
        except DomainError as error:
            mistakes.append(error.sentence)
    return mistakes
