"""Taking in what was read. Seeing the same message twice changes nothing; order does not matter."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.clock import now
from api.inbox import threads
from api.inbox.placing import Known, Place, Seen, place
from api.models import (
    Account,
    Conversation,
    ConversationKind,
    ConversationState,
    Delivery,
    Force,
    Message,
    MessageVersion,
    Viewer,
)
from api.platforms.values import Contact, Incoming


async def receive(session: AsyncSession, account: Account, seen: Sequence[Seen]) -> list[Message]:
    """The messages that are new, ours from elsewhere among them. Edits become versions."""
    await threads.one_at_a_time(session, account.id)
    keep = timedelta(days=await _keep_days(session, account.force_id))
    fresh: dict[str, Seen] = {}
    for one in seen:
        if sort_at(one) + keep > now():
            fresh.setdefault(one.incoming.remote_id, one)
    known = await _known(session, account, fresh)
    new = {remote_id: one for remote_id, one in fresh.items() if remote_id not in known.messages}
    made, touched = await _take_in(session, account, new, known, keep)
    messages = dict(known.messages) | {message.remote_id or "": message for message in made}
    for one in seen:
        message = messages.get(one.incoming.remote_id)
        if message is not None and _edit(session, message, one.incoming):
            touched.add(message.conversation_id)
            await _reopen(session, message)
    await threads.refresh(session, touched)
    return made


async def hang_under_posts(session: AsyncSession, account_id: UUID) -> list[Message]:
    """What came before its post was marked as sent is put under it. Returns what people said there."""
    rows = await session.execute(
        select(Conversation, col(Delivery.post_id))
        .join(
            Delivery,
            (col(Delivery.account_id) == account_id) & (col(Delivery.remote_id) == col(Conversation.root_remote_id)),
        )
        .where(
            col(Conversation.account_id) == account_id,
            col(Conversation.post_id).is_(None),
            col(Conversation.kind) == ConversationKind.PUBLIC,
            col(Conversation.created_at) > now() - timedelta(days=1),
            col(Delivery.post_id).is_not(None),
        )
    )
    found = rows.tuples().all()
    for conversation, post_id in found:
        conversation.post_id = post_id
        threads.changed(conversation)
    said = await session.execute(
        select(Message).where(
            col(Message.conversation_id).in_([conversation.id for conversation, _ in found]),
            col(Message.from_us).is_(False),
        )
    )
    return list(said.scalars())


async def take_back(session: AsyncSession, account_id: UUID, remote_ids: Collection[str]) -> int:
    """Their senders deleted them: the words are put where only the records role can reach them."""
    if not remote_ids:
        return 0
    await threads.one_at_a_time(session, account_id)
    rows = await session.execute(
        select(Message).where(
            col(Message.account_id) == account_id,
            col(Message.remote_id).in_(remote_ids),
            col(Message.deleted_at).is_(None),
        )
    )
    messages = rows.scalars().all()
    for message in messages:
        keep_version(session, message, now(), deleted=True)
        message.text, message.deleted_at = "", now()
    await threads.refresh(session, {message.conversation_id for message in messages})
    return len(messages)


def sort_at(seen: Seen) -> datetime:
    """A sender's clock may be wrong: nothing was written after it came."""
    return min(seen.incoming.occurred_at, seen.received_at)


async def keep_until(session: AsyncSession, force_id: UUID, at: datetime) -> datetime:
    """Nothing is kept without an end."""
    return at + timedelta(days=await _keep_days(session, force_id))


async def _keep_days(session: AsyncSession, force_id: UUID) -> int:
    rows = await session.execute(select(col(Force.keep_days)).where(col(Force.id) == force_id))
    return rows.scalar_one()


async def _known(session: AsyncSession, account: Account, batch: dict[str, Seen]) -> Known:
    ids = set(batch) | {one.incoming.in_reply_to for one in batch.values() if one.incoming.in_reply_to}
    deliveries = await deliveries_by_remote(session, account.id, ids)
    rows = await session.execute(
        select(Message, Conversation)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Message.account_id) == account.id, col(Message.remote_id).in_(ids))
    )
    messages, conversations = {}, {}
    for message, conversation in rows.tuples():
        messages[message.remote_id or ""] = message
        conversations[message.remote_id or ""] = conversation
    return Known(messages, conversations, deliveries, batch)


async def deliveries_by_remote(
    session: AsyncSession, account_id: UUID, remote_ids: Collection[str]
) -> dict[str, Delivery]:
    rows = await session.execute(
        select(Delivery).where(col(Delivery.account_id) == account_id, col(Delivery.remote_id).in_(remote_ids))
    )
    return {delivery.remote_id or "": delivery for delivery in rows.scalars()}


async def _take_in(
    session: AsyncSession, account: Account, new: dict[str, Seen], known: Known, keep: timedelta
) -> tuple[list[Message], set[UUID]]:
    places: dict[str, Place] = {}
    for remote_id, one in new.items():
        # What we sent from here has its row already, or gets its remote id when its delivery is settled.
        if remote_id in known.deliveries:
            continue
        where = place(one, known, account.handle)
        if where is not None:
            places[remote_id] = where
    conversations = await _conversations(session, account, places, new)
    made, touched = [], set()
    for remote_id in sorted(places, key=lambda key: (sort_at(new[key]), key)):
        conversation = conversations[places[remote_id].key]
        message = _message(account, conversation, new[remote_id], keep)
        session.add(message)
        made.append(message)
        touched.add(conversation.id)
        if not message.from_us:
            _meet(conversation, new[remote_id].incoming.author)
            if not message.backfilled:
                reopen_held(session, conversation)
    await session.flush()
    for remote_id, where in places.items():
        if where.kind is ConversationKind.PUBLIC and where.root != remote_id:
            touched |= await threads.move_under(session, account.id, remote_id, where.root)
    return made, touched


