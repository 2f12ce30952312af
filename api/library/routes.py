"""Standard posts over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.core.shapes import Line
from api.deps import CurrentViewer, PageOut, ReadSession, api_router, needs, tagged
from api.library import queries
from api.library.schemas import StandardPostOut

router = api_router("/standard-posts", "posts")


@router.get("", summary="What is written once and used again", **needs("posts:read", "posts:write", "posts:publish"))
async def list_standard_posts(
    session: ReadSession,
    viewer: CurrentViewer,
    category: Annotated[Line | None, Query(description="Only those of one category.")] = None,
) -> PageOut[StandardPostOut]:
    """All of the force's on one page, by category and title."""
    found = await queries.standard_posts(session, viewer, category)
    return PageOut[StandardPostOut](items=[StandardPostOut.of(each) for each in found], next_cursor=None)


@router.get("/{standard_post_id}", summary="One of them", **needs("posts:read", "posts:write", "posts:publish"))
async def show_standard_post(
    response: Response, session: ReadSession, viewer: CurrentViewer, standard_post_id: UUID
) -> StandardPostOut:
    standard_post = await queries.get_standard_post(session, viewer, standard_post_id)
    tagged(response, standard_post)
    return StandardPostOut.of(standard_post)
