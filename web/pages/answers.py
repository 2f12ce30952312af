"""Answers to a question: read and confirmed one by one, or taken down at a door, on paper, at a meeting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.core.errors import NotFound
from api.models import Answer, AnswerState, Issue, Question, QuestionState, Viewer
from api.priorities import queries, service
from api.priorities.issues import ISSUES, SOURCES
from api.priorities.schemas import ConfirmIn
from api.priorities.values import Given
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.rounds import ANSWERS, USUAL, reached, steps, title_of

router = APIRouter()
PAGE = 20
TABS = {
    "to_confirm": ("To confirm", AnswerState.TO_CONFIRM),
    "confirmed": ("Counted", AnswerState.CONFIRMED),
    "set_aside": ("Set aside", AnswerState.SET_ASIDE),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One answer to look at."""

    id: UUID
    text: str
    private: bool
    who: str
    source: str
    place: str
    age_band: str
    at: datetime
    state: AnswerState
    front: Sequence[tuple[str, str, bool]]
    """(slug, label, ticked) of what it seems to name."""
    rest: Sequence[tuple[str, str]]
    conversation_id: UUID | None
    error: str
    suggested: bool


@router.get("/questions/{question_id}")
async def one(request: Request, session: ReadSession, viewer: Framed, question_id: UUID) -> HTMLResponse:
    return await _one(request, session, viewer, question_id)


@router.post("/answers/{answer_id}")
async def decide(request: Request, viewer: Framed, answer_id: UUID) -> Response:
    """Counted with the ticked issues, or set aside; then the next one."""
    form = await request.form()
    chosen, show = [str(each) for each in form.getlist("issues")], str(form.get("show", "")) or "to_confirm"
    aside = form.get("do") == "aside"
    try:
        async with runtime_of(request).unit_of_work() as session:
            answer = await _decide(session, viewer, answer_id, chosen, aside)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            _, question = await queries.get_answer(session, viewer, answer_id)
            words = errors_of(error).get("") or "Name one to three issues, or set the answer aside."
            return await _one(request, session, viewer, question.id, show, (answer_id, chosen, words))
    said = f"set-aside&aside={answer.id}" if aside else "counted"
    return RedirectResponse(f"/questions/{answer.question_id}?show={show}&next=1&said={said}", 303)


async def _decide(session: AsyncSession, viewer: Viewer, answer_id: UUID, chosen: Sequence[str], aside: bool) -> Answer:
    if aside:
        return await service.set_aside(session, viewer, answer_id)
    wanted = ConfirmIn.model_validate({"issues": chosen})
    return await service.confirm(session, viewer, answer_id, wanted.issues)


@router.post("/questions/{question_id}/close")
async def close(session: WriteSession, viewer: Signed, question_id: UUID) -> RedirectResponse:
    await service.close(session, viewer, question_id)
    return RedirectResponse(f"/questions/{question_id}?said=round-closed", 303)


async def _one(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    question_id: UUID,
    show: str = "",
    mistake: tuple[UUID, Sequence[str], str] | None = None,
) -> HTMLResponse:
    question = await queries.get_question(session, viewer, question_id)
    [asked] = await queries.asked(session, [question])
    usual = "to_confirm" if asked.to_confirm else "confirmed"
    show = show or request.query_params.get("show", "") or usual
    if show not in TABS:
        raise NotFound
    cursor = request.query_params.get("cursor") or None
    found = await queries.answers(session, viewer, question.id, [TABS[show][1]], cursor, PAGE)
    cases = [_case(one, mistake) for one in await queries.given(session, viewer, found.items)]
    did = await queries.priorities(session, viewer, neighbourhood_id=question.neighbourhood_id, limit=50)
    decided = next((each for each in did.items if each.question_id == question.id), None)
    return page(request, "priorities/answers.html", {
        "question": question,
        "title": title_of(question.text),
        "asked": asked,
        "place": (await queries.get_neighbourhood(session, viewer, question.neighbourhood_id)).name,
        "steps": steps(
            question.id, reached(asked, decided is not None), ANSWERS, f"/priorities/{decided.id}" if decided else ""
        ),
        "label": TABS[show][0],
        "tabs": [
            (f"/questions/{question.id}" + ("" if key == usual else f"?show={key}"), key, label, key == show)
            for key, (label, _) in TABS.items()
        ],
        "show": show,
        "cases": cases,
        "earlier_page": cursor is not None,
        "older": f"/questions/{question.id}?show={show}&cursor={found.next_cursor}" if found.next_cursor else "",
        "go_on": request.query_params.get("next") == "1",
        "aside": await _aside(session, viewer, question, request.query_params.get("aside", "")),
        "errors": {f"case-{mistake[0]}": mistake[2]} if mistake else {},
        "open": question.state is QuestionState.OPEN,
        "may_answer": access.may(viewer, Action.ANSWER, question.team_id),
        "may_close": access.may(viewer, Action.ADOPT, question.team_id),
    }, 422 if mistake else 200)  # fmt: skip


async def _aside(session: AsyncSession, viewer: Viewer, question: Question, chosen: str) -> Case | None:
    """What was just set aside, to put it back with one press."""
    try:
        answer, of = await queries.get_answer(session, viewer, UUID(chosen))
    except (ValueError, NotFound):
        return None
    if of.id != question.id or answer.state is not AnswerState.SET_ASIDE:
        return None
    [given] = await queries.given(session, viewer, [answer])
    return _case(given, None)


def _case(given: Given, mistake: tuple[UUID, Sequence[str], str] | None) -> Case:
    answer, named = given.answer, list(given.issues)
    mine = mistake if mistake and mistake[0] == answer.id else None
    ticked = {Issue(one) for one in mine[1] if one in set(Issue)} if mine else set(named)
    shown = list(dict.fromkeys([*named, *sorted(ticked)])) or list(USUAL[:3])
    return Case(
        id=answer.id,
        text=given.text,
        private=given.private,
        who=given.who,
        source=SOURCES[answer.source],
        place=answer.place,
        age_band=answer.age_band or "",
        at=answer.answered_at,
        state=answer.state,
        front=[(issue.value, ISSUES[issue].label, issue in ticked) for issue in shown],
        rest=[(issue.value, about.label) for issue, about in ISSUES.items() if issue not in shown],
        conversation_id=given.conversation_id,
        error=mine[2] if mine else "",
        suggested=given.suggested,
    )
