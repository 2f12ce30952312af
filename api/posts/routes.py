"""Posts over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    tagged,
)
from api.models import PostState
from api.posts import queries, service
from api.posts.cancelling import cancel
from api.posts.changing import update
from api.posts.schemas import CancelledOut, PostIn, PostOut, PostPatch, PublishIn

router = api_router("/posts", "posts")


@router.get("", summary="Drafts, what is due and what went out", **needs("posts:read", "posts:write", "posts:publish"))
async def list_posts(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    state: Annotated[list[PostState] | None, Query(description="Only those in one of these states.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[PostOut]:
    """The last changed first."""
    page = await queries.posts(session, viewer, team_id, state or (), cursor, limit)
    return PageOut[PostOut].of(page, [PostOut.of(each) for each in await queries.with_deliveries(session, page.items)])


@router.post("", status_code=201, summary="Write a post", **needs("posts:write", "posts:publish"))
async def create_post(
    response: Response, session: WriteSession, viewer: CurrentViewer, data: PostIn, _: IdempotencyKey = None
) -> PostOut:
    """With `publish_at` it goes out then (`posts:publish`: a named person's standing answer to the journalist
    question, kept in the audit and on the post). Without it, it is a draft; `POST …/{id}/publish` sends a draft.
    With `as_thread`, what is too long for an account goes out there in parts: `deliveries` has one for each."""
    post = await service.create(session, viewer, data)
    tagged(response, post)
    response.headers["Location"] = f"/api/v1/posts/{post.id}"
    return PostOut.of(await queries.written(session, post))


@router.get("/{post_id}", summary="One post and its deliveries", **needs("posts:read", "posts:write", "posts:publish"))
async def show_post(response: Response, session: ReadSession, viewer: CurrentViewer, post_id: UUID) -> PostOut:
    post = await queries.get_post(session, viewer, post_id)
    tagged(response, post)
    return PostOut.of(await queries.written(session, post))


@router.patch("/{post_id}", summary="Change a post", **needs("posts:write", "posts:publish"))
async def change_post(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    post_id: UUID,
    patch: PostPatch,
    version: MustMatch,
) -> PostOut:
    """A draft freely; a scheduled one (`posts:publish`) until the first of its deliveries is taken by a worker, all
    of it or nothing: 409 names the accounts that it is leaving for."""
    post = await update(session, viewer, post_id, patch, version)
    tagged(response, post)
    return PostOut.of(await queries.written(session, post))


@router.post("/{post_id}/publish", summary="Send a draft, now or at a time", **needs("posts:publish"))
async def publish_post(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    post_id: UUID,
    when: PublishIn | None = None,
    _: IdempotencyKey = None,
) -> PostOut:
    """Nothing in the body means now."""
    post = await queries.get_post(session, viewer, post_id)
    asked = when or PublishIn(publish_at=None, useful_until=None)
    await service.publish(session, viewer, post, asked.publish_at, asked.useful_until)
    tagged(response, post)
    return PostOut.of(await queries.written(session, post))


@router.post("/{post_id}/cancel", summary="Stop a post", **needs("posts:write", "posts:publish"))
async def cancel_post(
    response: Response, session: WriteSession, viewer: CurrentViewer, post_id: UUID, _: IdempotencyKey = None
) -> CancelledOut:
    """Stops what still waits and names, in `gone` and in `words`, what had already left. 409 when all had."""
    done = await cancel(session, viewer, post_id)
    tagged(response, done.post)
    more = {"words": done.words, "stopped": list(done.stopped), "gone": list(done.gone)}
    return CancelledOut.of(await queries.written(session, done.post), **more)
