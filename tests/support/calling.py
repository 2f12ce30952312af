"""Sending requests as somebody: the real edge and routes, with a viewer in the place of a token."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import APIRouter, Request

from api.core.runtime import Runtime
from api.main import asgi, create_app
from api.models import Viewer


class Caller:
    """`await caller.post(viewer, path, body)`: the answer, whatever it is."""

    def __init__(self, client: httpx.AsyncClient, viewers: dict[str, Viewer]) -> None:
        self._client, self._viewers = client, viewers

    async def get(self, viewer: Viewer, path: str, **query: Any) -> httpx.Response:
        return await self._send("GET", viewer, path, params=query)

    async def post(self, viewer: Viewer, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self._send("POST", viewer, path, json=body, headers=headers)

    async def patch(self, viewer: Viewer, path: str, body: Any, etag: str | None = None) -> httpx.Response:
        return await self._send("PATCH", viewer, path, json=body, headers={"If-Match": etag} if etag else {})

    async def delete(self, viewer: Viewer, path: str) -> httpx.Response:
        return await self._send("DELETE", viewer, path)

    async def upload(
        self, viewer: Viewer, path: str, file: tuple[str, bytes], fields: dict[str, str], headers: Any = None
    ) -> httpx.Response:
        return await self._send("POST", viewer, path, files={"file": file}, data=fields, headers=headers or {})

    async def _send(self, method: str, viewer: Viewer, path: str, **what: Any) -> httpx.Response:
        name = str(hash(viewer))
        self._viewers[name] = viewer
        headers = {"Authorization": f"Bearer {name}", **what.pop("headers", {})}
        if what.get("json") is None:
            what.pop("json", None)
        return await self._client.request(method, f"/api/v1{path}", headers=headers, **what)


@asynccontextmanager
async def calling(runtime: Runtime, routers: Sequence[APIRouter]) -> AsyncIterator[Caller]:
    viewers: dict[str, Viewer] = {}

    async def authenticate(request: Request) -> Viewer | None:
        return viewers.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    app = create_app(runtime, authenticate)
    present = {getattr(route, "path", "") for route in app.routes}
    for router in routers:
        if not {getattr(route, "path", "") for route in router.routes} <= present:
            app.include_router(router)
    transport = httpx.ASGITransport(asgi(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://beatline.example") as client:
        yield Caller(client, viewers)
