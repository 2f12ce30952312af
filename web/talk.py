"""One conversation as its page draws it: messages and notes in one order, the earlier ones folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.inbox.thread import Answered, Thread, ThreadDelivery, ThreadMessage, ThreadNote, ThreadPost
from api.models import DeliveryState
from web.shown import DELIVERIES

OPEN_TO_READ = 6
"""So many stand open; what is older is one fold away."""
MOVING = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a reply of ours."""

    delivery_id: UUID
    words: str
    tone: str
    icon: str
    why: str
    retry: bool
    unsure: bool


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the thread. `kind` is post, message or note."""

    kind: str
    who: str
    text: str
    at: datetime
    ours: bool = False
    as_account: str = ""
    edited: datetime | None = None
    deleted: datetime | None = None
    pictures: int = 0
    url: str = ""
    before: Sequence[str] = ()
    became: Became | None = None
    answers: Answered | None = None
    records: UUID | None = None
    """The message whose words records may ask for, with a reason."""
    message: ThreadMessage | None = None
    """What can still be done about it: its likes, its changes."""


def items_of(thread: Thread) -> list[Item]:
    said = [_message(message, thread.account.name, thread.may_see_deleted) for message in thread.messages]
    noted = [_note(note) for note in thread.notes]
    first = [_post(thread.post)] if thread.post and thread.post.at else []
    return [*first, *sorted([*said, *noted], key=lambda item: item.at)]


def folded(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """What is one fold away, and what stands open."""
    return items[:-OPEN_TO_READ], items[-OPEN_TO_READ:]


def moving(thread: Thread) -> bool:
    """Something of ours is still on its way: the thread asks again until it is not."""
    return any(
        (one.delivery and one.delivery.state in MOVING) or one.doing or one.liked.asked for one in thread.messages
    )


def _message(message: ThreadMessage, account: str, records: bool) -> Item:
    return Item(
        kind="message",
        who=(message.person or "Written elsewhere")
        if message.from_us
        else message.author_name or message.author_handle,
        text=message.text,
        at=message.sort_at,
        ours=message.from_us,
        as_account=account if message.from_us else "",
        edited=message.edited_at,
        deleted=message.deleted_at,
        pictures=len(message.attachments),
        url=message.url,
        before=message.before,
        became=_became(message.delivery) if message.delivery else None,
        answers=message.answers,
        records=message.id if records and message.deleted_at else None,
        message=message,
    )


def _note(note: ThreadNote) -> Item:
    return Item("note", note.person or "Somebody who left", note.text, note.at)


def _post(post: ThreadPost) -> Item:
    assert post.at is not None
    return Item("post", "Our post", post.text, post.at, ours=True, url=post.url or "")


def _became(delivery: ThreadDelivery) -> Became:
    shown = DELIVERIES[delivery.state]
    return Became(
        delivery.id, delivery.words, shown.tone, shown.icon, delivery.why or "", delivery.may_retry,
        delivery.state is DeliveryState.NEEDS_PERSON,
    )  # fmt: skip
