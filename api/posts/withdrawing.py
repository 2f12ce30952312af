"""Taking a post down, and with it whatever of the force shares it. Nothing is pretended: a platform may say no."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid
from api.models import Account, Delivery, DeliveryKind, DeliveryState, Post, PostState, Share, ShareHow, Viewer
from api.outbox import queries as waiting
from api.posts import queries, service
from api.posts.settling import settle
from api.posts.shares import originals as standing_originals
from api.posts.shares import reference
from api.posts.taking_down import down

OVER = (DeliveryState.CANCELLED, DeliveryState.REFUSED, DeliveryState.MISSED)
UNSENT = (PostState.DRAFT, PostState.AWAITING_APPROVAL)


async def withdraw(session: AsyncSession, viewer: Viewer, post_id: UUID, reason: str) -> Post:
    """Whoever publishes may take down. What a platform refused is asked of it again."""
    post = await queries.get_post(session, viewer, post_id)
    service.require_publish(viewer, post.team_id)
    if post.state in (*UNSENT, PostState.CANCELLED) and post.withdrawn_at is None:
        raise Conflict("Nothing of it went out. Cancel it instead.", state=post.state)
    if len(reason.strip()) < 5:
        raise Invalid("Write down why it is taken down, in a few words at least.", "reason")
    deliveries = await waiting.of_post(session, [post.id])
    await down(session, viewer, deliveries)
    await follow(session, deliveries)
    if post.withdrawn_at is None:
        await service.write(session, post, withdrawn_at=now(), withdrawn_by_id=viewer.person_id)
    await settle(session, [post.id])
    audit.record(session, viewer, "posts.withdraw", "post", post.id, reason=reason.strip())
    return post


async def gone(session: AsyncSession, delivery_ids: Iterable[UUID]) -> None:
    """They are not there any more, by us or by somebody on the platform itself."""
    rows = await session.execute(select(Delivery).where(col(Delivery.id).in_(list(delivery_ids))))
    found = rows.scalars().all()
    await follow(session, found)
    await settle(session, [each.post_id for each in found if each.post_id])


async def follow(session: AsyncSession, originals: Sequence[Delivery]) -> None:
    """What shares these goes with them, and its page says why. Doing it again changes nothing."""
    posts = await _sharing(session, originals)
    if not posts:
        return
    named = await _named(session, originals)
    for share, post in sorted(posts, key=lambda each: each[1].id):
        passing_on = await waiting.of_post(session, [post.id])
        concerned = [each for each in passing_on if _concerns(each, share, named, originals)]
        await down(session, None, concerned)
        left = {each.id for each in passing_on if each.state not in OVER} - {each.id for each in concerned}
        if not left and not (post.state in UNSENT and await _stands_elsewhere(session, share, originals)):
            await _with_its_original(session, post)
    await settle(session, [post.id for _, post in posts if post.state not in UNSENT])


async def _sharing(session: AsyncSession, originals: Sequence[Delivery]) -> list[tuple[Share, Post]]:
    """The posts that pass any of it on, whichever of its deliveries they were made from."""
    post_ids = {each.post_id for each in originals if each.post_id}
    siblings = select(col(Delivery.id)).where(col(Delivery.post_id).in_(post_ids))
    rows = await session.execute(
        select(Share, Post)
        .join(Post, col(Post.id) == col(Share.post_id))
        .where(
            col(Share.delivery_id).in_(siblings),
            col(Post.withdrawn_at).is_(None),
            col(Post.state) != PostState.CANCELLED,
        )
    )
    return [(share, post) for share, post in rows.tuples()]


async def _named(session: AsyncSession, originals: Sequence[Delivery]) -> set[str]:
    rows = await session.execute(
        select(col(Account.id), col(Account.platform)).where(
            col(Account.id).in_({each.account_id for each in originals})
        )
    )
    platforms = dict(rows.tuples().all())
    return {reference(platforms[each.account_id], each) for each in originals} - {""}


async def _stands_elsewhere(session: AsyncSession, share: Share, originals: Sequence[Delivery]) -> bool:
    going = {each.id for each in originals}
    return any(each.id not in going for each in (await standing_originals(session, share)).values())


def _concerns(delivery: Delivery, share: Share, named: set[str], originals: Sequence[Delivery]) -> bool:
    if delivery.kind is DeliveryKind.REPOST:
        return delivery.shares in named
    return share.how is ShareHow.LINK and share.delivery_id in {each.id for each in originals}


async def _with_its_original(session: AsyncSession, post: Post) -> None:
    values = {"state": PostState.CANCELLED} if post.state in UNSENT else {}
    await session.execute(
        update(Post)
        .where(col(Post.id) == post.id)
        .values(withdrawn_at=now(), version=col(Post.version) + 1, updated_at=now(), **values)
        .execution_options(synchronize_session=False)
    )
    await session.refresh(post)
    audit.record(session, None, "posts.withdraw_with_original", "post", post.id, post.force_id)
