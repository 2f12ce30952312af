"""What routes ask for: a session, who is asking, a version, a page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import DomainError, Unauthorised
from api.core.paging import MOST, PAGE, Page
from api.core.runtime import Runtime
from api.core.wire import Wire as Wire
from api.idempotency import ReplayableRoute
from api.idempotency import once as once
from api.models import Viewer

T = TypeVar("T")
Authenticate = Callable[[Request], Awaitable[Viewer | None]]

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="An API token: Bearer blt_…")


class Problem(BaseModel):
    """RFC 9457 problem details; some problems have more members."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="A sentence for a person: what happened and what to do.")
    request_id: str


class PageOut(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Ask for the next page with it; null at the end.")

    @classmethod
    def of(cls, page: Page[Any], items: Sequence[T]) -> "PageOut[T]":
        return cls(items=list(items), next_cursor=page.next_cursor)


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, words in {
        400: "It could not be read",
        401: "No valid token",
        403: "Not allowed for this token or its person",
        404: "Not there, or not yours to see",
        405: "Not this method",
        409: "In another state than you think",
        412: "Changed since you read it",
        413: "Too large",
        422: "Something needs changing",
        428: "Say which version you change: If-Match",
        429: "Too many tries",
    }.items()
}  # fmt: skip


def api_router(path: str, tag: str) -> APIRouter:
    """A router under /api/v1 whose errors are documented and whose POSTs may carry an Idempotency-Key."""
    return APIRouter(prefix=f"/api/v1{path}", tags=[tag], route_class=ReplayableRoute, responses=PROBLEMS)


def needs(*scopes: str) -> dict[str, Any]:
    """Written into the OpenAPI of one route: the scopes any one of which lets a token in. The gates enforce it."""
    return {"openapi_extra": {"security": [{"token": [scope]} for scope in scopes]}}


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _read(request: Request) -> AsyncIterator[AsyncSession]:
    async with runtime_of(request).read() as session:
        yield session


async def _write(request: Request) -> AsyncIterator[AsyncSession]:
    """Committed when the route's function has returned and before its answer leaves."""
    shared: AsyncSession | None = getattr(request.state, "session", None)
    if shared is not None:
        yield shared
        return
    async with runtime_of(request).unit_of_work() as session:
        yield session


async def current_viewer(request: Request, _: Annotated[Any, Depends(_bearer)] = None) -> Viewer:
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    viewer = viewer or await request.app.state.authenticate(request)
    if viewer is None:
        raise Unauthorised("Send a valid token: Authorization: Bearer blt_…")
    request.state.viewer = viewer
    return viewer


class KnownFirst(APIRoute):
    """Who is asking is known before anything of a large body is read: a stranger's file never reaches the disk."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            await current_viewer(request)
            return await handler(request)

        return handle


class VersionMissing(DomainError):
    status = 428
    title = "Say which version you change"


def _version(
    if_match: Annotated[str | None, Header(description='The ETag that you read, such as "3".')] = None,
) -> int | None:
    """`*` and nothing: no version was named."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    # A tag that never was ours can match nothing.
    return int(tag) if tag.isascii() and tag.isdecimal() and len(tag) < 10 else -1


def must_name_version(version: Annotated[int | None, Depends(_version)], request: Request) -> int | None:
    if version is None and request.headers.get("if-match") is None:
        raise VersionMissing("Two people can change this: send the ETag that you read as If-Match.")
    return version


def tagged(response: Response, row: Any) -> None:
    """Sets the ETag of what is answered."""
    response.headers["ETag"] = row.etag


ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
WriteSession = Annotated[AsyncSession, Depends(_write, scope="function")]
CurrentViewer = Annotated[Viewer, Depends(current_viewer)]
IfMatch = Annotated[int | None, Depends(_version)]
"""The version named by If-Match, where naming one is optional."""
MustMatch = Annotated[int | None, Depends(must_name_version)]
"""The same where it is required: 428 without; None for `*`."""
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=255, description="Sent again within 24 hours, the first answer is repeated."
    ),
]
CursorParam = Annotated[str | None, Query(description="The next_cursor of the page before.", max_length=500)]
LimitParam = Annotated[int, Query(ge=1, le=MOST, description="Rows on a page.")]
DEFAULT_LIMIT = PAGE
