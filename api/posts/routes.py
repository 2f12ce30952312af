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
from api.posts import queries, service, sharing, withdrawing
from api.posts.cancelling import cancel
from api.posts.changing import update
from api.posts.schemas import (
    CancelledOut,
    PostIn,
    PostOut,
    PostPatch,
    PublishIn,
    ShareIn,
    StandingOut,
    VersionOut,
    VersionsOut,
    WithdrawIn,
    WithdrawnOut,
)
from api.posts.standing import standings

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
    of it or nothing: 409 names the accounts that it is leaving for. One that is out: its words, where every platform
    concerned lets them be changed; workers change them there, and `GET …/{id}/versions` keeps what was public before."""
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


@router.post("/{post_id}/withdraw", summary="Take a post down", **needs("posts:publish"))
async def withdraw_post(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    post_id: UUID,
    data: WithdrawIn,
    _: IdempotencyKey = None,
) -> WithdrawnOut:
    """What waits is stopped; of what is out each platform is asked to remove it, until it answers. Whatever of the
    force shares it goes with it. Ask `GET …/{id}` again: `withdrawn` means that all of it is gone."""
    post = await withdrawing.withdraw(session, viewer, post_id, data.reason)
    tagged(response, post)
    written = await queries.written(session, post)
    accounts = [StandingOut.model_validate(each) for each in await standings(session, written.deliveries)]
    return WithdrawnOut.of(written, accounts=accounts)


@router.post(
    "/{post_id}/share",
    status_code=201,
    summary="Pass on what the force posted",
    **needs("posts:write", "posts:publish"),
)
async def share_post(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    post_id: UUID,
    data: ShareIn,
    _: IdempotencyKey = None,
) -> PostOut:
    """A post of one of the force's own accounts, from accounts of your team: as it is, or with a line and its address.
    Without `publish_at` it is a draft. It is taken down with its original."""
    post = await sharing.share(session, viewer, post_id, data)
    tagged(response, post)
    response.headers["Location"] = f"/api/v1/posts/{post.id}"
    return PostOut.of(await queries.written(session, post))


@router.get("/{post_id}/versions", summary="What was public before it was changed", **needs("posts:read"))
async def post_versions(session: ReadSession, viewer: CurrentViewer, post_id: UUID) -> VersionsOut:
    """Oldest first."""
    post = await queries.get_post(session, viewer, post_id)
    return VersionsOut(items=[VersionOut.model_validate(each) for each in await queries.versions(session, post)])
