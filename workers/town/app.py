"""The town as an ASGI app: its routes, and what stands in front of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.town import (
    api_accounts,
    api_control,
    api_inbox,
    api_instance,
    api_media,
    api_oauth,
    api_statuses,
    pages,
)
from workers.town.engine import Engine
from workers.town.mischief import Mischief
from workers.town.relatives import Relatives
from workers.town.settings import TownSettings
from workers.town.wire import ApiError, refuse
from workers.town.world import Town

SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
)


class RateLimit:
    """Counts each request under /api and says so in the headers."""

    def __init__(self, app: ASGIApp, town: Town) -> None:
        self._app, self._town = app, town

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        who = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1") or str(scope.get("client"))
        passes, headers = self._town.limits.take(who, self._town.now())
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *raw]
            await send(message)

        if passes:
            await self._app(scope, receive, with_headers)
        else:
            await JSONResponse({"error": "Too many requests"}, 429)(scope, receive, with_headers)


class SafeHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SAFE]
            await send(message)

        await self._app(scope, receive, with_headers)


async def _missing(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    if request.url.path.startswith(("/api/", "/oauth/", "/town/")):
        return JSONResponse({"error": problem.detail}, problem.status_code)
    return pages.missing()


def _lifespan(engine: Engine) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(engine.run())
        running.add_done_callback(_complain)
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    return lifespan


def _complain(running: "asyncio.Task[None]") -> None:
    """A town that stopped living without anybody noticing would be worse than one that fell over."""
    if not running.cancelled() and (problem := running.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler({"message": "The town stopped", "exception": problem})


def create_app(settings: TownSettings) -> Starlette:
    town = Town(settings)
    engine = Engine(town)
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        ApiError: refuse,
        HTTPException: _missing,
    }
    app = Starlette(
        routes=[
            *api_statuses.routes,
            *api_accounts.routes,
            *api_inbox.routes,
            *api_instance.routes,
            *api_media.routes,
            *api_oauth.routes,
            *api_control.routes,
            *pages.routes,
        ],
        middleware=[
            Middleware(Relatives, town=town),
            Middleware(Mischief, place=town),
            Middleware(SafeHeaders),
            Middleware(RateLimit, town=town),
        ],
        exception_handlers=handlers,
        lifespan=_lifespan(engine),
    )
    app.state.town, app.state.engine = town, engine
    return app
