"""What a post passes on. The caller has passed the gate to the post."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.errors import Conflict, Invalid
from api.models import Account, Delivery, DeliveryKind, DeliveryState, Post, Share, ShareHow
from api.platforms.facts import FACTS
from api.platforms.values import Platform

GONE = "What it shares was taken down, so it cannot go out."


async def of(session: AsyncSession, post_ids: Collection[UUID]) -> dict[UUID, Share]:
    rows = await session.execute(select(Share).where(col(Share.post_id).in_(post_ids)))
    return {share.post_id: share for share in rows.scalars()}


async def passed_on(session: AsyncSession, post_id: UUID, accounts: Iterable[Account]) -> dict[UUID, str]:
    """For a repost, what each account shares, as its platform names it; nothing for a post with words of its own."""
    share = (await of(session, [post_id])).get(post_id)
    if share is None:
        return {}
    there = {platform: reference(platform, each) for platform, each in (await originals(session, share)).items()}
    if not there:
        raise Conflict(GONE)
    if share.how is ShareHow.LINK:
        return {}
    chosen = list(accounts)
    missing = sorted(each.handle for each in chosen if not there.get(each.platform))
    if missing:
        raise Invalid(
            f"{', '.join(missing)} cannot repost it: it did not go out on that platform. Share it there as a link.",
            "account_ids",
        )
    return {each.id: there[each.platform] for each in chosen}


async def originals(session: AsyncSession, share: Share) -> dict[Platform, Delivery]:
    """What is shared, on each platform where it still stands."""
    post = select(col(Delivery.post_id)).where(col(Delivery.id) == share.delivery_id).scalar_subquery()
    rows = await session.execute(
        select(col(Account.platform), Delivery)
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .join(Post, col(Post.id) == col(Delivery.post_id))
        .where(
            col(Delivery.post_id) == post,
            col(Post.withdrawn_at).is_(None),
            col(Delivery.state) == DeliveryState.SENT,
            col(Delivery.gone_at).is_(None),
            col(Delivery.part) == 1,
            col(Account.team_id).is_(None),
        )
        .order_by(col(Delivery.sent_at).desc())
    )
    return dict(rows.tuples().all())


def reference(platform: Platform, delivery: Delivery) -> str:
    """How a repost names it on its platform; empty where it cannot."""
    return (delivery.remote_id if FACTS[platform].shared_by_id else delivery.url) or ""


async def there_already(session: AsyncSession, wanted: Sequence[tuple[UUID, str]]) -> list[UUID]:
    """The accounts that share this already, or are about to."""
    if not wanted:
        return []
    over = (DeliveryState.CANCELLED, DeliveryState.REFUSED, DeliveryState.MISSED)
    rows = await session.execute(
        select(col(Delivery.account_id), col(Delivery.shares)).where(
            col(Delivery.account_id).in_([account_id for account_id, _ in wanted]),
            col(Delivery.kind) == DeliveryKind.REPOST,
            col(Delivery.gone_at).is_(None),
            col(Delivery.state).not_in(over),
        )
    )
    present = {(account_id, shared) for account_id, shared in rows.tuples()}
    return [account_id for account_id, shared in wanted if (account_id, shared) in present]
