"""Answering somebody: through the one way out, as visible as what is answered, and shown as what it is."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict
from api.core.ids import new_id
from api.inbox import queries, threads
from api.inbox.addressing import addressed
from api.inbox.changes import close_held, note_read, same_version
from api.inbox.receive import keep_until
from api.models import Account, Conversation, Delivery, DeliveryState, Message, Viewer
from api.outbox import service as outbox


async def reply(
    session: AsyncSession,
    viewer: Viewer,
    conversation_id: UUID,
    text: str,
    *,
    close: bool = False,
    version: int | None = None,
) -> Message:
    """A reply keeps the visibility of what it answers: who could not see the question does not see the answer."""
    conversation = await queries.held_conversation(session, viewer, conversation_id)
    access.require(viewer, Action.REPLY, conversation.team_id)
    same_version(conversation, version)
    account = await session.get_one(Account, conversation.account_id)
    await accounts.require_writable(session, viewer, account)
    answered = await queries.to_answer(session, conversation)
    if answered is None:
        raise Conflict("There is nothing left to answer here: what they wrote was deleted by its sender.")
    words = addressed(account, conversation, answered.visibility, text)
    message = await _write(session, viewer, account, conversation, answered, words)
    await outbox.queue(
        session,
        viewer,
        account,
        words,
        message.occurred_at,
        visibility=message.visibility,
        in_reply_to=message.in_reply_to,
        message_id=message.id,
        team_id=conversation.team_id,
    )
    await threads.refresh(session, {conversation.id})
    await note_read(session, viewer, conversation)
    audit.record(session, viewer, Action.REPLY, "conversation", conversation.id, message=message.id)
    if close:
        close_held(session, viewer, conversation)
    return message


async def _write(
    session: AsyncSession,
    viewer: Viewer,
    account: Account,
    conversation: Conversation,
    answered: Message,
    words: str,
) -> Message:
    at = now()
    message = Message(
        id=new_id(),
        force_id=conversation.force_id,
        account_id=account.id,
        conversation_id=conversation.id,
        from_us=True,
        person_id=viewer.person_id,
        author_remote_id=account.remote_id,
        author_handle=account.handle,
        author_name=account.name,
        text=words,
        visibility=answered.visibility,
        in_reply_to=answered.remote_id,
        occurred_at=at,
        received_at=at,
        sort_at=at,
        keep_until=await keep_until(session, conversation.force_id, at),
    )
    session.add(message)
    await session.flush()
    return message


async def settle(session: AsyncSession, message_ids: Collection[UUID]) -> None:
    """What became of their deliveries is put on the replies. Polling may have seen one before we knew."""
    rows = await session.execute(
        select(Message, Delivery)
        .join(Delivery, col(Delivery.message_id) == col(Message.id))
        .where(col(Message.id).in_(message_ids))
        .order_by(col(Message.account_id), col(Message.id))
        .execution_options(populate_existing=True)
    )
    touched = set()
    for message, delivery in rows.tuples().all():
        if delivery.state is DeliveryState.SENT and delivery.remote_id and message.remote_id is None:
            await threads.one_at_a_time(session, message.account_id)
            touched |= await _take_over(session, message, delivery.remote_id)
            message.remote_id, message.url = delivery.remote_id, delivery.url or ""
        touched.add(message.conversation_id)
        await session.flush()
    await threads.refresh(session, touched)


async def _take_over(session: AsyncSession, message: Message, remote_id: str) -> set[UUID]:
    """The copy that polling brought in goes; its conversation is one to look at again."""
    rows = await session.execute(
        delete(Message)
        .where(
            col(Message.account_id) == message.account_id,
            col(Message.remote_id) == remote_id,
            col(Message.id) != message.id,
        )
        .returning(col(Message.conversation_id))
    )
    return set(rows.scalars())
