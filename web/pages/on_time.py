"""On time: how late everything went out in the last 30 days, what did not, and what will not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.clock import now
from api.core.errors import Invalid
from api.models import Account
from api.outbox import lateness
from api.outbox import queries as outbox
from api.outbox.forecast import forecast
from api.outbox.lateness import Figures, Proof
from api.outbox.queries import ToMend
from api.platforms.facts import FACTS
from web.deps import Framed, ReadSession, Signed
from web.forecasts import warnings
from web.render import page
from web.shown import State, badge, delivery_state
from web.words import first_line, plural, seconds

router = APIRouter(prefix="/on-time")
TOP_MS = 2000
"""The chart ends here; a worse day goes off the top and is named."""
HEIGHT, FOOT, STEP, BAR = 100, 22, 20, 14
UNKNOWN_ACCOUNT = "An account you cannot see"


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart."""

    x: int
    height: int
    bad: int


@dataclass(frozen=True, slots=True)
class Line:
    """One platform or account with its figures."""

    letter: str
    platform: str
    name: str
    href: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Trouble:
    href: str
    letter: str
    platform: str
    words: str
    why: str
    due_at: datetime
    state: State


@router.get("")
async def on_time(request: Request, session: ReadSession, viewer: Framed, account: str = "") -> HTMLResponse:
    access.require_anywhere(viewer, Action.SEE_POSTS)
    at = now()
    known = {one.id: one for one in await accounts.accounts(session, viewer)}
    only = await accounts.get_account(session, viewer, _id(account)) if account else None
    proof = await lateness.proof(session, viewer, at, account_id=only.id if only else None)
    mend = await outbox.to_mend(session, viewer, proof.since, only.id if only else None)
    return page(request, "on_time/index.html", {
        "only": badge(only) if only else None,
        "proof": proof,
        "due": sum((proof.total.sent, proof.total.to_mend, proof.total.again)),
        "days": [(_name(day), figures) for day, figures in reversed(list(proof.days.items()))],
        "bars": _bars(proof),
        "chart": _said(proof),
        "scale": [_name(day) for day in list(proof.days)[:: max(1, (len(proof.days) - 1) // 2)]],
        "mend": [_trouble(one, known) for one in mend],
        "platforms": [
            Line(FACTS[name].letter, FACTS[name].label, FACTS[name].label, "", figures)
            for name, figures in proof.platforms.items()
        ],
        "accounts": [_line(account_id, figures, proof, known) for account_id, figures in proof.accounts.items()],
        "warnings": warnings(await forecast(session, viewer, only.id if only else None), known, at),
    })  # fmt: skip


@router.get("/days.csv")
async def table(session: ReadSession, viewer: Signed, account: str = "") -> Response:
    """The days as a spreadsheet reads them: dates and numbers, no words of anybody."""
    access.require_anywhere(viewer, Action.SEE_POSTS)
    only = await accounts.get_account(session, viewer, _id(account)) if account else None
    proof = await lateness.proof(session, viewer, now(), account_id=only.id if only else None)
    names = [field.name for field in fields(Figures)]
    rows = [[day.isoformat(), *(_cell(getattr(each, name)) for name in names)] for day, each in proof.days.items()]
    lines = "".join(",".join(row) + "\r\n" for row in [["day", *names], *rows])
    headers = {"Content-Disposition": 'attachment; filename="on-time.csv"', "Cache-Control": "no-store"}
    return Response(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _cell(number: int | None) -> str:
    return "" if number is None else str(number)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid("That is not an account.", "account") from error


def _name(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _bars(proof: Proof) -> Sequence[Bar]:
    return [
        Bar(
            x=3 + STEP * number,
            height=min(HEIGHT, max(2, round((each.p99_ms or 0) * HEIGHT / TOP_MS))) if each.sent else 0,
            bad=min(FOOT - 6, 8 * each.to_mend),
        )
        for number, each in enumerate(proof.days.values())
    ]


def _said(proof: Proof) -> str:
    """What the drawing shows, for whoever does not see it."""
    out = {day: each for day, each in proof.days.items() if each.p99_ms is not None}
    if not out:
        return "Nothing went out on these days."
    worst = max(out, key=lambda day: out[day].p99_ms or 0)
    good = sum((each.p99_ms or 0) <= 1000 for each in out.values())
    bad = [f"{each.to_mend} on {_name(day)}" for day, each in proof.days.items() if each.to_mend]
    mend = f" Did not go out as planned: {', '.join(bad)}." if bad else " Nothing was missed or refused."
    return (
        f"99 in 100 were at most 1 second late on {good} of {plural(len(out), 'day')} with posts."
        f" The worst day was {_name(worst)} with {seconds(out[worst].p99_ms)}.{mend}"
    )


def _line(account_id: UUID, figures: Figures, proof: Proof, known: Mapping[UUID, Account]) -> Line:
    facts, account = FACTS[proof.platform_of[account_id]], known.get(account_id)
    href = f"/on-time?account={account_id}" if account else ""
    return Line(facts.letter, facts.label, account.name if account else UNKNOWN_ACCOUNT, href, figures)


def _trouble(one: ToMend, known: Mapping[UUID, Account]) -> Trouble:
    delivery, account = one.delivery, known.get(one.delivery.account_id)
    shown: dict[str, Any] = {"letter": "?", "platform": UNKNOWN_ACCOUNT}
    if account is not None:
        shown = {"letter": badge(account).letter, "platform": badge(account).platform}
    reply = one.conversation_id is not None
    return Trouble(
        **shown,
        href=f"/inbox/{one.conversation_id}" if reply else f"/posts/{delivery.post_id}" if delivery.post_id else "",
        # The words of an answer belong into its conversation.
        words="An answer to somebody" if reply else first_line(delivery.text) or "A picture without words",
        why=delivery.error or "",
        due_at=delivery.due_at,
        state=delivery_state(delivery),
    )
