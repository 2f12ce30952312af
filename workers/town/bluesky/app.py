"""The sky as an ASGI app: its calls, and what stands in front of them."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town.bluesky import api_chat, api_control, api_feed, api_repo, api_session
from workers.town.bluesky.calls import Call, Handler, XrpcError, refuse
from workers.town.bluesky.rates import Rates
from workers.town.bluesky.sky import Sky, SkySettings
from workers.town.mischief import Mischief, Words

METHODS: dict[str, tuple[str, Handler]] = {
    **api_session.METHODS,
    **api_repo.METHODS,
    **api_feed.METHODS,
    **api_chat.METHODS,
}
WORDS = Words(
    limited='{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}',
    expired=(400, '{"error":"ExpiredToken","message":"Token has expired"}'),
    revoked=(401, '{"error":"AuthenticationRequired","message":"Account session is not active"}'),
    limit_header="ratelimit",
    limit_style="epoch",
)


async def xrpc(request: Request) -> Response:
    verb, handler = METHODS.get(request.path_params["method"], ("", api_feed.unknown))
    if verb not in ("", request.method):
        raise XrpcError(405, "InvalidRequest", f"Incorrect HTTP method ({request.method}) expected {verb}")
    said: Any = await handler(Call(request, request.app.state.sky))
    return JSONResponse(said)


async def _missing(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return JSONResponse({"error": "NotFound", "message": problem.detail}, problem.status_code)


def create_app(settings: SkySettings) -> Starlette:
    sky = Sky(settings)
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        XrpcError: refuse,
        HTTPException: _missing,
    }
    app = Starlette(
        routes=[Route("/xrpc/{method}", xrpc, methods=["GET", "POST"]), *api_control.routes],
        middleware=[Middleware(Mischief, place=sky, words=WORDS), Middleware(Rates, sky=sky)],
        exception_handlers=handlers,
    )
    app.state.sky = sky
    return app
