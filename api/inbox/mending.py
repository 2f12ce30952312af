"""What can still be done about something that was said: our own changed or taken down, theirs liked."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid, Stale
from api.inbox import queries, receive, threads
from api.inbox.addressing import addressed
from api.models import Account, Conversation, Delivery, DeliveryState, ErrandKind, Message, Viewer
from api.outbox import errands
from api.outbox import queries as outbox
from api.outbox import service as sending
from api.outbox.errand_work import Done
from api.platforms.facts import FACTS
from api.platforms.values import Visibility

FINAL = "What was said in private on {label} stays as it was said: it cannot be changed, taken down or liked by us."
ELSEWHERE = "It was not written here. Change it or take it down where it was written."
NOT_OUT = "It is not out, so there is nothing to change there."
NO_CHANGE = "{label} does not let a message be changed. Take it down and write it again."


async def edit_reply(
    session: AsyncSession, viewer: Viewer, message_id: UUID, text: str, version: int | None = None
) -> Message:
    """New words for a reply of ours that is out; it goes on naming whom it answers."""
    message, conversation, account = await _to_mend(session, viewer, message_id)
    if version is not None and version != message.version:
        raise Stale
    await accounts.require_writable(session, viewer, account)
    delivery = await _ours(session, message)
    if delivery.state is not DeliveryState.SENT or message.deleted_at is not None:
        raise Conflict(NOT_OUT)
    if not errands.can_change(account.platform, message.visibility):
        raise Conflict(_no(account, message))
    words = addressed(account, conversation, message.visibility, text)
    await errands.ask_edit(session, viewer, delivery, words, delivery.content_warning)
    message.version += 1
    audit.record(session, viewer, "messages.edit", "conversation", conversation.id, message=message.id)
    return message


async def withdraw_reply(session: AsyncSession, viewer: Viewer, message_id: UUID, reason: str) -> Message:
    """A reply that still waits is stopped; one that is out is asked back. Asking twice changes nothing."""
    message, conversation, account = await _to_mend(session, viewer, message_id)
    if len(reason.strip()) < 5:
        raise Invalid("Write down why it is taken down, in a few words at least.", "reason")
    delivery = await _ours(session, message)
    if delivery.state is DeliveryState.QUEUED:
        await sending.cancel(session, viewer, delivery)
    elif delivery.state is not DeliveryState.SENT:
        raise Conflict(NOT_OUT)
    elif not errands.can_take_down(account.platform, message.visibility):
        raise Conflict(_no(account, message))
    else:
        await errands.ask_withdraw(session, viewer, delivery)
    audit.record(
        session, viewer, "messages.withdraw", "conversation", conversation.id,
        message=message.id, reason=reason.strip(),
    )  # fmt: skip
    return message


async def like(session: AsyncSession, viewer: Viewer, message_id: UUID, *, wanted: bool = True) -> Message:
    """As the account that they wrote to; everybody can see it there. Liking what is liked changes nothing."""
    message, conversation, account = await _to_mend(session, viewer, message_id)
    await accounts.require_writable(session, viewer, account)
    if message.from_us or message.deleted_at is not None or not message.remote_id:
        raise Conflict("Only what somebody else said, and did not take back, can be liked.")
    if not likeable(account, message.visibility):
        raise Conflict(_no(account, message))
    asked = await errands.ask_like(session, viewer, message, conversation.team_id, wanted=wanted)
    if asked is not None:
        action = f"messages.{asked.kind}"
        audit.record(session, viewer, action, "conversation", conversation.id, message=message.id, account=account.id)
    return message


async def mended(session: AsyncSession, done: Done) -> None:
    """What became of it, put on the message: earlier words are kept, as of any message."""
    if done.message_id is None or done.delivery_id is None:
        return
    message = await session.get(Message, done.message_id, populate_existing=True)
    if message is None:
        return
    await threads.one_at_a_time(session, message.account_id)
    if done.kind is ErrandKind.WITHDRAW:
        await receive.take_back(session, message.account_id, [message.remote_id or ""])
    elif done.text is not None and done.text != message.text and message.deleted_at is None:
        at = now()
        receive.keep_version(session, message, at)
        message.text, message.edited_at = done.text, at
    await session.flush()
    await threads.refresh(session, {message.conversation_id})
    audit.record(
        session, None, f"errands.{done.kind}_done", "conversation", message.conversation_id, message.force_id,
        message=message.id,
    )  # fmt: skip


def likeable(account: Account, visibility: Visibility) -> bool:
    return not (FACTS[account.platform].direct_is_final and visibility is Visibility.DIRECT)


async def _to_mend(session: AsyncSession, viewer: Viewer, message_id: UUID) -> tuple[Message, Conversation, Account]:
    """Held until the end of the transaction: of two who change it, the second sees the first."""
    found = await queries.get_message(session, viewer, message_id)
    conversation = await queries.held_conversation(session, viewer, found.conversation_id)
    access.require(viewer, Action.REPLY, conversation.team_id)
    await session.refresh(found)
    return found, conversation, await session.get_one(Account, conversation.account_id)


async def _ours(session: AsyncSession, message: Message) -> Delivery:
    found = await outbox.of_messages(session, [message.id]) if message.from_us else []
    if not found:
        raise Conflict(ELSEWHERE)
    return found[0]


def _no(account: Account, message: Message) -> str:
    facts = FACTS[account.platform]
    final = facts.direct_is_final and message.visibility is Visibility.DIRECT
    return (FINAL if final else NO_CHANGE).format(label=facts.label)
