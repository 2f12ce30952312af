"""The first screen: what waits for you, what goes out next, whether everything comes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.alerts import queries as alerts
from api.alerts.words import LABELS
from api.core.clock import LONDON, now
from api.core.settings import Settings
from api.inbox import queries as inbox
from api.inbox.queries import View
from api.models import DeliveryState, PriorityState, QuestionState, ScheduleState, Viewer
from api.outbox import lateness
from api.outbox import queries as outbox
from api.outbox.forecast import forecast
from api.platforms.facts import FACTS, Facts
from api.posts import queries as posts
from api.posts import sharing
from api.priorities import queries as priorities
from api.priorities.issues import ISSUES
from api.priorities.values import Adopted
from api.schedules import queries as schedules
from web.deps import Framed, ReadSession, runtime_of
from web.forecasts import Warning, warnings
from web.render import page
from web.shown import DELIVERIES, badges
from web.words import first_line, greeting, plural, seconds, when_text

router = APIRouter()
RANKS = ("PCSO", "PC", "Sgt", "Insp", "Ch Insp", "Insp.", "Supt", "DC", "DS")
LATEST = 5
COMING = 4
SHORT = 3
A_WEEK = timedelta(days=7)
MOST_PRIORITIES = 100
TO_MEND = (DeliveryState.NEEDS_PERSON, DeliveryState.REFUSED, DeliveryState.MISSED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of what waits: a number, what it is, where to go."""

    href: str
    number: int
    words: str
    small: str = ""
    waiting: datetime | None = None
    mark: str = ""
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Coming:
    id: UUID
    at: datetime
    text: str
    platforms: Sequence[Facts]


@dataclass(frozen=True, slots=True)
class Said:
    """Something of the force's own that can be passed on."""

    id: UUID
    who: str
    text: str
    at: datetime
    platforms: Sequence[Facts]


@dataclass(frozen=True, slots=True)
class Stopped:
    name: str
    words: str


