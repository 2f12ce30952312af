"""Connecting an account: where, a page that waits, over to the server and back, and what came of it."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries
from api.accounts import service as accounts
from api.core.errors import Forbidden, NotFound
from api.core.sealing import at_hand
from api.forces import queries as forces
from api.models import Connection, ConnectionState, Viewer
from api.platforms.facts import FACTS
from api.platforms.values import Platform
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import fragment, page, quick

router = APIRouter()
WHOLE_FORCE = "force"
"""What the form says for an account of the force's own."""
WAITS = (ConnectionState.ASKED, ConnectionState.ANSWERED)


@router.get("/accounts/connect")
async def where(request: Request, session: ReadSession, viewer: Framed, account: UUID | None = None) -> Response:
    """With an account: the same one again, on its server and in its team."""
    access.require_anywhere(viewer, Action.CONNECT)
    if account is None:
        return await _form(request, session, viewer, "", "")
    known = await queries.get_account(session, viewer, account)
    access.require(viewer, Action.CONNECT, known.team_id)
    if FACTS[known.platform].app_password:
        return RedirectResponse(f"/accounts/connect/app-password?account={known.id}", 303)
    return await _form(request, session, viewer, str(known.team_id or WHOLE_FORCE), known.instance, again=known.handle)


@router.post("/accounts/connect")
async def begin(
    request: Request, viewer: Framed, team: Annotated[str, Form()] = "", instance: Annotated[str, Form()] = ""
) -> Response:
    try:
        async with runtime_of(request).unit_of_work() as session:
            connection = await accounts.begin_connection(
                session, viewer, team_from(team), Platform.MASTODON, instance, settings=runtime_of(request).settings
            )
    except CAUGHT as error:
        place = "instance" if isinstance(error, Forbidden) and not viewer.second_factor else ""
        errors = {place: error.sentence} if isinstance(error, Forbidden) else errors_of(error)
        async with runtime_of(request).read() as session:
            return await _form(request, session, viewer, team, instance, errors=errors)
    return RedirectResponse(f"/accounts/connect/{connection.id}", 303)


@router.get("/accounts/connect/{connection_id}")
async def try_(request: Request, session: ReadSession, viewer: Framed, connection_id: UUID) -> HTMLResponse:
    connection = await queries.get_connection(session, viewer, connection_id)
    return page(request, "accounts/try.html", await _about(session, viewer, connection))


@router.get("/accounts/connect/{connection_id}/next")
async def next_(request: Request, session: ReadSession, viewer: Signed, connection_id: UUID) -> Response:
    """What the waiting page asks for: over to the server as soon as it is ready, otherwise how it stands."""
    connection = await queries.get_connection(session, viewer, connection_id)
    here = f"/accounts/connect/{connection.id}"
    if connection.state is ConnectionState.READY:
        return _go(request, connection.authorize_url)
    if quick(request) and connection.state in WAITS:
        return fragment(request, "accounts/_waiting.html", await _about(session, viewer, connection))
    return _go(request, here)


@router.get("/oauth/{platform}/callback")
async def come_back(
    request: Request, session: WriteSession, viewer: Signed, platform: Platform, state: str = "", code: str = ""
) -> RedirectResponse:
    """Back from the server, with a code or with a no. The code is sealed before it is written anywhere."""
    if code:
        connection = await accounts.answer_connection(session, at_hand(runtime_of(request).sealer), viewer, state, code)
    else:
        connection = await accounts.decline_connection(session, viewer, state)
    return RedirectResponse(f"/accounts/connect/{connection.id}", 303)


def _go(request: Request, where: str) -> Response:
    """Script or not, the browser itself goes there: no fetch follows it to another site."""
    if quick(request):
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def team_from(chosen: str) -> UUID | None:
    if chosen == WHOLE_FORCE:
        return None
    try:
        return UUID(chosen)
    except ValueError as error:
        raise NotFound from error


async def whose(session: AsyncSession, viewer: Viewer) -> list[tuple[str, str]]:
    """Whose account it can become, as a form offers it."""
    teams = [one for one in await forces.teams(session, viewer) if access.may(viewer, Action.CONNECT, one.id)]
    choices = [(str(one.id), one.name) for one in teams]
    if access.may(viewer, Action.CONNECT, None):
        choices.append((WHOLE_FORCE, "The whole force"))
    return choices


async def _form(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    team: str,
    instance: str,
    again: str = "",
    errors: dict[str, str] | None = None,
) -> HTMLResponse:
    return page(request, "accounts/connect.html", {
        "teams": await whose(session, viewer),
        "team": team,
        "instance": instance,
        "again": again,
        "practice": sorted(runtime_of(request).settings.practice_hosts),
        "others": [each for each in FACTS.values() if each.app_password],
        "second_factor": viewer.second_factor,
        "errors": errors or {},
    }, 422 if errors else 200)  # fmt: skip


async def _about(session: AsyncSession, viewer: Viewer, connection: Connection) -> dict[str, object]:
    team = ""
    if connection.team_id:
        team = next((one.name for one in await forces.teams(session, viewer) if one.id == connection.team_id), "")
    account = None
    if connection.state is ConnectionState.DONE and connection.account_id:
        account = await queries.get_account(session, viewer, connection.account_id)
    return {
        "connection": connection,
        "host": urlsplit(connection.instance).netloc or FACTS[connection.platform].label,
        "platform": FACTS[connection.platform].label,
        "by_password": FACTS[connection.platform].app_password,
        "team": team or "the whole force",
        "account": account,
        "waits": connection.state in WAITS,
    }
