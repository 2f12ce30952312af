"""Conversations as the list shows them, kept in step with their messages."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.models import Conversation, Delivery, DeliveryState, Message, Note, Reading

TAKEN_BACK = "Deleted by its sender"
WORDS = 140
NOT_OUT = (DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.CANCELLED)
"""A reply in one of these answered nobody."""


async def one_at_a_time(session: AsyncSession, account_id: UUID) -> None:
    """Whoever gives messages of an account their remote ids does it alone, until the end of the transaction.

    SQLite writes one at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"inbox {account_id}".encode()).digest()[:8], signed=True)
        await session.execute(select(func.pg_advisory_xact_lock(number)))


async def held(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Conversation]:
    """The conversations as they are now, kept from changing under us; always taken in the same order."""
    rows = await session.execute(
        select(Conversation)
        .where(col(Conversation.id).in_(ids))
        .order_by(col(Conversation.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.scalars().all()


def changed(conversation: Conversation) -> None:
    conversation.version += 1
    conversation.updated_at = now()


async def refresh(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Works out again what the list shows. A conversation in which nothing remains is left for the sweeper."""
    if not ids:
        return
    await session.flush()
    last, waiting = await _last(session, ids), await _waiting(session, ids)
    for conversation in await held(session, ids):
        if conversation.id not in last:
            continue
        message_id, at, words, from_us = last[conversation.id]
        shown = {
            "last_message_id": message_id,
            "last_message_at": at,
            "last_words": words,
            "last_from_us": from_us,
            "waiting_since": waiting.get(conversation.id),
        }
        if any(getattr(conversation, name) != value for name, value in shown.items()):
            for name, value in shown.items():
                setattr(conversation, name, value)
            changed(conversation)
    await session.flush()


async def _last(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, tuple[UUID, datetime, str, bool]]:
    """The message that came last: one that was long under way is news, however old its own date."""
    came = case((col(Message.backfilled), col(Message.sort_at)), else_=col(Message.received_at))
    place = func.row_number().over(
        partition_by=col(Message.conversation_id),
        order_by=(came.desc(), col(Message.sort_at).desc(), col(Message.id).desc()),
    )
    ranked = (
        select(
            col(Message.conversation_id).label("conversation_id"),
            col(Message.id).label("id"),
            came.label("came"),
            func.substr(col(Message.text), 1, WORDS).label("words"),
            col(Message.from_us).label("from_us"),
            col(Message.deleted_at).label("deleted_at"),
            place.label("place"),
        )
        .where(col(Message.conversation_id).in_(ids))
        .subquery()
    )
    rows = await session.execute(select(ranked).where(ranked.c.place == 1))
    return {
        row.conversation_id: (
            row.id,
            row.came,
            TAKEN_BACK if row.deleted_at else " ".join(row.words.split()),
            row.from_us,
        )
        for row in rows
    }


async def _waiting(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Since when somebody waits: the first of their messages that we had not seen, or not yet, when we last answered."""
    ours = _answered(ids).subquery()
    unanswered = and_(
        or_(ours.c.elsewhere.is_(None), col(Message.sort_at) > ours.c.elsewhere),
        or_(ours.c.here.is_(None), col(Message.received_at) > ours.c.here),
    )
    rows = await session.execute(
        select(col(Message.conversation_id), func.min(col(Message.sort_at)))
        .outerjoin(ours, ours.c.conversation_id == col(Message.conversation_id))
        .where(
            col(Message.conversation_id).in_(ids),
            col(Message.from_us).is_(False),
            col(Message.backfilled).is_(False),
            col(Message.deleted_at).is_(None),
            unanswered,
        )
        .group_by(col(Message.conversation_id))
    )
    return dict(rows.tuples().all())


def _answered(ids: Collection[UUID]) -> Any:
    """When we last answered: from here having seen what had come, from elsewhere having seen what was written."""
    written_here = col(Message.person_id).is_not(None)
    return (
        select(
            col(Message.conversation_id).label("conversation_id"),
            func.max(case((written_here, col(Message.received_at)))).label("here"),
            func.max(case((~written_here, col(Message.sort_at)))).label("elsewhere"),
        )
        .outerjoin(Delivery, col(Delivery.message_id) == col(Message.id))
        .where(
            col(Message.conversation_id).in_(ids),
            col(Message.from_us),
            or_(col(Delivery.id).is_(None), col(Delivery.state).not_in(NOT_OUT)),
        )
        .group_by(col(Message.conversation_id))
    )


async def move_under(session: AsyncSession, account_id: UUID, was: str, root: str) -> set[UUID]:
    """A thread turned out to begin further up: its conversations go there, two of one person become one."""
    rows = await session.execute(
        select(Conversation).where(col(Conversation.account_id) == account_id, col(Conversation.root_remote_id) == was)
    )
    touched = set()
    for conversation in rows.scalars().all():
        if not conversation.thread_key.startswith(f"{was}:"):
            continue
        key = root + conversation.thread_key.removeprefix(was)
        touched.add(await _rekey(session, conversation, key, root))
    return touched


async def _rekey(session: AsyncSession, conversation: Conversation, key: str, root: str) -> UUID:
    there = (
        await session.execute(
            select(Conversation).where(
                col(Conversation.account_id) == conversation.account_id, col(Conversation.thread_key) == key
            )
        )
    ).scalar_one_or_none()
    if there is not None:
        await merge(session, conversation, there)
        return there.id
    conversation.thread_key, conversation.root_remote_id = key, root
    changed(conversation)
    return conversation.id


async def merge(session: AsyncSession, source: Conversation, target: Conversation) -> None:
    """Everything of the first goes into the second. What is open stays open; what somebody has, they keep."""
    for model in (Message, Note):
        await session.execute(
            update(model).where(col(model.conversation_id) == source.id).values(conversation_id=target.id)
        )
    await session.execute(delete(Reading).where(col(Reading.conversation_id) == source.id))
    target.assigned_to_id = target.assigned_to_id or source.assigned_to_id
    if source.state != target.state:
        target.state = min(source.state, target.state, key=lambda state: state == "closed")
        target.closed_at = target.closed_by_id = None
    changed(target)
    await session.delete(source)
    await session.flush()
