"""Tells the posts and the conversations above deliveries what became of them, in the same transaction."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts.service import ALERTS
from api.core.jobs import ask
from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.models import DeliveryState, ErrandKind
from api.outbox import service as outbox
from api.outbox.errand_work import Done
from api.outbox.service import Claim, Recorded, Settled
from api.posts import service as posts
from api.posts import withdrawing


async def tell(session: AsyncSession, settled: Iterable[Recorded | Settled]) -> None:
    each_of_them = list(settled)
    await outbox.follow(session, [each for each in each_of_them if isinstance(each, Recorded)])
    post_ids = {each.post_id for each in each_of_them if each.post_id}
    message_ids = {each.message_id for each in each_of_them if each.message_id}
    if any(_worries(each) for each in each_of_them):
        ask(session, ALERTS)
    if post_ids:
        await posts.settle(session, post_ids)
    if message_ids:
        await inbox.settle(session, message_ids)


def _worries(settled: Recorded | Settled) -> bool:
    """People may have to be told of it. What was settled without an answer is rare: whoever is told looks."""
    return isinstance(settled, Settled) or settled.state in (DeliveryState.NEEDS_PERSON, DeliveryState.REFUSED)


async def tell_posts(runtime: Runtime, claims: Iterable[Claim]) -> None:
    """In a transaction of its own: who cancels a post holds the post and wants its deliveries, a claim the reverse."""
    post_ids = {claim.post_id for claim in claims if claim.post_id}
    if post_ids:
        async with runtime.unit_of_work() as session:
            await posts.settle(session, post_ids)


async def tell_errand(session: AsyncSession, done: Done) -> None:
    """What was taken down takes with it what shares it; a message of ours keeps its earlier words."""
    if done.kind is ErrandKind.WITHDRAW and done.delivery_id and done.post_id:
        await withdrawing.gone(session, [done.delivery_id])
    await inbox.mended(session, done)
