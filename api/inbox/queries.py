"""The list, its numbers, and the gate to a conversation. Whoever may not see it finds nothing, not even a number."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core import paging
from api.core.errors import NotFound
from api.core.gates import the_one
from api.core.paging import Page
from api.inbox.standing import with_standing
from api.inbox.thread import Thread, ThreadDelivery, ThreadMessage, ThreadNote, ThreadPost, shown, thread_of
from api.models import (
    Account,
    Conversation,
    ConversationKind,
    ConversationState,
    Membership,
    Message,
    Person,
    Reading,
    Viewer,
)

__all__ = [
    "Counts", "Thread", "ThreadDelivery", "ThreadMessage", "ThreadNote", "ThreadPost", "View", "conversations",
    "counts", "get_conversation", "get_message", "held_conversation", "may_answer", "new_since", "one_message", "row",
    "thread", "to_answer", "visible",
]  # fmt: skip

MOST_COUNTED = 1000


class View(StrEnum):
    """How the list can be looked at. Those that are not `closed` show what is open."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    TEAM = "team"
    WAITING = "waiting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Counts:
    """Of what is open. Counted up to a thousand: `capped` says that there are more."""

    mine: int = 0
    unassigned: int = 0
    team: int = 0
    waiting: int = 0
    unread: int = 0
    oldest_waiting: datetime | None = None
    capped: bool = False


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Private ones only for roles that may see them: they are in no list, no number and at no address of others."""
    force, team = col(Conversation.force_id), col(Conversation.team_id)
    public = access.within(viewer, Action.SEE_PUBLIC, force, team)
    direct = access.within(viewer, Action.SEE_DIRECT, force, team)
    if public.compare(direct):
        return public
    return or_(and_(public, col(Conversation.kind) == ConversationKind.PUBLIC), direct)


async def get_conversation(session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> Conversation:
    return await _get(session, _one(viewer, conversation_id))


async def held_conversation(session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> Conversation:
    """The same, kept from changing until the end of the transaction."""
    statement = _one(viewer, conversation_id).with_for_update()
    return await _get(session, statement.execution_options(populate_existing=True))


def _one(viewer: Viewer, conversation_id: UUID) -> Select[Any]:
    return select(Conversation).where(col(Conversation.id) == conversation_id, visible(viewer))


async def _get(session: AsyncSession, statement: Select[Any]) -> Conversation:
    conversation: Conversation | None = (await session.execute(statement)).scalar_one_or_none()
    if conversation is None:
        raise NotFound()
    return conversation


async def get_message(session: AsyncSession, viewer: Viewer, message_id: UUID) -> Message:
    return await the_one(
        session,
        select(Message)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Message.id) == message_id, visible(viewer)),
    )


async def conversations(
    session: AsyncSession,
    viewer: Viewer,
    view: View | None = None,
    state: ConversationState | None = None,
    team_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.PAGE,
) -> Page[Row[Any]]:
    """Rows as the list shows them, newest first; those who wait, longest first."""
    waiting = view is View.WAITING
    at = col(Conversation.waiting_since) if waiting else col(Conversation.last_message_at)
    rows: list[Row[Any]] = []
    # One state at a time: each stands in its index in this order, both together would have to be sorted.
    for each in [state] if view or state else list(ConversationState):
        statement = _listed(viewer).where(*_chosen(viewer, view, each, team_id))
        statement = paging.keyset(statement, at, col(Conversation.id), cursor, newest_first=not waiting)
        rows += (await session.execute(statement.limit(limit + 1))).all()
    if not waiting:
        rows.sort(key=lambda row: (row.last_message_at, row.id), reverse=True)
    return paging.page(rows[: limit + 1], limit, "waiting_since" if waiting else "last_message_at")


async def row(session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> Row[Any]:
    """One conversation as the list shows it."""
    found = await session.execute(_listed(viewer).where(col(Conversation.id) == conversation_id, visible(viewer)))
    conversation: Row[Any] | None = found.one_or_none()
    if conversation is None:
        raise NotFound()
    return conversation


def _listed(viewer: Viewer) -> Select[Any]:
    mine = and_(col(Reading.conversation_id) == col(Conversation.id), col(Reading.person_id) == viewer.person_id)
    shown: list[Any] = [
        col(Conversation.id),
        col(Conversation.version),
        col(Conversation.kind),
        col(Conversation.state),
        col(Conversation.contact_handle),
        col(Conversation.contact_name),
        col(Conversation.account_id),
        col(Account.handle).label("account_handle"),
        col(Account.name).label("account_name"),
        col(Account.platform),
        col(Conversation.team_id),
        col(Conversation.post_id),
        col(Conversation.assigned_to_id),
        col(Person.name).label("assigned_to"),
        col(Conversation.last_message_at),
        col(Conversation.last_words),
        col(Conversation.last_from_us),
        col(Conversation.waiting_since),
        _unread().label("unread"),
    ]
    return (
        select(*shown)
        .select_from(Conversation)
        .join(Account, col(Account.id) == col(Conversation.account_id))
        .outerjoin(Person, col(Person.id) == col(Conversation.assigned_to_id))
        .outerjoin(Reading, mine)
    )


def _unread() -> ColumnElement[bool]:
    """What was said before the account was connected is history: nobody has to catch up on it."""
    since = func.coalesce(col(Reading.read_to), col(Account.created_at))
    return col(Conversation.last_message_at) > since


def _chosen(
    viewer: Viewer, view: View | None, state: ConversationState | None, team_id: UUID | None
) -> list[ColumnElement[bool]]:
    conditions = [visible(viewer)]
    if view is not None:
        state = ConversationState.CLOSED if view is View.CLOSED else ConversationState.OPEN
    if state is not None:
        conditions.append(col(Conversation.state) == state)
    if team_id is not None:
        conditions.append(col(Conversation.team_id) == team_id)
    if view is View.MINE:
        conditions.append(col(Conversation.assigned_to_id) == viewer.person_id)
    if view is View.UNASSIGNED:
        conditions.append(col(Conversation.assigned_to_id).is_(None))
    if view is View.WAITING:
        conditions.append(col(Conversation.waiting_since).is_not(None))
    return conditions


async def counts(session: AsyncSession, viewer: Viewer, team_id: UUID | None = None) -> Counts:
    """One look over what is open, newest first, and no further than is shown."""
    mine = and_(col(Reading.conversation_id) == col(Conversation.id), col(Reading.person_id) == viewer.person_id)
    newest = (
        select(
            (col(Conversation.assigned_to_id) == viewer.person_id).label("mine"),
            col(Conversation.assigned_to_id).is_(None).label("unassigned"),
            col(Conversation.waiting_since).label("waiting_since"),
            _unread().label("unread"),
        )
        .join(Account, col(Account.id) == col(Conversation.account_id))
        .outerjoin(Reading, mine)
        .where(*_chosen(viewer, View.TEAM, None, team_id))
        .order_by(col(Conversation.last_message_at).desc(), col(Conversation.id).desc())
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    row = (
        await session.execute(
            select(
                func.count().filter(newest.c.mine),
                func.count().filter(newest.c.unassigned),
                func.count(),
                func.count(newest.c.waiting_since),
                func.count().filter(newest.c.unread),
                func.min(newest.c.waiting_since),
            ).select_from(newest)
        )
    ).one()
    mine_too, unassigned, team, waiting, unread = (min(number, MOST_COUNTED) for number in row[:5])
    return Counts(mine_too, unassigned, team, waiting, unread, row[5], row[2] > MOST_COUNTED)


async def new_since(
    session: AsyncSession, viewer: Viewer, at: datetime, view: View | None = None, team_id: UUID | None = None
) -> int:
    """How many conversations somebody else has written in since then: they announce themselves and wait."""
    news = (
        select(col(Conversation.id))
        .where(
            *_chosen(viewer, view, None, team_id),
            col(Conversation.last_message_at) > at,
            col(Conversation.last_from_us).is_(False),
        )
        .limit(MOST_COUNTED)
        .subquery()
    )
    return (await session.execute(select(func.count()).select_from(news))).scalar_one()


async def may_answer(session: AsyncSession, conversation: Conversation) -> list[tuple[UUID, str]]:
    """To whom it can be given: people whose role lets them answer there, by name."""
    roles = [role for role, actions in access.ALLOWED.items() if Action.REPLY in actions]
    rows = await session.execute(
        select(col(Person.id), col(Person.name))
        .join(Membership, col(Membership.person_id) == col(Person.id))
        .where(
            col(Person.force_id) == conversation.force_id,
            col(Person.active),
            col(Membership.role).in_(roles),
            or_(col(Membership.team_id).is_(None), col(Membership.team_id) == conversation.team_id),
        )
        .distinct()
        .order_by(col(Person.name), col(Person.id))
    )
    return [(row[0], row[1]) for row in rows]


async def to_answer(session: AsyncSession, conversation: Conversation) -> Message | None:
    """What a reply answers: the last thing that they said and did not take back."""
    rows = await session.execute(
        select(Message)
        .where(
            col(Message.conversation_id) == conversation.id,
            col(Message.from_us).is_(False),
            col(Message.deleted_at).is_(None),
            col(Message.remote_id).is_not(None),
        )
        .order_by(col(Message.sort_at).desc(), col(Message.id).desc())
        .limit(1)
    )
    return rows.scalar_one_or_none()


async def thread(session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> Thread:
    """Everything that the page of one conversation shows."""
    conversation = await get_conversation(session, viewer, conversation_id)
    found = await thread_of(session, viewer, conversation, await to_answer(session, conversation))
    return replace(found, messages=await with_standing(session, found.account, found.messages))


async def one_message(session: AsyncSession, message: Message) -> ThreadMessage:
    """As its thread shows it. The caller has passed the gate to it."""
    account = await session.get_one(Account, message.account_id)
    return (await with_standing(session, account, [await shown(session, message)]))[0]
