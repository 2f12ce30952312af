"""No message is kept without an end: what has passed its date goes, a little at a time."""

from collections import Counter
from uuid import UUID

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.clock import now
from api.inbox import threads
from api.models import OPEN, Conversation, Delivery, Errand, Message, Note


async def purge(session: AsyncSession, limit: int = 500) -> int:
    """Messages past their date with their versions and what carried them out; then conversations without any."""
    gone = await _messages(session, limit)
    notes = await session.execute(
        delete(Note)
        .where(col(Note.id).in_(select(col(Note.id)).where(col(Note.keep_until) <= now()).limit(limit)))
        .returning(col(Note.id))
    )
    return gone + len(notes.all())


async def _messages(session: AsyncSession, limit: int) -> int:
    going_out = exists().where(col(Delivery.message_id) == col(Message.id), col(Delivery.state).in_(OPEN))
    rows = await session.execute(
        select(col(Message.id), col(Message.conversation_id), col(Message.force_id))
        .where(col(Message.keep_until) <= now(), ~going_out)
        .order_by(col(Message.keep_until))
        .limit(limit)
    )
    old = rows.tuples().all()
    if not old:
        return 0
    ids, conversations = [row[0] for row in old], {row[1] for row in old}
    await _errands_about(session, ids)
    await session.execute(delete(Delivery).where(col(Delivery.message_id).in_(ids)))
    await session.execute(delete(Message).where(col(Message.id).in_(ids)))
    await _empty_ones(session, conversations)
    await threads.refresh(session, conversations)
    for force_id, number in Counter(row[2] for row in old).items():
        audit.record(session, None, "messages.purge", "force", force_id, force_id, messages=number)
    return len(old)


async def _errands_about(session: AsyncSession, ids: list[UUID]) -> None:
    """What was asked about them holds their words, too."""
    theirs = select(col(Delivery.id)).where(col(Delivery.message_id).in_(ids))
    await session.execute(
        delete(Errand).where(or_(col(Errand.message_id).in_(ids), col(Errand.delivery_id).in_(theirs)))
    )


async def _empty_ones(session: AsyncSession, ids: set[UUID]) -> None:
    """Their notes and readings go with them."""
    holds = exists().where(col(Message.conversation_id) == col(Conversation.id))
    await session.execute(delete(Conversation).where(col(Conversation.id).in_(ids), ~holds))
