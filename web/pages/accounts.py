"""Our accounts on platforms: how each is doing, who answers for it, and letting go of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries
from api.accounts import service as accounts
from api.accounts.schemas import RegisterPatch
from api.core.clock import now
from api.core.paging import MOST
from api.core.settings import Settings
from api.forces import queries as forces
from api.identity import queries as identity
from api.models import Account, AccountState, Viewer
from api.outbox.forecast import forecast
from api.platforms.facts import FACTS
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.forecasts import warnings
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.shown import Badge, State, badge

router = APIRouter(prefix="/accounts")
STATES = {
    "live": State("Live", "green", "check"),
    "late": State("Late", "amber", "clock"),
    "stopped": State("Stopped", "red", "alert"),
    "off": State("Off", "", "close"),
}
WRITES = (Action.DRAFT, Action.PUBLISH, Action.REPLY)


@dataclass(frozen=True, slots=True)
class Line:
    """One account in the two tables."""

    badge: Badge
    team: str
    state: State
    words: str
    last_read: datetime | None
    last_sent: datetime | None
    token_ends: datetime | None
    renews: bool
    """Before it ends, by itself."""
    queued: int
    waits: str
    """Why nothing goes out, and until when."""
    owner: str
    recovery: str
    writers: str
    may_connect: bool
    needs_connecting: bool
    """Its permission is gone: nothing but connecting it again helps."""


@router.get("")
async def all_of_them(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    access.require_anywhere(viewer, Action.SEE_ACCOUNTS)
    lines = await _lines(session, viewer, runtime_of(request).settings)
    in_use = [line for line in lines if line.state is not STATES["off"]]
    return page(request, "accounts/index.html", {
        "lines": in_use,
        "off": [line for line in lines if line.state is STATES["off"]],
        "stopped": [line for line in in_use if line.state is STATES["stopped"]],
        "well": sum(line.state is STATES["live"] for line in in_use),
        "may_connect": access.may_anywhere(viewer, Action.CONNECT),
        "second_factor": viewer.second_factor,
        "any_real": any(not line.badge.practice for line in in_use),
    })  # fmt: skip


@router.get("/{account_id}")
async def one(request: Request, session: ReadSession, viewer: Framed, account_id: UUID) -> HTMLResponse:
    return await _one(request, session, viewer, account_id)


@router.post("/{account_id}/register")
async def keep_register(request: Request, viewer: Framed, account_id: UUID) -> Response:
    form = await request.form()
    typed = {name: str(form.get(name, "")) for name in ("owner_id", "recovery_address", "when_owner_leaves", "version")}
    people = [str(each) for each in form.getlist("people")]
    version = int(typed["version"]) if typed["version"].isdecimal() else None
    try:
        patch = RegisterPatch.model_validate({
            "owner_id": typed["owner_id"] or None,
            "recovery_address": typed["recovery_address"],
            "when_owner_leaves": typed["when_owner_leaves"],
            "people": people,
        })  # fmt: skip
        async with runtime_of(request).unit_of_work() as session:
            await accounts.update_register(session, viewer, account_id, patch, version)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _one(request, session, viewer, account_id, {**typed, "people": people}, errors_of(error))
    return RedirectResponse(f"/accounts/{account_id}?said=register-kept", 303)


@router.post("/{account_id}/disconnect")
async def disconnect(session: WriteSession, viewer: Signed, account_id: UUID) -> RedirectResponse:
    await accounts.disconnect(session, viewer, account_id)
    return RedirectResponse(f"/accounts/{account_id}?said=disconnected", 303)


async def _lines(session: AsyncSession, viewer: Viewer, settings: Settings) -> list[Line]:
    found = await queries.accounts(session, viewer)
    ids = [account.id for account in found]
    listed, waiting = await queries.people_of(session, ids), await queries.queued(session, ids)
    named = [each for people in listed.values() for each in people]
    names = await identity.names(session, [*named, *(account.owner_id for account in found)])
    teams = {team.id: team.name for team in await forces.teams(session, viewer)}
    return [_line(viewer, settings, account, listed[account.id], names, teams, waiting) for account in found]


def _line(
    viewer: Viewer,
    settings: Settings,
    account: Account,
    listed: Sequence[UUID],
    names: Mapping[UUID, str],
    teams: Mapping[UUID, str],
    waiting: Mapping[UUID, int],
) -> Line:
    health = queries.health(account, settings)
    return Line(
        badge=badge(account),
        team=teams.get(account.team_id, "Another team") if account.team_id else "The force’s own",
        state=STATES[health.state],
        words=health.words,
        last_read=account.last_poll_at,
        last_sent=account.last_sent_at,
        token_ends=account.token_expires_at,
        renews=account.token_renew_at is not None,
        queued=waiting.get(account.id, 0),
        waits=queries.waits(account),
        owner=names.get(account.owner_id, "") if account.owner_id else "",
        recovery=account.recovery_address,
        writers=", ".join(names[each] for each in listed if each in names),
        may_connect=access.may(viewer, Action.CONNECT, account.team_id),
        needs_connecting=account.state is AccountState.NEEDS_RECONNECT,
    )


async def _one(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    account_id: UUID,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> HTMLResponse:
    account = await queries.get_account(session, viewer, account_id)
    listed = (await queries.people_of(session, [account.id]))[account.id]
    names = await identity.names(session, [*listed, account.owner_id, account.connected_by_id])
    teams = {team.id: team.name for team in await forces.teams(session, viewer)}
    waiting = await queries.queued(session, [account.id])
    may_connect = access.may(viewer, Action.CONNECT, account.team_id)
    colleagues = await _colleagues(session, viewer, account, listed) if may_connect else []
    return page(request, "accounts/show.html", {
        "account": account,
        "line": _line(viewer, runtime_of(request).settings, account, listed, names, teams, waiting),
        "facts_of_it": FACTS[account.platform],
        "limits": queries.limits_of(account),
        "connected_by": names.get(account.connected_by_id, "") if account.connected_by_id else "",
        "colleagues": colleagues,
        "owners": [("", "Nobody yet"), *((person_id, name) for person_id, name, _ in colleagues)],
        "may_connect": may_connect,
        "off": account.state is AccountState.DISCONNECTED,
        "warnings": warnings(await forecast(session, viewer, account.id), {account.id: account}, now()),
        "second_factor": viewer.second_factor,
        "form": typed or {
            "owner_id": str(account.owner_id or ""),
            "recovery_address": account.recovery_address,
            "when_owner_leaves": account.when_owner_leaves,
            "version": account.version,
            "people": [str(each) for each in listed],
        },
        "errors": errors or {},
    }, 422 if errors else 200)  # fmt: skip


async def _colleagues(
    session: AsyncSession, viewer: Viewer, account: Account, listed: Sequence[UUID]
) -> list[tuple[str, str, bool]]:
    """(id, name, may write there by role) of whoever can own the account or write as it."""
    known = (await identity.people(session, viewer, limit=MOST)).items
    shown = []
    for each in known:
        roles = {one.role for one in each.memberships if one.team_id in (None, account.team_id)}
        writes = any(action in access.ALLOWED[role] for role in roles for action in WRITES)
        if (each.person.active and (writes or roles)) or each.person.id in (*listed, account.owner_id):
            shown.append((str(each.person.id), each.person.name, writes or each.person.id in listed))
    return sorted(shown, key=lambda one: one[1])