@router.get("/")
async def today(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    stopped, feeds = await _feeds(session, viewer, runtime_of(request).settings)
    at = now()
    return page(request, "today/index.html", {
        "greeting": greeting(at),
        "first_name": first_name(viewer.name),
        "date": f"{at.astimezone(LONDON):%A} {at.astimezone(LONDON).day} {at.astimezone(LONDON):%B}",
        "may_write": access.may_anywhere(viewer, Action.DRAFT),
        "stopped": stopped,
        "feeds": feeds,
        "jobs": [
            *await _alerts(session, viewer), *await _unanswered(session, viewer), *await _to_mend(session, viewer),
            *await _to_confirm(session, viewer), *await _still_there(session, viewer),
            *await _gone_with_originals(session, viewer),
        ],
        "warnings": await _warnings(session, viewer),
        "on_time": await _on_time(session, viewer),
        "from_the_force": await _from_the_force(session, viewer),
        "latest": await _latest(session, viewer),
        "coming": await _coming(session, viewer),
        "issues": ISSUES,
        "priorities": await _priorities(session, viewer),
    })  # fmt: skip


def first_name(name: str) -> str:
    """PCSO Ash Okafor is Ash."""
    words = [word for word in name.split() if word not in RANKS]
    return words[0] if words else name


async def _unanswered(session: AsyncSession, viewer: Viewer) -> list[Waiting]:
    counts = await inbox.counts(session, viewer)
    lines = []
    if counts.waiting:
        first = (await inbox.conversations(session, viewer, view=View.WAITING, limit=1)).items[0]
        who = first.contact_name or first.contact_handle
        words = "message without an answer" if counts.waiting == 1 else "messages without an answer"
        small = f"Oldest from {who}, {when_text(first.waiting_since, now())}"
        lines.append(Waiting("/inbox?view=waiting", counts.waiting, words, small, first.waiting_since))
    if counts.unread:
        lines.append(
            Waiting(
                "/inbox",
                counts.unread,
                "conversation you have not read" if counts.unread == 1 else "conversations you have not read",
            )
        )
    if counts.mine:
        lines.append(
            Waiting(
                "/inbox?view=mine",
                counts.mine,
                "conversation in your name" if counts.mine == 1 else "conversations in your name",
                "Yours until they are closed",
            )
        )
    return lines


async def _alerts(session: AsyncSession, viewer: Viewer) -> list[Waiting]:
    number = await alerts.unseen(session, viewer)
    if not number:
        return []
    words = "alert that nobody has seen" if number == 1 else "alerts that nobody has seen"
    newest = (await alerts.alerts(session, viewer, standing=True, limit=1)).items[0]
    small = f"Last: {LABELS[newest.kind]}, {when_text(newest.created_at, now())}"
    return [Waiting("/alerts", number, words, small, mark="Look", tone="red", icon="alert")]


async def _warnings(session: AsyncSession, viewer: Viewer) -> list[Warning]:
    """Planned posts that will not go out, for whoever may plan any."""
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return []
    found = await forecast(session, viewer)
    return warnings(found[:SHORT], {one.id: one for one in await accounts.accounts(session, viewer)}, now())


async def _on_time(session: AsyncSession, viewer: Viewer) -> str:
    """One line of proof, for a week: cheap enough for a page that everybody opens all day."""
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return ""
    total = (await lateness.proof(session, viewer, now(), days=7)).total
    if not total.sent:
        return ""
    missed = f"{total.missed} missed" if total.missed else "none missed"
    return f"Last 7 days: {total.sent} sent, 99 in 100 within {seconds(total.p99_ms)}, {missed}"


async def _to_mend(session: AsyncSession, viewer: Viewer) -> list[Waiting]:
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return []
    lines = []
    for state in TO_MEND:
        found = (await outbox.deliveries(session, viewer, state=state, limit=20)).items
        # Of a thread several parts may be missed: it is one post all the same.
        late = {(one.post_id, one.account_id): one for one in reversed(found)}
        recent = [one for one in reversed(late.values()) if one.post_id and (now() - one.due_at).days < 7]
        if recent:
            shown = DELIVERIES[state]
            words = {
                DeliveryState.NEEDS_PERSON: ("post may be out or not", "posts may be out or not"),
                DeliveryState.REFUSED: ("post was refused", "posts were refused"),
                DeliveryState.MISSED: ("post missed its time", "posts missed their time"),
            }[state][len(recent) != 1]
            small = f"Last due {when_text(recent[0].due_at, now())}"
            href = f"/posts/{recent[0].post_id}"
            lines.append(Waiting(href, len(recent), words, small, mark="Look", tone=shown.tone, icon=shown.icon))
    return lines


async def _to_confirm(session: AsyncSession, viewer: Viewer) -> list[Waiting]:
    """Answers to open questions that nobody has looked at: only people's confirmed words are counted."""
    if not access.may_anywhere(viewer, Action.ANSWER):
        return []
    found = await priorities.questions(session, viewer, states=[QuestionState.OPEN], limit=SHORT)
    return [
        Waiting(
            f"/questions/{one.question.id}",
            one.to_confirm,
            "answer to confirm" if one.to_confirm == 1 else "answers to confirm",
            first_line(one.question.text),
        )
        for one in await priorities.asked(session, found.items)
        if one.to_confirm
    ]


async def _still_there(session: AsyncSession, viewer: Viewer) -> list[Waiting]:
    """Taken down here, and still to be read there: somebody has to do it by hand."""
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return []
    found = await posts.still_there(session, viewer, now() - A_WEEK)
    return [
        Waiting(
            f"/posts/{one.id}", 1, "post could not be taken down everywhere", first_line(one.text),
            mark="Still there", tone="red", icon="alert",
        )
        for one in found
    ]  # fmt: skip


async def _gone_with_originals(session: AsyncSession, viewer: Viewer) -> list[Waiting]:
    """What somebody shared, and is down because its original was taken down: they should not find out elsewhere."""
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return []
    found = await posts.gone_with_originals(session, viewer, now() - A_WEEK)
    return [
        Waiting(
            f"/posts/{one.id}", 1, "post of yours was taken down with what it shares", first_line(one.text),
            mark="Look", tone="amber", icon="close",
        )
        for one in found
    ]  # fmt: skip


async def _from_the_force(session: AsyncSession, viewer: Viewer) -> list[Said]:
    found = await sharing.from_the_force(session, viewer, SHORT)
    return [Said(one.post_id, one.who, one.text, one.at, [FACTS[each] for each in one.there]) for one in found]


async def _priorities(session: AsyncSession, viewer: Viewer) -> list[Adopted]:
    """Those that need a word soonest come first."""
    if not access.may_anywhere(viewer, Action.SEE_PRIORITIES):
        return []
    found = await priorities.priorities(session, viewer, states=[PriorityState.CURRENT], limit=MOST_PRIORITIES)
    adopted = await priorities.adopted(session, found.items)
    return sorted(adopted, key=lambda one: one.days, reverse=True)[:SHORT]


async def _latest(session: AsyncSession, viewer: Viewer) -> Sequence[Row[Any]]:
    return (await inbox.conversations(session, viewer, view=View.TEAM, limit=LATEST)).items


async def _coming(session: AsyncSession, viewer: Viewer) -> list[Coming]:
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return []
    found = await schedules.schedules(session, viewer, since=now(), states=[ScheduleState.ACTIVE], limit=COMING)
    known = badges(await accounts.accounts(session, viewer))
    return [
        Coming(
            one.written.post.id,
            one.schedule.publish_at,
            one.written.post.text,
            [known[d.account_id].facts for d in one.written.deliveries if d.part == 1 and d.account_id in known],
        )
        for one in await schedules.with_posts(session, found.items)
    ]


async def _feeds(session: AsyncSession, viewer: Viewer, settings: Settings) -> tuple[list[Stopped], str]:
    """What has stopped, and the state of all of it in one sentence."""
    if not access.may_anywhere(viewer, Action.SEE_ACCOUNTS):
        return [], ""
    health = [(one, accounts.health(one, settings)) for one in await accounts.accounts(session, viewer)]
    on = [(one, state) for one, state in health if state.state != "off"]
    stopped = [Stopped(f"{one.name} ({one.handle})", state.words) for one, state in on if state.state == "stopped"]
    live = sum(state.state == "live" for _, state in on)
    if not on:
        return stopped, "No account is connected yet, so nothing comes in."
    read = [one.last_poll_at for one, _ in on if one.last_poll_at]
    last = f", last read {when_text(max(read), now())}" if read else ""
    words = (
        f"{live} of {plural(len(on), 'feed')} live"
        if live < len(on)
        else f"All {len(on)} feeds live"
        if live > 1
        else "The feed is live"
    )
    return stopped, f"{words}{last}."
