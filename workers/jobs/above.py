"""Tells the posts and the conversations above deliveries what became of them, in the same transaction."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.outbox.service import Recorded, Settled


async def tell(session: AsyncSession, settled: Iterable[Recorded | Settled]) -> None:
    post_ids: set[UUID] = set()
    sent: dict[UUID, str] = {}
    for each in settled:
        if each.post_id:
            post_ids.add(each.post_id)
        if each.message_id and isinstance(each, Recorded) and each.life.remote_id:
            sent[each.message_id] = each.life.remote_id
