"""What people said, source beside source, and what the team decides with it in view."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.models import PriorityState, Question, QuestionState, Viewer
from api.priorities import queries, service
from api.priorities.issues import ISSUES, label
from api.priorities.picture import picture
from api.priorities.schemas import PriorityIn
from api.priorities.values import Picture
from web.deps import Framed, ReadSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.rounds import DECISION, PICTURE, columns, not_asked, reached, steps, words

router = APIRouter(prefix="/questions/{question_id}")
Typed = Annotated[str, Form()]
MOST = 3


@router.get("/picture")
async def see(request: Request, session: ReadSession, viewer: Framed, question_id: UUID) -> HTMLResponse:
    question = await queries.get_question(session, viewer, question_id)
    return page(request, "priorities/picture.html", await _drawn(session, viewer, question, PICTURE))


@router.get("/decision")
async def decision(request: Request, session: ReadSession, viewer: Framed, question_id: UUID) -> HTMLResponse:
    return await _decision(request, session, viewer, question_id, {"issue": "", "title": "", "reason": ""})


@router.post("/decision")
async def adopt(
    request: Request, viewer: Framed, question_id: UUID, issue: Typed = "", title: Typed = "", reason: Typed = ""
) -> Response:
    typed = {"issue": issue, "title": title, "reason": reason}
    try:
        async with runtime_of(request).unit_of_work() as session:
            question = await queries.get_question(session, viewer, question_id)
            wanted = PriorityIn.model_validate(
                {**typed, "neighbourhood_id": question.neighbourhood_id, "question_id": question.id}
            )
            await service.adopt(session, viewer, wanted)
    except CAUGHT as error:
        errors = errors_of(error)
        if "issue" in errors:
            errors["issue"] = "Choose an issue."
        if errors.get("reason") == "Fill this in.":
            errors["reason"] = "Write down why: people will ask."
        async with runtime_of(request).read() as session:
            return await _decision(request, session, viewer, question_id, typed, errors)
    return RedirectResponse(f"/questions/{question_id}/decision?said=adopted", 303)


async def _decision(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    question_id: UUID,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    question = await queries.get_question(session, viewer, question_id)
    drawn = await _drawn(session, viewer, question, DECISION)
    found: Picture = drawn["picture"]
    named = [row.issue for row in found.issues]
    order = [*named, *(issue for issue in ISSUES if issue not in named)]
    return page(request, "priorities/decision.html", {
        **drawn,
        "issues": [("", "Choose one"), *((issue.value, label(issue)) for issue in order)],
        "form": typed,
        "errors": errors or {},
        "full": len(drawn["current"]) >= MOST,
    }, 422 if errors else 200)  # fmt: skip


async def _drawn(session: AsyncSession, viewer: Viewer, question: Question, here: int) -> dict[str, Any]:
    found = await picture(session, viewer, question.id)
    [asked] = await queries.asked(session, [question])
    every = await queries.priorities(session, viewer, neighbourhood_id=question.neighbourhood_id, limit=50)
    current = sorted((one for one in every.items if one.state is PriorityState.CURRENT), key=lambda one: one.slot)
    did = next((f"/priorities/{one.id}" for one in every.items if one.question_id == question.id), "")
    drawn = columns(found)
    place = await queries.get_neighbourhood(session, viewer, question.neighbourhood_id)
    return {
        "question": question,
        "place": place.name,
        "picture": found,
        "columns": drawn,
        "rows": _rows(found, drawn),
        "words": words(drawn),
        "not_asked": not_asked(found),
        "steps": steps(question.id, reached(asked, bool(did)), here, did),
        "current": [{"id": one.id, "slot": one.slot, "title": one.title or label(one.issue), "reason": one.reason,
                     "adopted_at": one.adopted_at} for one in current],
        "open": question.state is QuestionState.OPEN,
        "may_answer": access.may(viewer, Action.ANSWER, question.team_id),
        "may_adopt": access.may(viewer, Action.ADOPT, question.team_id),
    }  # fmt: skip


def _rows(found: Picture, drawn: Sequence[Any]) -> list[tuple[str, list[int]]]:
    """Issue by issue, one number per source."""
    return [(label(row.issue), [column.named.get(row.issue, 0) for column in drawn]) for row in found.issues]
