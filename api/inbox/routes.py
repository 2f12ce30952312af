"""Conversations over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    IfMatch,
    LimitParam,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
)
from api.inbox import queries, service
from api.inbox.queries import View
from api.inbox.schemas import (
    AssignIn,
    ConversationOut,
    DeletedWordsOut,
    EditIn,
    MessageOut,
    NoteIn,
    NoteOut,
    ReasonIn,
    ReplyIn,
    ThreadOut,
    VersionOut,
)
from api.models import ConversationState, Message, Viewer

conversations = api_router("/conversations", "conversations")
messages = api_router("/messages", "conversations")
READ = needs("inbox:read", "inbox:write")
WRITE = needs("inbox:write")


@conversations.get("", summary="Conversations, the last written in first", **READ)
async def list_conversations(
    session: ReadSession,
    viewer: CurrentViewer,
    state: Annotated[ConversationState | None, Query(description="Only those in this state.")] = None,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    view: Annotated[View | None, Query(description="One of the inbox's views; `waiting` is longest first.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[ConversationOut]:
    page = await queries.conversations(session, viewer, view, state, team_id, cursor, limit)
    return PageOut[ConversationOut].of(page, [ConversationOut.of(row) for row in page.items])


@conversations.get("/{conversation_id}", summary="One conversation with all that was said", **READ)
async def show_conversation(
    response: Response, session: ReadSession, viewer: CurrentViewer, conversation_id: UUID
) -> ThreadOut:
    thread = await queries.thread(session, viewer, conversation_id)
    response.headers["ETag"] = thread.conversation.etag
    return ThreadOut.with_thread(await queries.row(session, viewer, conversation_id), thread)


@conversations.post("/{conversation_id}/replies", status_code=201, summary="Answer", **WRITE)
async def reply(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    conversation_id: UUID,
    data: ReplyIn,
    version: IfMatch = None,
    _: IdempotencyKey = None,
) -> MessageOut:
    """It waits to go out: its `delivery` in the conversation tells what becomes of it. With If-Match, 412 when
    somebody wrote meanwhile."""
    message = await service.reply(session, viewer, conversation_id, data.text, close=data.close, version=version)
    conversation = await queries.get_conversation(session, viewer, conversation_id)
    response.headers["ETag"] = conversation.etag
    return MessageOut.model_validate(await queries.one_message(session, message))


@conversations.post("/{conversation_id}/notes", status_code=201, summary="Note something for the team", **WRITE)
async def note(
    session: WriteSession, viewer: CurrentViewer, conversation_id: UUID, data: NoteIn, _: IdempotencyKey = None
) -> NoteOut:
    written = await service.add_note(session, viewer, conversation_id, data.text)
    return NoteOut(id=written.id, person=viewer.name, text=written.text, at=written.created_at)


@conversations.post("/{conversation_id}/assign", summary="Give it to somebody, or put it back", **WRITE)
async def assign(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    conversation_id: UUID,
    data: AssignIn,
    version: IfMatch = None,
    _: IdempotencyKey = None,
) -> ConversationOut:
    """Only to somebody whose role lets them answer there."""
    await service.assign(session, viewer, conversation_id, data.person_id, version)
    return await _listed(response, session, viewer, conversation_id)


@conversations.post("/{conversation_id}/close", summary="Close", **WRITE)
async def close(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    conversation_id: UUID,
    version: IfMatch = None,
    _: IdempotencyKey = None,
) -> ConversationOut:
    """A new message opens it again."""
    await service.close(session, viewer, conversation_id, version)
    return await _listed(response, session, viewer, conversation_id)


@conversations.post("/{conversation_id}/reopen", summary="Open again", **WRITE)
async def reopen(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    conversation_id: UUID,
    version: IfMatch = None,
    _: IdempotencyKey = None,
) -> ConversationOut:
    await service.reopen(session, viewer, conversation_id, version)
    return await _listed(response, session, viewer, conversation_id)


@conversations.post("/{conversation_id}/read", summary="You have read it", **READ)
async def mark_read(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    conversation_id: UUID,
    _: IdempotencyKey = None,
) -> ConversationOut:
    """Unread is for each person on their own."""
    await service.mark_read(session, viewer, conversation_id)
    return await _listed(response, session, viewer, conversation_id)


@messages.post("/{message_id}/deleted-words", summary="What a sender deleted", **needs("inbox:read"))
async def deleted_words(
    request: Request,
    session: WriteSession,
    viewer: CurrentViewer,
    message_id: UUID,
    data: ReasonIn,
    _: IdempotencyKey = None,
) -> DeletedWordsOut:
    """For the records role. The reason is kept in the audit; every look is a look of its own."""
    request.state.no_replay = True
    versions = await service.deleted_words(session, viewer, message_id, data.reason)
    return DeletedWordsOut(items=[VersionOut.of(version) for version in versions])


@messages.patch("/{message_id}", summary="Change a reply of ours that is out", **WRITE)
async def edit_reply(
    session: WriteSession, viewer: CurrentViewer, message_id: UUID, data: EditIn, version: MustMatch
) -> MessageOut:
    """If-Match is the message's `version`. A worker changes it where it stands; `doing` says so until then."""
    message = await service.edit_reply(session, viewer, message_id, data.text, version)
    return await _message(session, message)


@messages.post("/{message_id}/withdraw", summary="Take a reply of ours down", **WRITE)
async def withdraw_reply(
    session: WriteSession, viewer: CurrentViewer, message_id: UUID, data: ReasonIn, _: IdempotencyKey = None
) -> MessageOut:
    """One that waits is stopped; of one that is out the platform is asked to remove it. The reason is kept."""
    return await _message(session, await service.withdraw_reply(session, viewer, message_id, data.reason))


@messages.post("/{message_id}/like", summary="Like what somebody said", **WRITE)
async def like(session: WriteSession, viewer: CurrentViewer, message_id: UUID, _: IdempotencyKey = None) -> MessageOut:
    """As the account that they wrote to."""
    return await _message(session, await service.like(session, viewer, message_id))


@messages.delete("/{message_id}/like", summary="No longer like it", **WRITE)
async def unlike(session: WriteSession, viewer: CurrentViewer, message_id: UUID) -> MessageOut:
    return await _message(session, await service.like(session, viewer, message_id, wanted=False))


async def _message(session: AsyncSession, message: Message) -> MessageOut:
    await session.flush()
    return MessageOut.model_validate(await queries.one_message(session, message))


async def _listed(response: Response, session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> ConversationOut:
    await session.flush()
    row = ConversationOut.of(await queries.row(session, viewer, conversation_id))
    response.headers["ETag"] = row.etag
    return row
