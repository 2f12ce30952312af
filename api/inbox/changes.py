"""What people do with a conversation: give it to somebody, close it, note something, read it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Invalid, Stale
from api.core.ids import new_id
from api.inbox import queries, threads
from api.inbox.receive import keep_until, reopen_held
from api.models import Conversation, ConversationState, MessageVersion, Note, Reading, Viewer


def same_version(conversation: Conversation, version: int | None) -> None:
    if version is not None and conversation.version != version:
        raise Stale()


async def assign(
    session: AsyncSession, viewer: Viewer, conversation_id: UUID, person_id: UUID | None, version: int | None = None
) -> Conversation:
    """Only to somebody who may answer there; to nobody puts it back."""
    conversation = await _to_change(session, viewer, conversation_id, version)
    if person_id is not None and person_id not in dict(await queries.may_answer(session, conversation)):
        raise Invalid("That person cannot answer here. Choose somebody whose role in this team allows it.", "person_id")
    if conversation.assigned_to_id != person_id:
        conversation.assigned_to_id = person_id
        threads.changed(conversation)
        audit.record(session, viewer, "conversations.assign", "conversation", conversation.id, to=person_id)
    return conversation


async def close(
    session: AsyncSession, viewer: Viewer, conversation_id: UUID, version: int | None = None
) -> Conversation:
    conversation = await _to_change(session, viewer, conversation_id, version)
    close_held(session, viewer, conversation)
    return conversation


def close_held(session: AsyncSession, viewer: Viewer, conversation: Conversation) -> None:
    """Closing what is closed changes nothing."""
    if conversation.state is ConversationState.OPEN:
        conversation.state = ConversationState.CLOSED
        conversation.closed_at, conversation.closed_by_id = now(), viewer.person_id
        threads.changed(conversation)
        audit.record(session, viewer, "conversations.close", "conversation", conversation.id)


async def reopen(
    session: AsyncSession, viewer: Viewer, conversation_id: UUID, version: int | None = None
) -> Conversation:
    conversation = await _to_change(session, viewer, conversation_id, version)
    reopen_held(session, conversation, viewer)
    return conversation


async def _to_change(session: AsyncSession, viewer: Viewer, conversation_id: UUID, version: int | None) -> Conversation:
    conversation = await queries.held_conversation(session, viewer, conversation_id)
    access.require(viewer, Action.REPLY, conversation.team_id)
    same_version(conversation, version)
    return conversation


async def add_note(session: AsyncSession, viewer: Viewer, conversation_id: UUID, text: str) -> Note:
    """Stays inside: a table of its own that nothing on the way out reads."""
    conversation = await queries.get_conversation(session, viewer, conversation_id)
    access.require(viewer, Action.NOTE, conversation.team_id)
    if not text.strip():
        raise Invalid("Write something to note.", "text")
    note = Note(
        conversation_id=conversation.id,
        person_id=viewer.person_id,
        text=text.strip(),
        keep_until=await keep_until(session, conversation.force_id, now()),
    )
    session.add(note)
    await session.flush()
    audit.record(session, viewer, Action.NOTE, "conversation", conversation.id, note=note.id)
    return note


async def mark_read(session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> Conversation:
    conversation = await queries.get_conversation(session, viewer, conversation_id)
    await note_read(session, viewer, conversation)
    return conversation


async def note_read(session: AsyncSession, viewer: Viewer, conversation: Conversation) -> None:
    """Two tabs of one person may do this at once; what was read further stays read."""
    read_to: datetime = conversation.last_message_at
    make = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = make(Reading).values(
        id=new_id(),
        created_at=now(),
        person_id=viewer.person_id,
        conversation_id=conversation.id,
        read_to=read_to,
    )
    later = case((col(Reading.read_to) > read_to, col(Reading.read_to)), else_=read_to)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["person_id", "conversation_id"], set_={"read_to": later})
    )


async def deleted_words(session: AsyncSession, viewer: Viewer, message_id: UUID, reason: str) -> list[MessageVersion]:
    """What a sender took back, for the records role: with a reason, which the audit keeps."""
    message = await queries.get_message(session, viewer, message_id)
    conversation = await queries.get_conversation(session, viewer, message.conversation_id)
    access.require(viewer, Action.SEE_DELETED, conversation.team_id)
    if len(reason.strip()) < 5:
        raise Invalid("Write down why you need to see it, in a few words at least.", "reason")
    audit.record(session, viewer, Action.SEE_DELETED, "message", message.id, reason=reason.strip())
    rows = await session.execute(
        select(MessageVersion).where(col(MessageVersion.message_id) == message.id).order_by(col(MessageVersion.version))
    )
    return list(rows.scalars())
