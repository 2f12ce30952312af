"""A POST that carries an Idempotency-Key happens once: its answer is stored with the change and repeated."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.core.errors import Conflict, Invalid
from api.core.runtime import Runtime
from api.models import IdempotencyKey, Viewer

_in_flight: set[tuple[str, str, str]] = set()
KEPT_HEADERS = ("etag", "location", "content-type")


class ReplayableRoute(APIRoute):
    """Stores the answer in the transaction of the change, so that neither exists without the other."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if request.method != "POST" or not key:
                return await handler(request)
            viewer = await request.app.state.authenticate(request)
            if viewer is None:
                return await handler(request)
            if len(key) > 255:
                raise Invalid("An Idempotency-Key has at most 255 characters.", "Idempotency-Key")
            request.state.viewer = viewer
            body_hash = hashlib.sha256(await request.body()).hexdigest()

            async def handled(session: AsyncSession) -> Response:
                request.state.session = session
                return await handler(request)

            return await once(request, viewer, key, body_hash, handled)

        return handle


async def once(
    request: Request,
    viewer: Viewer,
    key: str | None,
    body_hash: str,
    work: Callable[[AsyncSession], Awaitable[Response]],
) -> Response:
    """The answer of `work`, or the stored one; without a key it is simply done. `body_hash`: what was asked, in short."""
    runtime: Runtime = request.app.state.runtime
    if not key:
        async with runtime.unit_of_work() as session:
            return await work(session)
    owner, route = str(viewer.token_id or viewer.person_id), request.url.path
    async with _alone((owner, route, key)), runtime.unit_of_work() as session:
        await _alone_everywhere(session, runtime, f"{owner} {route} {key}")
        stored = await _stored(session, owner, route, key)
        if stored:
            return _repeat(stored, body_hash)
        response = await work(session)
        session.add(
            IdempotencyKey(
                owner=owner,
                route=route,
                key=key,
                body_hash=body_hash,
                status=response.status_code,
                headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
                body="" if getattr(request.state, "no_replay", False) else bytes(response.body).decode(),
                expires_at=now() + timedelta(hours=runtime.settings.idempotency_hours),
            )
        )
        return response


@asynccontextmanager
async def _alone(what: tuple[str, str, str]) -> AsyncIterator[None]:
    if what in _in_flight:
        raise Conflict("The first request with this key is still under way. Ask again in a moment.")
    _in_flight.add(what)
    try:
        yield
    finally:
        _in_flight.discard(what)


async def _alone_everywhere(session: AsyncSession, runtime: Runtime, what: str) -> None:
    """Across processes: PostgreSQL holds a lock until the end of the transaction; SQLite writes one at a time anyway."""
    if runtime.database.sqlite:
        return
    number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)
    if not (await session.execute(select(func.pg_try_advisory_xact_lock(number)))).scalar_one():
        raise Conflict("The first request with this key is still under way. Ask again in a moment.")


async def _stored(session: AsyncSession, owner: str, route: str, key: str) -> IdempotencyKey | None:
    row = await session.execute(
        select(IdempotencyKey).where(
            col(IdempotencyKey.owner) == owner, col(IdempotencyKey.route) == route, col(IdempotencyKey.key) == key
        )
    )
    stored = row.scalar_one_or_none()
    if stored and stored.expires_at <= now():
        await session.delete(stored)
        await session.flush()
        return None
    return stored


def _repeat(stored: IdempotencyKey, body_hash: str) -> Response:
    if stored.body_hash != body_hash:
        raise Invalid("This Idempotency-Key was used with another body. Use a new key.", "Idempotency-Key")
    if not stored.body and stored.status != 204:
        raise Conflict("This was made the first time, and its secret is shown once only. End it and make a new one.")
    return Response(stored.body, stored.status, {**stored.headers, "Idempotency-Replayed": "true"})
