"""One priority: why it was chosen, what was done, and telling people."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.identity import queries as identity
from api.models import PriorityState, Viewer
from api.priorities import queries, service
from api.priorities.issues import label
from api.priorities.schemas import EndIn, UpdateIn
from web.deps import Framed, ReadSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.rounds import DID, steps

router = APIRouter(prefix="/priorities/{priority_id}")
Typed = Annotated[str, Form()]
LEFT_EMPTY = {"Fill this in.": "Write down what was done."}


@router.get("")
async def one(request: Request, session: ReadSession, viewer: Framed, priority_id: UUID) -> HTMLResponse:
    return await _one(request, session, viewer, priority_id, "")


@router.post("/updates")
async def write(request: Request, viewer: Framed, priority_id: UUID, text: Typed = "", then: Typed = "") -> Response:
    """With `then=draft` the post for residents is drafted from the record in the same press."""
    try:
        wanted = UpdateIn.model_validate({"text": text.strip()})
        async with runtime_of(request).unit_of_work() as session:
            await service.write_update(session, viewer, priority_id, wanted.text)
            post = await service.draft_you_said(session, viewer, priority_id) if then == "draft" else None
    except CAUGHT as error:
        return await _again(request, viewer, priority_id, text, error)
    where = f"/write/{post.id}?said=you-said" if post else f"/priorities/{priority_id}?said=update-kept"
    return RedirectResponse(where, 303)


@router.post("/draft")
async def draft(request: Request, viewer: Framed, priority_id: UUID) -> Response:
    try:
        async with runtime_of(request).unit_of_work() as session:
            post = await service.draft_you_said(session, viewer, priority_id)
    except CAUGHT as error:
        return await _again(request, viewer, priority_id, "", error)
    return RedirectResponse(f"/write/{post.id}?said=you-said", 303)


@router.post("/end")
async def end(request: Request, viewer: Framed, priority_id: UUID, came: Typed = "") -> Response:
    try:
        wanted = EndIn.model_validate({"text": came.strip()})
        async with runtime_of(request).unit_of_work() as session:
            await service.end_priority(session, viewer, priority_id, wanted.text)
    except CAUGHT as error:
        return await _again(request, viewer, priority_id, "", error)
    return RedirectResponse(f"/priorities/{priority_id}?said=priority-ended", 303)


async def _again(request: Request, viewer: Viewer, priority_id: UUID, text: str, error: Exception) -> HTMLResponse:
    errors = {field: LEFT_EMPTY.get(words, words) for field, words in errors_of(error).items()}
    async with runtime_of(request).read() as session:
        return await _one(request, session, viewer, priority_id, text, errors)


async def _one(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    priority_id: UUID,
    text: str,
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    priority = await queries.get_priority(session, viewer, priority_id)
    [adopted] = await queries.adopted(session, [priority])
    names = await identity.names(session, [priority.adopted_by_id, *(each.person_id for each in adopted.updates)])
    place = await queries.get_neighbourhood(session, viewer, priority.neighbourhood_id)
    shown = steps(priority.question_id, DID, DID) if priority.question_id else []
    return page(request, "priorities/did.html", {
        "priority": priority,
        "title": priority.title or label(priority.issue),
        "issue": label(priority.issue),
        "place": place.name,
        "adopted": adopted,
        "names": names,
        "steps": shown,
        "text": text,
        "errors": errors or {},
        "current": priority.state is PriorityState.CURRENT,
        "may_adopt": access.may(viewer, Action.ADOPT, priority.team_id),
        "may_draft": access.may(viewer, Action.DRAFT, priority.team_id),
    }, 422 if errors else 200)  # fmt: skip
