"""The REST application, called in process by somebody with a token or by nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import Request

from api.core.runtime import Runtime
from api.identity.door import Door
from api.main import asgi, create_app
from api.models import Viewer


@asynccontextmanager
async def a_client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever sends `Authorization: Bearer blt_…` is that token's person."""
    door = Door(runtime)

    async def authenticate(request: Request) -> Viewer | None:
        return await door.viewer_by_token(request.headers.get("authorization", "").removeprefix("Bearer "))

    transport = httpx.ASGITransport(asgi(create_app(runtime, authenticate)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://beatline.example") as client:
        yield client
    await door.close()


def bearing(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}
