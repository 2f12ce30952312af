"""Priorities: what each neighbourhood works on, the rounds of asking, and asking anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.clock import LONDON, now
from api.core.errors import Invalid, NotFound
from api.core.local_time import HappensTwice
from api.forces import queries as forces
from api.models import Confirmation, Neighbourhood, PriorityState, Question, QuestionState, Viewer
from api.posts import queries as posts
from api.posts import service as publishing
from api.priorities import queries, service
from api.priorities.issues import SOURCES, label
from api.priorities.picture import picture
from api.priorities.values import Adopted, Asked
from web.deps import Framed, ReadSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.rounds import Step, reached, steps, title_of
from web.typed import Target, Typed, room, target
from web.words import plural

router = APIRouter()
MOST = 3
SHOWN = 20
OPEN_FOR = timedelta(days=21)
WORDING = (
    "What should your neighbourhood team work on in {place}? "
    "Name up to three things that worry you most. Just answer here."
)


@dataclass(frozen=True, slots=True)
class Place:
    """A neighbourhood and what is being done for it."""

    id: UUID
    name: str
    current: Sequence[Adopted]
    titles: Mapping[UUID, str]
    may_ask: bool


@dataclass(frozen=True, slots=True)
class Round:
    """A question in the list."""

    id: UUID
    text: str
    place: str
    words: str
    open: bool
    steps: Sequence[Step]
    next_href: str
    next_words: str


@router.get("/priorities")
async def overview(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    access.require_anywhere(viewer, Action.SEE_PRIORITIES)
    places = await _places(session, viewer)
    found = await queries.questions(session, viewer, limit=SHOWN)
    rounds = await _rounds(session, viewer, found.items, {one.id: one.name for one in places})
    newest = next((one for one in found.items if one.state is QuestionState.OPEN), None)
    return page(request, "priorities/index.html", {
        "neighbourhoods": places,
        "rounds": rounds,
        "newest": newest,
        "newest_title": title_of(newest.text) if newest else "",
        "heard": await _heard(session, viewer, newest) if newest else [],
        "may_ask": any(one.may_ask for one in places),
        "may_answer": newest is not None and access.may(viewer, Action.ANSWER, newest.team_id),
    })  # fmt: skip


@router.get("/priorities/ask")
async def ask_form(
    request: Request, session: ReadSession, viewer: Framed, neighbourhood: UUID | None = None
) -> HTMLResponse:
    place = await _place(session, viewer, neighbourhood)
    text = WORDING.format(place=place.name)
    closes = (now().astimezone(LONDON) + OPEN_FOR).date().isoformat()
    return await _ask(request, session, viewer, place, Typed(team_id=place.team_id, text=text), closes)


@router.post("/priorities/ask")
async def ask(request: Request, viewer: Framed) -> Response:
    """Opens the round, and with a yes its post is on its way from the same press."""
    form = await request.form()
    typed, closes = Typed.of(form), str(form.get("closes_on", ""))
    neighbourhood = _uuid(str(form.get("neighbourhood_id", "")))
    try:
        async with runtime_of(request).unit_of_work() as session:
            question = await _open(session, viewer, neighbourhood, typed, closes)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            place = await _place(session, viewer, neighbourhood)
            return await _ask(request, session, viewer, place, typed, closes, error)
    said = {"yes": "asked", "unsure": "asked-draft"}.get(typed.answer, "asked-offline")
    return RedirectResponse(f"/questions/{question.id}?said={said}", 303)


async def _open(session: AsyncSession, viewer: Viewer, neighbourhood: UUID, typed: Typed, closes: str) -> Question:
    online = typed.answer in ("yes", "unsure")
    chosen = sorted(typed.account_ids or ()) if online else []
    if online and not chosen:
        raise Invalid("Choose at least one account, or open the question without a post.", "account_ids")
    question = await service.ask(session, viewer, neighbourhood, typed.text, _end_of(closes), chosen)
    if typed.answer == "yes":
        [asked] = await queries.asked(session, [question])
        post = await posts.get_post(session, viewer, asked.post_ids[0])
        await publishing.publish(session, viewer, post, typed.due(), None, confirmed_how=Confirmation.PERSON)
    return question


async def _places(session: AsyncSession, viewer: Viewer) -> list[Place]:
    found = await queries.priorities(session, viewer, states=[PriorityState.CURRENT], limit=200)
    adopted = await queries.adopted(session, found.items)
    return [
        Place(
            one.id,
            one.name,
            sorted((each for each in adopted if each.priority.neighbourhood_id == one.id), key=_slot),
            {each.priority.id: each.priority.title or label(each.priority.issue) for each in adopted},
            access.may(viewer, Action.ADOPT, one.team_id),
        )
        for one in await _neighbourhoods(session, viewer, Action.SEE_PRIORITIES)
    ]


def _slot(adopted: Adopted) -> int:
    return adopted.priority.slot


async def _neighbourhoods(session: AsyncSession, viewer: Viewer, action: Action) -> list[Neighbourhood]:
    return [one for one in await forces.neighbourhoods(session, viewer) if access.may(viewer, action, one.team_id)]


async def _rounds(
    session: AsyncSession, viewer: Viewer, questions: Sequence[Question], places: Mapping[UUID, str]
) -> list[Round]:
    decided = await queries.priorities(session, viewer, limit=200)
    latest: dict[UUID, UUID] = {}
    for priority in decided.items:
        if priority.question_id:
            latest.setdefault(priority.question_id, priority.id)
    return [
        _round(one, places.get(one.question.neighbourhood_id, ""), latest.get(one.question.id))
        for one in await queries.asked(session, questions)
    ]


def _round(asked: Asked, place: str, did: UUID | None) -> Round:
    question, furthest = asked.question, reached(asked, did is not None)
    base = f"/questions/{question.id}"
    href, words = (
        (base, "See the answers"),
        (base, f"Confirm {plural(asked.to_confirm, 'answer')}"),
        (f"{base}/picture", "See the picture"),
        (f"{base}/decision", "Go to the decision"),
        (f"/priorities/{did}", "Write what we did"),
    )[furthest]
    return Round(
        id=question.id,
        text=title_of(question.text),
        place=place,
        words=plural(asked.people, "person", "people") + " answered" if asked.people else "Nobody yet",
        open=question.state is QuestionState.OPEN,
        steps=steps(question.id, furthest, did=f"/priorities/{did}" if did else ""),
        next_href=href,
        next_words=words,
    )


async def _heard(session: AsyncSession, viewer: Viewer, question: Question) -> list[tuple[str, str]]:
    """(source, how many people) of the newest round, meetings by their heads."""
    found = await picture(session, viewer, question.id)
    heads = sum(meeting.heads for meeting in found.meetings)
    counted = {one.source: one.people for one in found.sources}
    return [
        (words, plural(counted[source], "person", "people") if source in counted else f"{heads} in the room")
        for source, words in SOURCES.items()
        if counted.get(source) or (source not in counted and heads)
    ]


async def _place(session: AsyncSession, viewer: Viewer, chosen: UUID | None) -> Neighbourhood:
    """The chosen neighbourhood, or the first for which this person may ask."""
    may = await _neighbourhoods(session, viewer, Action.ADOPT)
    if chosen is not None:
        place = await queries.get_neighbourhood(session, viewer, chosen)
        access.require(viewer, Action.ADOPT, place.team_id)
        return place
    access.require_anywhere(viewer, Action.ADOPT)
    if not may:
        raise Invalid("Your team has no neighbourhood yet. An administrator adds it under People and teams.")
    return may[0]


async def _ask(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    place: Neighbourhood,
    typed: Typed,
    closes: str,
    error: Exception | None = None,
) -> HTMLResponse:
    typed = replace(typed, team_id=place.team_id)
    writable = await accounts.writable(session, viewer, place.team_id)
    targets: list[Target] = [target(account, typed) for account in writable]
    context: dict[str, Any] = {
        "place": place,
        "neighbourhoods": await _neighbourhoods(session, viewer, Action.ADOPT),
        "form": typed,
        "closes_on": closes,
        "accounts": targets,
        "room": room(typed.text, targets),
        "errors": errors_of(error, {"closes_at": "closes_on"}) if error else {},
        "twice": error.field if isinstance(error, HappensTwice) else "",
        "options": error.options if isinstance(error, HappensTwice) else (),
        "may_publish": access.may(viewer, Action.PUBLISH, place.team_id),
        "chosen": "neighbourhood" in request.query_params,
    }
    return page(request, "priorities/ask.html", context, 422 if error else 200)


def _end_of(day: str) -> datetime | None:
    """A round is open through its last day; without one, until somebody closes it."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59), LONDON)
    except ValueError as error:
        raise Invalid("Choose the last day for answers, or leave it empty.", "closes_on") from error


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error
