"""One conversation as its page shows it: our post on top, what was said, what we noted, what became of our replies."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.inbox.addressing import prefix
from api.models import (
    Account,
    Conversation,
    ConversationKind,
    Delivery,
    DeliveryState,
    Message,
    MessageVersion,
    Note,
    Person,
    Viewer,
)
from api.outbox.errands import NOT_LIKED, Liked
from api.platforms.values import Visibility

WORDS = {
    DeliveryState.QUEUED: "Waiting to go out",
    DeliveryState.CLAIMED: "Going out now",
    DeliveryState.SENDING: "Going out now",
    DeliveryState.SENT: "Sent",
    DeliveryState.REFUSED: "Not sent",
    DeliveryState.UNKNOWN: "Checking whether it went out",
    DeliveryState.NEEDS_PERSON: "Perhaps sent: look at the account",
    DeliveryState.HELD: "Held back",
    DeliveryState.MISSED: "Not sent: it was too late",
    DeliveryState.CANCELLED: "Cancelled",
}
AGAIN = frozenset({DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.NEEDS_PERSON})


@dataclass(frozen=True, slots=True)
class ThreadDelivery:
    """What became of a reply, in words. Only `sent` means that it is out."""

    id: UUID
    state: DeliveryState
    words: str
    why: str | None
    may_retry: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody else said in public, which this message answers; it stands in a conversation of its own."""

    conversation_id: UUID
    author_name: str
    text: str


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """`text` is empty when its sender deleted it. `before` is what it said before it was edited, oldest first."""

    id: UUID
    from_us: bool
    person: str | None
    author_handle: str
    author_name: str
    text: str
    visibility: Visibility
    sort_at: datetime
    occurred_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    url: str
    attachments: list[Any]
    before: list[str]
    delivery: ThreadDelivery | None
    remote_id: str | None = None
    answers: Answered | None = None
    version: int = 1
    liked: Liked = NOT_LIKED
    may_like: bool = False
    may_change: bool = False
    may_take_down: bool = False
    doing: str = ""
    """Of ours: what was asked of the platform about it, as long as it is not done."""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ThreadNote:
    id: UUID
    person: str | None
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ThreadPost:
    """What it all stands under, as it went out."""

    id: UUID | None
    text: str
    at: datetime | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Thread:
    conversation: Conversation
    account: Account
    messages: list[ThreadMessage]
    notes: list[ThreadNote]
    post: ThreadPost | None
    assigned_to: str | None
    may_reply: bool
    may_note: bool
    may_see_deleted: bool
    answers_visibility: Visibility | None
    """Who will see a reply; None when there is nothing left to answer."""
    prefix: str
    """A reply is given this where it lacks it; it counts."""
    limit: int


async def thread_of(
    session: AsyncSession, viewer: Viewer, conversation: Conversation, answered: Message | None
) -> Thread:
    """The caller has passed the gate to the conversation."""
    team = conversation.team_id
    account = await session.get_one(Account, conversation.account_id)
    messages = await _messages(session, conversation.id)
    notes = await _notes(session, conversation.id) if _sees_notes(viewer, team) else []
    people = {message.person_id for message in messages} | {note.person_id for note in notes}
    names = await _names(session, (people | {conversation.assigned_to_id}) - {None})
    before = await _before(session, [message.id for message in messages if message.version > 1])
    deliveries = await _deliveries(session, [message.id for message in messages if message.from_us])
    answered_ones = await _answered(session, conversation, messages)
    return Thread(
        conversation=conversation,
        account=account,
        messages=[
            _shown(
                message,
                names,
                before.get(message.id, []),
                deliveries.get(message.id),
                answered_ones.get(message.in_reply_to),
            )
            for message in messages
        ],
        notes=[ThreadNote(note.id, names.get(note.person_id), note.text, note.created_at) for note in notes],
        post=await _post(session, conversation),
        assigned_to=names.get(conversation.assigned_to_id),
        may_reply=access.may(viewer, Action.REPLY, team),
        may_note=access.may(viewer, Action.NOTE, team),
        may_see_deleted=access.may(viewer, Action.SEE_DELETED, team),
        answers_visibility=answered.visibility if answered else None,
        prefix=prefix(account, conversation),
        limit=accounts.limits_of(account).max_length,
    )


