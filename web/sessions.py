"""The two cookies: whose session this browser carries, and that it has been here before."""

from starlette.requests import Request
from starlette.responses import Response

from api.core.settings import Settings
from api.identity.door import COOKIE, DEVICE_COOKIE, DEVICE_DAYS, Door, Visitor, Welcome
from api.models import Viewer

A_DAY = 86400


def door_of(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def by_cookie(request: Request) -> Viewer | None:
    secret = request.cookies.get(COOKIE, "")
    return await door_of(request).viewer_by_cookie(secret) if secret else None


def visitor(request: Request) -> Visitor:
    return Visitor(
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        device=request.cookies.get(DEVICE_COOKIE, ""),
    )


def let_in(request: Request, response: Response, welcome: Welcome) -> None:
    """The session's own end stands in the database; the cookie only must not go before it."""
    settings: Settings = request.app.state.settings
    _set(response, settings, COOKIE, welcome.secret, int(settings.session_days * A_DAY))
    if welcome.device:
        _set(response, settings, DEVICE_COOKIE, welcome.device, DEVICE_DAYS * A_DAY)


def let_out(request: Request, response: Response) -> None:
    """The device cookie stays: it names nobody and keeps strangers' failures away from this desk."""
    settings: Settings = request.app.state.settings
    response.delete_cookie(COOKIE, path="/", secure=settings.cookies_secure, httponly=True, samesite="lax")


def _set(response: Response, settings: Settings, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=settings.cookies_secure, httponly=True, samesite="lax"
    )
