"""What else a thread says of its messages: liked or not, being changed or taken down, and what can be asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.inbox.thread import ThreadMessage
from api.models import Account, DeliveryState, Errand, ErrandKind, ErrandState
from api.outbox import errands
from api.outbox.errands import NOT_LIKED, Liked
from api.platforms.facts import FACTS
from api.platforms.values import Visibility


@dataclass(frozen=True, slots=True)
class Said:
    """The errands about the messages of one thread."""

    liked: dict[UUID, Liked]
    edits: dict[UUID, Errand]
    withdrawals: dict[UUID, Errand]


async def with_standing(
    session: AsyncSession, account: Account, messages: Sequence[ThreadMessage]
) -> list[ThreadMessage]:
    """The caller has passed the gate to the conversation."""
    ours = [each.delivery.id for each in messages if each.delivery]
    said = Said(
        await errands.likes(session, [each.id for each in messages if not each.from_us]),
        await errands.latest(session, ours, [ErrandKind.EDIT]),
        await errands.latest(session, ours, [ErrandKind.WITHDRAW]),
    )
    return [_told(account, each, said) for each in messages]


def _told(account: Account, message: ThreadMessage, said: Said) -> ThreadMessage:
    if message.deleted_at is not None:
        return message
    if not message.from_us:
        final = FACTS[account.platform].direct_is_final and message.visibility is Visibility.DIRECT
        liked = said.liked.get(message.id, NOT_LIKED)
        return replace(message, liked=liked, may_like=message.remote_id is not None and not final)
    if message.delivery is None:
        return message
    going = said.withdrawals.get(message.delivery.id)
    asked = going if going is not None else said.edits.get(message.delivery.id)
    doing, trouble = _doing(asked, FACTS[account.platform].label)
    out = message.delivery.state is DeliveryState.SENT
    leaving = going is not None and going.state is ErrandState.ASKED
    return replace(
        message,
        doing=doing,
        trouble=trouble,
        may_change=out and not leaving and errands.can_change(account.platform, message.visibility),
        may_take_down=(out and not leaving and errands.can_take_down(account.platform, message.visibility))
        or message.delivery.state is DeliveryState.QUEUED,
    )


def _doing(errand: Errand | None, label: str) -> tuple[str, str]:
    """What is under way, and what went wrong; nothing once it is done."""
    if errand is None or errand.state is ErrandState.DONE:
        return "", ""
    what = "taken down" if errand.kind is ErrandKind.WITHDRAW else "changed"
    if errand.state is ErrandState.ASKED:
        return f"Asked to be {what}. {label} has not answered yet.", ""
    return "", f"Not {what}: {errand.error or ''}"
