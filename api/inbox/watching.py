"""Which threads to look at again: for answers that mention nobody, for edits, and for what was deleted.

What is new is looked at often, what is old now and then, so that a platform's limits hold.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.models import Conversation, ConversationState, Delivery, DeliveryKind, DeliveryState, Message

PACE: Sequence[tuple[timedelta, timedelta]] = (
    (timedelta(minutes=10), timedelta(0)),
    (timedelta(hours=2), timedelta(minutes=2)),
    (timedelta(days=1), timedelta(minutes=20)),
    (timedelta(days=3650), timedelta(hours=4)),
)
"""Up to this age, wait at least so long between two looks; nothing is looked at twice in one interval."""
SLOWER = 4
"""Conversations are looked at this much less often than our own posts: what is new there announces itself."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A thread to look at. `around` is the message to ask about."""

    around: str
    delivery_id: UUID | None = None
    conversation_id: UUID | None = None


async def to_watch(
    session: AsyncSession, account_id: UUID, watch: timedelta, interval: timedelta, most: int, chance: Random
) -> list[Watched]:
    """Our own posts and open conversations; of each, the newest and those that have waited longest, in turns."""
    horizon = now() - watch
    lists: list[list[Watched]] = []
    for rows in await _posts(session, account_id, horizon, interval, most):
        lists.append([Watched(row.remote_id, delivery_id=row.id) for row in rows])
    for rows in await _talks(session, account_id, horizon, interval * SLOWER, most):
        lists.append([Watched(row.remote_id, conversation_id=row.id) for row in rows])
    # Where there is time for one only, each kind has its turn by chance.
    first = chance.randrange(len(lists))
    in_turns = zip_longest(*lists[first:], *lists[:first])
    return list(dict.fromkeys(one for turn in in_turns for one in turn if one))[:most]


async def _posts(
    session: AsyncSession, account_id: UUID, horizon: datetime, interval: timedelta, most: int
) -> Sequence[Any]:
    shown: list[Any] = [col(Delivery.id), col(Delivery.remote_id)]
    statement = select(*shown).where(
        col(Delivery.account_id) == account_id,
        col(Delivery.state) == DeliveryState.SENT,
        col(Delivery.post_id).is_not(None),
        col(Delivery.gone_at).is_(None),
        col(Delivery.kind) == DeliveryKind.POST,  # nobody answers a repost: they answer what it shares
        col(Delivery.remote_id).is_not(None),
        col(Delivery.sent_at) > horizon,
        _due(col(Delivery.sent_at), col(Delivery.watched_at), interval, 1),
    )
    return await _both_ends(session, statement, col(Delivery.sent_at), col(Delivery.watched_at), most)


async def _talks(
    session: AsyncSession, account_id: UUID, horizon: datetime, interval: timedelta, most: int
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Those under a post that is watched are seen with it."""
    watched_post = select(col(Delivery.id)).where(
        col(Delivery.account_id) == account_id,
        col(Delivery.remote_id) == col(Conversation.root_remote_id),
        col(Delivery.post_id).is_not(None),
        col(Delivery.gone_at).is_(None),
        col(Delivery.sent_at) > horizon,
    )
    newest = (
        select(
            col(Message.conversation_id),
            col(Message.remote_id),
            func.row_number()
            .over(
                partition_by=col(Message.conversation_id),
                order_by=(col(Message.sort_at).desc(), col(Message.id).desc()),
            )
            .label("place"),
        )
        .where(
            col(Message.account_id) == account_id,
            col(Message.remote_id).is_not(None),
            col(Message.deleted_at).is_(None),
            col(Message.sort_at) > horizon,
        )
        .subquery()
    )
    statement: Select[Any] = (
        select(col(Conversation.id), newest.c.remote_id)
        .join(newest, and_(newest.c.conversation_id == col(Conversation.id), newest.c.place == 1))
        .where(
            col(Conversation.account_id) == account_id,
            col(Conversation.state) == ConversationState.OPEN,
            ~watched_post.exists(),
            col(Conversation.last_message_at) > horizon,
            _due(col(Conversation.last_message_at), col(Conversation.checked_at), interval, SLOWER),
        )
    )
    return await _both_ends(session, statement, col(Conversation.last_message_at), col(Conversation.checked_at), most)


def _due(written: Any, looked: Any, interval: timedelta, slower: int) -> ColumnElement[bool]:
    at = now()
    return or_(
        looked.is_(None),
        *(and_(written > at - age, looked <= at - max(interval, wait * slower)) for age, wait in PACE),
    )


async def _both_ends(
    session: AsyncSession, statement: Select[Any], written: Any, looked: Any, most: int
) -> tuple[Sequence[Any], Sequence[Any]]:
    """A crowd of old ones must not keep a new one waiting, nor the other way round."""
    newest = (await session.execute(statement.order_by(written.desc()).limit(most))).all()
    if len(newest) < most:
        return newest, ()
    return newest, (await session.execute(statement.order_by(looked.is_not(None), looked).limit(most))).all()


async def known_in(session: AsyncSession, account_id: UUID, watched: Watched, since: datetime) -> list[str]:
    """The messages that ought to be there still, newest first."""
    statement = (
        select(col(Message.remote_id))
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(
            col(Message.account_id) == account_id,
            col(Message.remote_id).is_not(None),
            col(Message.deleted_at).is_(None),
            col(Message.sort_at) > since,
        )
        .order_by(col(Message.sort_at).desc())
        .limit(200)
    )
    if watched.conversation_id:
        statement = statement.where(col(Conversation.id) == watched.conversation_id)
    else:
        statement = statement.where(
            col(Conversation.account_id) == account_id, col(Conversation.root_remote_id) == watched.around
        )
    return [str(remote_id) for remote_id in (await session.execute(statement)).scalars()]


async def watched_now(session: AsyncSession, watched: Watched, *, gone: bool = False) -> None:
    """Nobody's version changes by being looked at."""
    at = now()
    if watched.delivery_id:
        values = {"watched_at": at, "gone_at": at} if gone else {"watched_at": at}
        await session.execute(
            update(Delivery)
            .where(col(Delivery.id) == watched.delivery_id)
            .values(values)
            .execution_options(synchronize_session=False)
        )
    if watched.conversation_id:
        await session.execute(
            update(Conversation)
            .where(col(Conversation.id) == watched.conversation_id)
            .values(checked_at=at)
            .execution_options(synchronize_session=False)
        )


async def known_ids(session: AsyncSession, account_id: UUID, remote_ids: Collection[str]) -> set[str]:
    """Which of them are messages or deliveries of ours already: their threads need not be asked for."""
    found: set[str] = set()
    for model in (Message, Delivery):
        rows = await session.execute(
            select(col(model.remote_id)).where(
                col(model.account_id) == account_id, col(model.remote_id).in_(remote_ids)
            )
        )
        found |= {str(remote_id) for remote_id in rows.scalars()}
    return found
