"""The composition root: the one place where api, web and workers meet."""

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import main as rest
from api.core.database import Database
from api.core.jobs import Queue
from api.core.runtime import Runtime, Silent
from api.core.sealing import SealerFile
from api.core.settings import Settings
from api.deps import Authenticate
from api.identity.door import Door
from api.models import Viewer
from web import main as pages
from workers.context import Context
from workers.main import make_context
from workers.platforms.http import HttpxCarrier
from workers.vault import PUBLIC_FILE, Keyring

WEB = "web"
REST_PATHS = ("/api/",)


def runtime_of(settings: Settings, queue: Queue | None = None) -> Runtime:
    """The public key alone: whoever gets this can seal and cannot open. Without a queue nobody is woken."""
    return Runtime(settings, Database(settings.database), queue or Silent(), SealerFile(settings.public_key))


def first_keys(settings: Settings) -> None:
    Keyring(settings.keys).load_or_generate()
    publish_key(settings)


def publish_key(settings: Settings) -> None:
    """Puts the public key where api and web read it, when that is another folder than the workers'."""
    source, target = settings.keys / PUBLIC_FILE, settings.public_key
    if source == target:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_text(source.read_text())
    draft.replace(target)


@asynccontextmanager
async def context_over(runtime: Runtime) -> AsyncIterator[Context]:
    """What jobs hold: the network, the platforms' connectors and the private keys."""
    context = make_context(runtime)
    try:
        yield context
    finally:
        if isinstance(context.carrier, HttpxCarrier):
            await context.carrier.aclose()


class Divided:
    """REST under /api, pages everywhere else; one address, one process."""

    def __init__(self, api: ASGIApp, web: ASGIApp) -> None:
        self._api, self._web = api, web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_rest = scope["type"] == "http" and scope["path"].startswith(REST_PATHS)
        await (self._api if is_rest else self._web)(scope, receive, send)


def application(runtime: Runtime, door: Door, services: Collection[str] = ()) -> ASGIApp:
    """`services`: names of REST services, or web; none: all of it."""
    named = [name for name in services if name != WEB]
    if services and not named:
        return pages.asgi(pages.create_app(runtime, door))
    api = rest.asgi(rest.create_app(runtime, _by_token(door), named))
    if services and WEB not in services:
        return api
    return Divided(api, pages.asgi(pages.create_app(runtime, door)))


def _by_token(door: Door) -> Authenticate:
    async def authenticate(request: Request) -> Viewer | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return await door.viewer_by_token(token.strip()) if kind.lower() == "bearer" else None

    return authenticate
