"""Connecting with a handle and an app password: what is typed is sealed at the door and never shown again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import by_password, queries
from api.core.errors import Forbidden, NotFound
from api.models import Viewer
from api.platforms.facts import FACTS
from api.platforms.values import Platform
from web.deps import Framed, ReadSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.pages.connect import WHOLE_FORCE, team_from, whose
from web.render import page

router = APIRouter()
PLATFORMS = tuple(platform for platform, facts in FACTS.items() if facts.app_password)


@router.get("/accounts/connect/app-password")
async def where(request: Request, session: ReadSession, viewer: Framed, account: UUID | None = None) -> HTMLResponse:
    """With an account: the same one again, in its team."""
    access.require_anywhere(viewer, Action.CONNECT)
    if account is None:
        return await _form(request, session, viewer, {})
    known = await queries.get_account(session, viewer, account)
    access.require(viewer, Action.CONNECT, known.team_id)
    if not FACTS[known.platform].app_password:
        raise NotFound
    typed = {"team": str(known.team_id or WHOLE_FORCE), "handle": known.handle, "platform": known.platform.value}
    return await _form(request, session, viewer, typed, again=known.handle)


@router.post("/accounts/connect/app-password")
async def begin(
    request: Request,
    viewer: Framed,
    team: Annotated[str, Form()] = "",
    handle: Annotated[str, Form()] = "",
    app_password: Annotated[str, Form()] = "",
    server: Annotated[str, Form()] = "",
    platform: Annotated[Platform, Form()] = PLATFORMS[0],
) -> Response:
    runtime = runtime_of(request)
    try:
        async with runtime.unit_of_work() as session:
            connection = await by_password.begin(
                session, runtime.sealer, viewer, team_from(team), platform, handle, app_password, server,
                settings=runtime.settings,
            )  # fmt: skip
    except CAUGHT as error:
        errors = errors_of(error, {"instance": "server"})
        if isinstance(error, Forbidden):
            errors = {"" if viewer.second_factor else "handle": error.sentence}
        typed = {"team": team, "handle": handle, "server": server, "platform": platform.value}
        async with runtime.read() as session:
            return await _form(request, session, viewer, typed, errors=errors)
    return RedirectResponse(f"/accounts/connect/{connection.id}", 303)


async def _form(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    typed: dict[str, str],
    again: str = "",
    errors: dict[str, str] | None = None,
) -> HTMLResponse:
    """Whatever was typed comes back, but for the password: that is typed again."""
    return page(request, "accounts/app_password.html", {
        "teams": await whose(session, viewer),
        "form": {"team": "", "handle": "", "server": "", "platform": PLATFORMS[0].value} | typed,
        "label": FACTS[Platform(typed.get("platform", PLATFORMS[0]))].label,
        "again": again,
        "practice": sorted(runtime_of(request).settings.practice_hosts),
        "second_factor": viewer.second_factor,
        "errors": errors or {},
    }, 422 if errors else 200)  # fmt: skip
