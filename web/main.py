"""The pages as one application: files of ours, answers to errors, and one router per screen."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from api.core import health
from api.core.errors import DomainError
from api.core.http import Edge
from api.core.runtime import Runtime
from api.identity.door import Door
from api.models import Viewer
from web import assets, problems
from web.csrf import OwnPagesOnly
from web.headers import OWN_HTMX
from web.headers import policy as content_policy
from web.pages import (
    accounts,
    alerts,
    answers,
    calendar,
    connect,
    connect_by_password,
    did,
    inbox,
    me,
    mend,
    on_time,
    people,
    picture,
    pictures,
    policy,
    posts,
    priorities,
    records,
    share,
    signin,
    teams,
    today,
    tokens,
    webhooks,
    withdraw,
    write,
)
from web.sessions import by_cookie

SCREENS = (
    today, inbox, pictures, policy, write, posts, calendar, priorities, answers, records, picture, did, connect_by_password,
    connect, accounts, people, teams, tokens, me, signin, withdraw, share, mend, on_time, alerts, webhooks,
)  # fmt: skip
Authenticate = Callable[[Request], Awaitable[Viewer | None]]


def create_app(runtime: Runtime, door: Door, authenticate: Authenticate = by_cookie) -> FastAPI:
    """`authenticate` says who is asking: the person behind the cookie. Whoever starts the process closes the door."""
    app = FastAPI(title="Beatline", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.runtime, app.state.settings = runtime, runtime.settings
    app.state.door, app.state.authenticate = door, authenticate
    _serve_files(app, runtime)
    _answer_errors(app)
    app.router.routes.extend(_routes())
    app.add_middleware(OwnPagesOnly, base_url=runtime.settings.base_url)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """Made once: reading every signature takes longer than most requests, and no route knows its application."""
    gathered = APIRouter()
    for router in (health.router, *(screen.router for screen in SCREENS)):
        gathered.include_router(router)
    return gathered.routes


def asgi(app: FastAPI) -> ASGIApp:
    settings = app.state.settings
    larger = {"/write": settings.body_limit + settings.upload_limit}
    return Edge(
        app, body_limit=settings.body_limit, csp=content_policy(settings), hsts=settings.cookies_secure, larger=larger
    )


def _serve_files(app: FastAPI, runtime: Runtime) -> None:
    app.add_api_route("/static/{digest}/{name}", assets.serve, include_in_schema=False)
    if runtime.settings.htmx_file:
        own = assets.load(runtime.settings.htmx_file, "htmx.js")

        def htmx(request: Request) -> Response:
            return assets.answer(request, own, "public, max-age=86400")

        app.add_api_route(OWN_HTMX, htmx, include_in_schema=False)


def _answer_errors(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, problems.on_domain_error)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_form)
    app.add_exception_handler(Exception, problems.on_bug)
