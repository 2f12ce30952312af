"""The REST services. `create_app` serves all of them or the named ones; there is no network between them."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from api.accounts import routes as accounts
from api.alerts import routes as alerts
from api.core import health
from api.core.http import Edge, answer_problems
from api.core.runtime import Runtime
from api.deps import Authenticate, Problem
from api.forces import routes as forces
from api.identity import routes as identity
from api.inbox import routes as inbox
from api.library import routes as library
from api.media import routes as media
from api.outbox import routes as outbox
from api.policy import routes as policy
from api.posts import routes as posts
from api.priorities import routes as priorities
from api.schedules import routes as schedules

SERVICES: dict[str, Sequence[APIRouter]] = {
    "accounts": (accounts.router, accounts.connections),
    "alerts": (alerts.router, alerts.webhooks),
    "forces": (forces.teams, forces.neighbourhoods),
    "identity": (identity.me, identity.people, identity.tokens, identity.sessions),
    "posts": (posts.router, outbox.router, library.router, media.uploads, media.router),
    "schedules": (schedules.router,),
    "inbox": (inbox.conversations, inbox.messages),
    "policy": (policy.router,),
    "priorities": (priorities.questions, priorities.answers, priorities.priorities),
}
ABOUT = """What other systems of a force may do with Beatline.

Every request carries a token of a person (`Authorization: Bearer blt_…`); it can do what its scopes and the person's
roles both allow. What you may not see is answered 404. Times have an offset. Lists are `{items, next_cursor}`.
What two people can change has an ETag: send it as `If-Match`. A POST with an `Idempotency-Key` happens once."""


def create_app(runtime: Runtime, authenticate: Authenticate, services: Iterable[str] = ()) -> FastAPI:
    """`services`: names from SERVICES; none: all of them."""
    chosen = list(services) or list(SERVICES)
    unknown = [name for name in chosen if name not in SERVICES]
    if unknown:
        raise ValueError(f"There is no service called {', '.join(unknown)}; there are {', '.join(SERVICES)}.")
    app = FastAPI(
        title="Beatline", version="0.1.0", description=ABOUT, openapi_url="/api/openapi.json",
        docs_url=None, redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.state.runtime, app.state.authenticate = runtime, authenticate
    answer_problems(app)
    app.router.routes.extend(_routes(tuple(chosen)))
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


@cache
def _routes(chosen: tuple[str, ...]) -> Sequence[BaseRoute]:
    """Made once: reading every signature takes longer than most requests, and no route knows its application."""
    gathered = APIRouter()
    for router in (health.router, *(router for name in chosen for router in SERVICES[name])):
        gathered.include_router(router)
    return gathered.routes


def asgi(app: FastAPI) -> ASGIApp:
    settings = app.state.runtime.settings
    larger = {"/api/v1/media": settings.body_limit + settings.upload_limit}
    return Edge(app, body_limit=settings.body_limit, hsts=settings.cookies_secure, larger=larger)


def _described(app: FastAPI) -> dict[str, object]:
    """All services, whichever of them this process serves: behind a gateway there is one address."""
    if not app.openapi_schema:
        routes = [route for routers in SERVICES.values() for router in routers for route in router.routes]
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for operation in (each for path in schema["paths"].values() for each in path.values()):
            _name_scopes(operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _name_scopes(operation: dict[str, Any]) -> None:
    """FastAPI adds that any token will do; where a route names scopes, that is not so."""
    asked = [each for each in operation.get("security", ()) if any(each.values())]
    if asked:
        operation["security"] = asked