def _sees_notes(viewer: Viewer, team_id: UUID | None) -> bool:
    """Notes hold what was said in private too: for those who may read that."""
    return access.may(viewer, Action.NOTE, team_id) or access.may(viewer, Action.SEE_DIRECT, team_id)


def _shown(
    message: Message,
    names: dict[UUID | None, str],
    before: list[str],
    delivery: ThreadDelivery | None,
    answers: Answered | None = None,
) -> ThreadMessage:
    gone = message.deleted_at is not None
    return ThreadMessage(
        id=message.id,
        from_us=message.from_us,
        person=names.get(message.person_id),
        author_handle=message.author_handle,
        author_name=message.author_name,
        text="" if gone else message.text,
        visibility=message.visibility,
        sort_at=message.sort_at,
        occurred_at=message.occurred_at,
        edited_at=message.edited_at,
        deleted_at=message.deleted_at,
        url="" if gone else message.url,
        attachments=[] if gone else list(message.attachments),
        # Who takes a message back takes back what it said before, too.
        before=[] if gone else before,
        delivery=delivery,
        remote_id=message.remote_id,
        answers=answers,
        version=message.version,
    )


async def shown(session: AsyncSession, message: Message) -> ThreadMessage:
    """One message of ours, as the thread shows it."""
    names = await _names(session, {message.person_id} - {None})
    return _shown(message, names, [], (await _deliveries(session, [message.id])).get(message.id))


async def _messages(session: AsyncSession, conversation_id: UUID) -> list[Message]:
    rows = await session.execute(
        select(Message)
        .where(col(Message.conversation_id) == conversation_id)
        .order_by(col(Message.sort_at), col(Message.id))
    )
    return list(rows.scalars())


async def _answered(
    session: AsyncSession, conversation: Conversation, messages: Collection[Message]
) -> dict[str | None, Answered]:
    """Public words only, whoever asks: a reply between residents makes no sense without them."""
    here = {message.remote_id for message in messages}
    elsewhere = {message.in_reply_to for message in messages} - here - {None}
    if conversation.kind is ConversationKind.DIRECT or not elsewhere:
        return {}
    rows = await session.execute(
        select(col(Message.remote_id), col(Message.conversation_id), col(Message.author_name), col(Message.text))
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(
            col(Message.account_id) == conversation.account_id,
            col(Message.remote_id).in_(elsewhere),
            col(Message.deleted_at).is_(None),
            col(Message.visibility).in_((Visibility.PUBLIC, Visibility.UNLISTED)),
            col(Conversation.kind) == ConversationKind.PUBLIC,
        )
    )
    return {row[0]: Answered(row[1], row[2], row[3]) for row in rows}


async def _notes(session: AsyncSession, conversation_id: UUID) -> list[Note]:
    rows = await session.execute(
        select(Note).where(col(Note.conversation_id) == conversation_id).order_by(col(Note.created_at), col(Note.id))
    )
    return list(rows.scalars())


async def _names(session: AsyncSession, ids: Collection[UUID | None]) -> dict[UUID | None, str]:
    rows = await session.execute(select(col(Person.id), col(Person.name)).where(col(Person.id).in_(ids)))
    return {row[0]: row[1] for row in rows}


async def _before(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    rows = await session.execute(
        select(MessageVersion).where(col(MessageVersion.message_id).in_(ids)).order_by(col(MessageVersion.version))
    )
    for version in rows.scalars():
        found.setdefault(version.message_id, []).append(version.text)
    return found


async def _deliveries(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, ThreadDelivery]:
    rows = await session.execute(select(Delivery).where(col(Delivery.message_id).in_(ids)))
    return {
        delivery.message_id: ThreadDelivery(
            delivery.id, delivery.state, WORDS[delivery.state], delivery.error, delivery.state in AGAIN
        )
        for delivery in rows.scalars()
        if delivery.message_id
    }


async def _post(session: AsyncSession, conversation: Conversation) -> ThreadPost | None:
    if conversation.kind is ConversationKind.DIRECT:
        return None
    rows = await session.execute(
        select(Delivery).where(
            col(Delivery.account_id) == conversation.account_id,
            col(Delivery.remote_id) == conversation.root_remote_id,
            col(Delivery.post_id).is_not(None),
        )
    )
    delivery = rows.scalar_one_or_none()
    return ThreadPost(delivery.post_id, delivery.text, delivery.sent_at, delivery.url) if delivery else None