async def _conversations(
    session: AsyncSession, account: Account, places: dict[str, Place], new: dict[str, Seen]
) -> dict[str, Conversation]:
    """Those that are there, by key, and new ones for whom there is none."""
    keys = {where.key for where in places.values()} | {where.provisional_key for where in places.values()}
    rows = await session.execute(
        select(Conversation)
        .where(col(Conversation.account_id) == account.id, col(Conversation.thread_key).in_(keys))
        .order_by(col(Conversation.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    there = {conversation.thread_key: conversation for conversation in rows.scalars()}
    posts = await deliveries_by_remote(session, account.id, {where.root for where in places.values()})
    for remote_id in sorted(places, key=lambda key: (sort_at(new[key]), key)):
        where = places[remote_id]
        if where.key in there:
            continue
        provisional = there.get(where.provisional_key)
        if provisional is not None and provisional.thread_key == where.provisional_key:
            # It stays under its old key as well: another message of this batch may know the contact by handle only.
            provisional.thread_key, provisional.contact_remote_id = where.key, where.contact.remote_id
            there[where.key] = provisional
            continue
        post = posts.get(where.root)
        there[where.key] = _conversation(account, where, sort_at(new[remote_id]), post.post_id if post else None)
        session.add(there[where.key])
    await session.flush()
    return there


def _conversation(account: Account, where: Place, at: datetime, post_id: UUID | None) -> Conversation:
    return Conversation(
        force_id=account.force_id,
        team_id=account.team_id,
        account_id=account.id,
        thread_key=where.key,
        root_remote_id=where.root,
        kind=where.kind,
        contact_remote_id=where.contact.remote_id,
        contact_handle=where.contact.handle,
        contact_name=where.contact.name,
        post_id=post_id,
        last_message_at=at,
    )


def _message(account: Account, conversation: Conversation, seen: Seen, keep: timedelta) -> Message:
    incoming = seen.incoming
    return Message(
        force_id=account.force_id,
        account_id=account.id,
        conversation_id=conversation.id,
        remote_id=incoming.remote_id,
        from_us=incoming.ours,
        author_remote_id=incoming.author.remote_id,
        author_handle=incoming.author.handle,
        author_name=incoming.author.name,
        text=incoming.text,
        visibility=incoming.visibility,
        in_reply_to=incoming.in_reply_to,
        url=incoming.url,
        attachments=_attachments(incoming),
        occurred_at=incoming.occurred_at,
        received_at=seen.received_at,
        sort_at=sort_at(seen),
        edited_at=incoming.edited_at,
        backfilled=seen.backfilled,
        keep_until=sort_at(seen) + keep,
    )


def _attachments(incoming: Incoming) -> list[dict[str, str]]:
    return [{"kind": one.kind, "url": one.url, "alt": one.alt} for one in incoming.attachments]


def _meet(conversation: Conversation, author: Contact) -> None:
    """People change their names; answers must name them as they are called now."""
    if (conversation.contact_handle, conversation.contact_name) != (author.handle, author.name):
        conversation.contact_handle, conversation.contact_name = author.handle, author.name
        threads.changed(conversation)


def reopen_held(session: AsyncSession, conversation: Conversation, viewer: Viewer | None = None) -> None:
    """Viewer None: because of what arrived. Opening what is open changes nothing."""
    if conversation.state is ConversationState.CLOSED:
        conversation.state = ConversationState.OPEN
        conversation.closed_at = conversation.closed_by_id = None
        threads.changed(conversation)
        audit.record(session, viewer, "conversations.reopen", "conversation", conversation.id, conversation.force_id)


async def _reopen(session: AsyncSession, message: Message) -> None:
    """New words of theirs may say something else, in a conversation that was thought finished."""
    if not message.from_us:
        for conversation in await threads.held(session, {message.conversation_id}):
            reopen_held(session, conversation)


def _edit(session: AsyncSession, message: Message, incoming: Incoming) -> bool:
    """Whether these are newer words. What comes late from before an edit is not."""
    if message.deleted_at or incoming.edited_at is None or (incoming.ours and message.person_id):
        return False
    if message.edited_at is not None and incoming.edited_at <= message.edited_at:
        return False
    same = (message.text, message.attachments) == (incoming.text, _attachments(incoming))
    if not same:
        keep_version(session, message, incoming.edited_at)
        message.text, message.attachments = incoming.text, _attachments(incoming)
    message.edited_at = incoming.edited_at
    return not same


def keep_version(session: AsyncSession, message: Message, at: datetime, *, deleted: bool = False) -> None:
    session.add(
        MessageVersion(
            message_id=message.id, version=message.version, text=message.text, replaced_at=at, deleted=deleted
        )
    )
    message.version += 1
