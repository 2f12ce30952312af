"""Alerts: what somebody must know about, what to do, and who has seen it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.access import service as access
from api.access.service import Action
from api.alerts import queries, service, words
from api.core.paging import MOST
from api.identity import queries as identity
from api.models import Account, Alert, AlertKind, Viewer
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.render import page
from web.shown import badge

router = APIRouter(prefix="/alerts")
LATEST = 20
BURNS = frozenset({AlertKind.NEEDS_RECONNECT, AlertKind.SUSPENDED, AlertKind.FEED_STOPPED, AlertKind.NEEDS_PERSON})
"""Something gets worse while nobody looks."""


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    title: str
    what_to_do: str
    href: str
    opened_at: datetime
    seen_at: datetime | None
    seen_by: str
    resolved_at: datetime | None
    tone: str
    may_mark: bool


@router.get("")
async def all_of_them(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    access.require_anywhere(viewer, Action.SEE_ALERTS)
    now_ones = (await queries.alerts(session, viewer, standing=True, limit=MOST)).items
    over = (await queries.alerts(session, viewer, standing=False, limit=LATEST)).items
    accounts = await queries.accounts_of(session, [*now_ones, *over])
    names = await identity.names(session, [alert.seen_by_id for alert in (*now_ones, *over)])
    lines = [_line(viewer, alert, accounts, names) for alert in now_ones]
    return page(request, "alerts/index.html", {
        "new": [line for line in lines if line.seen_at is None],
        "seen": [line for line in lines if line.seen_at is not None],
        "over": [_line(viewer, alert, accounts, names) for alert in over],
        "mails": bool(runtime_of(request).settings.smtp_url),
        "may_manage": access.may(viewer, Action.MANAGE_WEBHOOKS, None),
    })  # fmt: skip


@router.post("/{alert_id}/seen")
async def seen(session: WriteSession, viewer: Signed, alert_id: UUID) -> RedirectResponse:
    await service.seen(session, viewer, alert_id)
    return RedirectResponse("/alerts?said=alert-seen", 303)


def _line(viewer: Viewer, alert: Alert, accounts: Mapping[UUID, Account], names: Mapping[UUID, str]) -> Line:
    account = accounts[alert.account_id]
    return Line(
        id=alert.id,
        title=words.title(alert, f"{account.name} ({badge(account).platform})"),
        what_to_do=words.TO_DO[alert.kind],
        href=words.path(alert),
        opened_at=alert.created_at,
        seen_at=alert.seen_at,
        seen_by=names.get(alert.seen_by_id, "") if alert.seen_by_id else "",
        resolved_at=alert.resolved_at,
        tone="red" if alert.kind in BURNS else "amber",
        may_mark=access.may(viewer, Action.MARK_ALERTS, alert.team_id),
    )
