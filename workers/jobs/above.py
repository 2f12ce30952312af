"""Tells the posts and the conversations above deliveries what became of them, in the same transaction."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from api.inbox import service as inbox
from api.outbox.service import Recorded, Settled
from api.posts import service as posts


async def tell(session: AsyncSession, settled: Iterable[Recorded | Settled]) -> None:
    told = list(settled)
    post_ids = {each.post_id for each in told if each.post_id}
    message_ids = {each.message_id for each in told if each.message_id}
    if post_ids:
        await posts.settle(session, post_ids)
    if message_ids:
        await inbox.settle(session, message_ids)
