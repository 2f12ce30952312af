"""What a door asks for: a session, who is here, and the frame around their page."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import Unauthorised
from api.core.runtime import Runtime
from api.models import Viewer
from web import frame


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _read(request: Request) -> AsyncIterator[AsyncSession]:
    async with runtime_of(request).read() as session:
        yield session


async def _write(request: Request) -> AsyncIterator[AsyncSession]:
    """Committed when the door's function has returned and before its answer leaves."""
    async with runtime_of(request).unit_of_work() as session:
        yield session


async def _signed_in(request: Request) -> Viewer:
    viewer: Viewer | None = await request.app.state.authenticate(request)
    if viewer is None:
        raise Unauthorised("Sign in first.")
    request.state.viewer = viewer
    return viewer


Signed = Annotated[Viewer, Depends(_signed_in)]
"""Who is here, for doors that change something and send people on."""


async def _framed(request: Request, viewer: Signed) -> Viewer:
    async with runtime_of(request).read() as session:
        request.state.frame = await frame.around(session, viewer, runtime_of(request).settings)
    return viewer


Framed = Annotated[Viewer, Depends(_framed)]
"""The same, with the frame of a whole page."""
ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
WriteSession = Annotated[AsyncSession, Depends(_write, scope="function")]
