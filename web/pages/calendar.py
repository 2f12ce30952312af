"""What is due and what went out, as a list by days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.clock import LONDON, now
from api.core.errors import Invalid
from api.models import Account, DeliveryState, PostState, ScheduleState, Viewer
from api.outbox.forecast import why_not
from api.platforms.facts import Facts
from api.posts import queries as posts
from api.schedules import queries as schedules
from api.schedules.values import Scheduled
from web.deps import Framed, ReadSession
from web.forecasts import because
from web.render import page
from web.shown import Badge, badge, badges, post_state, worst_lateness
from web.words import day as say_day

router = APIRouter()
PERIOD = timedelta(days=28)
MOST = 200
TO_MEND = {DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.NEEDS_PERSON}


@dataclass(frozen=True, slots=True)
class Plan:
    """One post in the calendar."""

    post_id: UUID
    text: str
    at: datetime
    platforms: Sequence[Facts]
    state: str
    tone: str
    icon: str
    words: str
    movable: bool
    retry: bool
    risk: str = ""
    """Why some of it will not go out, as far as that is known now."""


@dataclass(frozen=True, slots=True)
class Day:
    key: str
    label: str
    today: bool
    plans: Sequence[Plan]


@router.get("/calendar")
async def calendar(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    start = _start(request.query_params.get("from", ""))
    end = start + PERIOD
    found = await schedules.schedules(session, viewer, since=start, before=end, limit=MOST)
    known = badges(await accounts.accounts(session, viewer))
    planned = await schedules.with_posts(session, found.items)
    used = await accounts.named(session, [one.account_id for each in planned for one in each.written.deliveries])
    plans = [replace(_plan(viewer, each, known), risk=_risk(each, used)) for each in planned]
    drafts = await posts.posts(session, viewer, states=[PostState.DRAFT], limit=20)
    return page(request, "calendar/index.html", {
        "days": _days(plans),
        "drafts": drafts.items,
        "period": f"{say_day(start, now())} to {say_day(end - timedelta(days=1), now())}",
        "before": (start - PERIOD).astimezone(LONDON).date().isoformat(),
        "after": end.astimezone(LONDON).date().isoformat(),
        "current": start <= now() < end,
        "more": found.next_cursor is not None,
        "may_write": access.may_anywhere(viewer, Action.DRAFT),
    })  # fmt: skip


def _start(chosen: str) -> datetime:
    """Midnight in London: of the chosen day, or of this week's Monday."""
    today = now().astimezone(LONDON).date()
    try:
        first = date.fromisoformat(chosen) if chosen else today - timedelta(days=today.weekday())
    except ValueError as error:
        raise Invalid("Write the day as 2026-11-24.", "from") from error
    return datetime.combine(first, time(), LONDON)


def _plan(viewer: Viewer, planned: Scheduled, known: Mapping[UUID, Badge]) -> Plan:
    post, deliveries = planned.written.post, planned.written.deliveries
    state = post_state(post)
    may = access.may(viewer, Action.PUBLISH, post.team_id)
    return Plan(
        post_id=post.id,
        text=post.text,
        at=planned.schedule.publish_at,
        platforms=[known[d.account_id].facts for d in deliveries if d.part == 1 and d.account_id in known],
        state=state.words,
        tone=state.tone,
        icon=state.icon,
        words=worst_lateness(deliveries),
        movable=may and planned.schedule.state is ScheduleState.ACTIVE and post.state is PostState.SCHEDULED,
        retry=may and any(delivery.state in TO_MEND for delivery in deliveries),
    )


def _risk(planned: Scheduled, used: Mapping[UUID, Account]) -> str:
    for one in planned.written.deliveries:
        account = used[one.account_id]
        if one.state is not DeliveryState.QUEUED:
            continue
        if why := why_not(account.state, account.ends_at, one.due_at):
            return f"Will not go out on {badge(account).platform}: {because(why, account.ends_at, now())}"
    return ""


def _days(plans: Sequence[Plan]) -> list[Day]:
    def day_of(plan: Plan) -> date:
        return plan.at.astimezone(LONDON).date()

    ordered = sorted(plans, key=lambda plan: plan.at)
    today = now().astimezone(LONDON).date()
    return [
        Day(day.isoformat(), f"{day:%A} {day.day} {day:%B}", day == today, list(each))
        for day, each in groupby(ordered, key=day_of)
    ]
