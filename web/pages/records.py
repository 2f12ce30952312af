"""Taking answers down: hands at a meeting, and one person after another at the door, on paper or on a visit."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from api.access import service as access
from api.access.service import Action
from api.core.clock import LONDON, now
from api.core.errors import Conflict, NotFound
from api.models import AnswerState, Issue, Question, QuestionState, Source, Viewer
from api.priorities import queries, service
from api.priorities.issues import ISSUES, SOURCES, AgeBand
from api.priorities.picture import picture
from api.priorities.schemas import AnswerIn, TallyIn
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.rounds import title_of, usual_issues

router = APIRouter()
BY_ONE = {
    Source.DOORSTEP: ("Doorstep", "Save, next door"),
    Source.PAPER: ("Paper", "Save, next sheet"),
    Source.SCHOOL: ("Visit", "Save, next person"),
}
"""Sources that a form for one thumb takes: its tab, and what the button says."""
COUNT = "count-"


@router.get("/questions/{question_id}/tally")
async def tally_form(request: Request, session: ReadSession, viewer: Framed, question_id: UUID) -> HTMLResponse:
    today = now().astimezone(LONDON).date().isoformat()
    typed = {"place": "", "held_on": today, "heads": "0", "counts": {}}
    return await _tally(request, session, viewer, question_id, typed)


@router.post("/questions/{question_id}/tally")
async def tally(request: Request, viewer: Framed, question_id: UUID) -> Response:
    """A press on + or − without script only counts; nothing is kept before Finish."""
    form = await request.form()
    typed = _counted(form)
    if "more" in form or "less" in form:
        async with runtime_of(request).read() as session:
            return await _tally(request, session, viewer, question_id, typed)
    try:
        wanted = TallyIn.model_validate({
            "place": typed["place"].strip(), "held_on": _day(typed["held_on"]), "heads": _number(typed["heads"]),
            "counts": {issue: number for issue, text in typed["counts"].items() if (number := _number(text))},
        })  # fmt: skip
        async with runtime_of(request).unit_of_work() as session:
            await service.record_tally(session, viewer, question_id, wanted)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _tally(request, session, viewer, question_id, typed, errors_of(error, {"counts": ""}))
    return RedirectResponse(f"/questions/{question_id}/picture?said=tally-kept", 303)


@router.get("/questions/{question_id}/record")
async def record_form(
    request: Request, session: ReadSession, viewer: Framed, question_id: UUID, source: str = Source.DOORSTEP
) -> HTMLResponse:
    return await _record(request, session, viewer, question_id, _source(source))


@router.post("/questions/{question_id}/record")
async def record(request: Request, viewer: Framed, question_id: UUID) -> Response:
    form = await request.form()
    source = _source(str(form.get("source", "")))
    typed = {
        "issues": [str(each) for each in form.getlist("issues")],
        "age_band": str(form.get("age_band", "")),
        "place": str(form.get("place", "")),
        "text": str(form.get("text", "")),
    }
    try:
        wanted = AnswerIn.model_validate({**typed, "source": source, "age_band": typed["age_band"] or None})
        async with runtime_of(request).unit_of_work() as session:
            answer = await service.record_answer(session, viewer, question_id, wanted)
    except CAUGHT as error:
        errors = errors_of(error)
        if "issues" in errors:
            errors["issues"] = "Choose one to three issues."
        async with runtime_of(request).read() as session:
            return await _record(request, session, viewer, question_id, source, typed, errors)
    return RedirectResponse(f"/questions/{question_id}/record?source={source}&after={answer.id}", 303)


@router.post("/questions/{question_id}/record/{answer_id}/take-back")
async def take_back(
    session: WriteSession, viewer: Signed, question_id: UUID, answer_id: UUID, source: Annotated[str, Form()] = ""
) -> RedirectResponse:
    _, question = await queries.get_answer(session, viewer, answer_id)
    if question.id != question_id:
        raise NotFound
    answer = await service.set_aside(session, viewer, answer_id)
    where = f"/questions/{question_id}/record?source={_source(source)}&after={answer.id}&said=taken-back"
    return RedirectResponse(where, 303)


async def _open_round(session: AsyncSession, viewer: Viewer, question_id: UUID) -> Question:
    question = await queries.get_question(session, viewer, question_id)
    access.require(viewer, Action.ANSWER, question.team_id)
    if question.state is not QuestionState.OPEN:
        raise Conflict("This round is closed: it takes no more answers. Ask a new question.")
    return question


async def _issues(
    session: AsyncSession, viewer: Viewer, question_id: UUID
) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    found = await picture(session, viewer, question_id)
    return usual_issues(row.issue for row in found.issues)


async def _tally(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    question_id: UUID,
    typed: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    question = await _open_round(session, viewer, question_id)
    front, rest = await _issues(session, viewer, question_id)
    return page(request, "priorities/tally.html", {
        "question": question,
        "title": title_of(question.text),
        "tabs": _tabs(question.id, Source.MEETING),
        "front": front,
        "rest": rest,
        "rest_used": any(_number(typed["counts"].get(slug, "")) for slug, _ in rest),
        "form": typed,
        "today": now().astimezone(LONDON).date().isoformat(),
        "errors": errors or {},
    }, 422 if errors else 200)  # fmt: skip


async def _record(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    question_id: UUID,
    source: Source,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    question = await _open_round(session, viewer, question_id)
    front, rest = await _issues(session, viewer, question_id)
    before = await _before(session, viewer, question, request.query_params.get("after", ""))
    form = typed or {"issues": [], "age_band": "", "place": before["place"] if before else "", "text": ""}
    tab, button = BY_ONE[source]
    return page(request, "priorities/record.html", {
        "question": question,
        "title": title_of(question.text),
        "source": source,
        "tab": tab,
        "button": button,
        "tabs": _tabs(question.id, source),
        "front": front,
        "rest": rest,
        "rest_used": any(slug in form["issues"] for slug, _ in rest),
        "ages": [(band.value, f"To {band.value[3:]}" if band is AgeBand.TEN else band.value) for band in AgeBand],
        "before": before,
        "form": form,
        "errors": errors or {},
    }, 422 if errors else 200)  # fmt: skip


async def _before(session: AsyncSession, viewer: Viewer, question: Question, chosen: str) -> dict[str, Any] | None:
    """The answer that was just kept: its place is where the next one is, and it can be taken back."""
    try:
        answer, of = await queries.get_answer(session, viewer, UUID(chosen))
    except (ValueError, NotFound):
        return None
    if of.id != question.id:
        return None
    [given] = await queries.given(session, viewer, [answer])
    return {
        "id": answer.id,
        "place": answer.place,
        "words": ", ".join(ISSUES[issue].label for issue in given.issues),
        "counted": answer.state is AnswerState.CONFIRMED,
    }


def _tabs(question_id: UUID, here: Source) -> list[tuple[str, str, bool]]:
    base = f"/questions/{question_id}"
    single = [
        (f"{base}/record" + ("" if source is Source.DOORSTEP else f"?source={source}"), words, source is here)
        for source, (words, _) in BY_ONE.items()
    ]
    return [(f"{base}/tally", SOURCES[Source.MEETING], here is Source.MEETING), *single]


def _source(text: str) -> Source:
    if text not in {source.value for source in BY_ONE}:
        raise NotFound
    return Source(text)


def _counted(form: FormData) -> dict[str, Any]:
    """What the form holds, with one more or one fewer where that was pressed."""
    counts = {
        name.removeprefix(COUNT): str(form[name])
        for name in form
        if name.startswith(COUNT) and name.removeprefix(COUNT) in set(Issue)
    }
    typed: dict[str, Any] = {name: str(form.get(name, "")) for name in ("place", "held_on", "heads")}
    for key, step in (("more", 1), ("less", -1)):
        what = str(form.get(key, ""))
        if what == "heads":
            typed["heads"] = str(max(0, _number(typed["heads"]) + step))
        elif what in set(Issue):
            counts[what] = str(max(0, _number(counts.get(what, "")) + step))
    return {**typed, "counts": counts}


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
