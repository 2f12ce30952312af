"""Where a message belongs: one person, under one thread, on one account. Pure: what is known is handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.models import Conversation, ConversationKind, Delivery, Message
from api.platforms.values import Contact, Incoming, Visibility


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as it was read, and when and how it came."""

    incoming: Incoming
    received_at: datetime
    root_remote_id: str | None = None
    """Where its thread begins, if whoever fetched it had to find out."""
    backfilled: bool = False
    """History: nobody waits because of it."""


@dataclass(frozen=True, slots=True)
class Place:
    kind: ConversationKind
    root: str
    contact: Contact

    @property
    def key(self) -> str:
        """A handle stands in where no id is known yet: when we wrote first, and from somewhere else."""
        who = self.contact.remote_id or f"@{self.contact.handle.lower()}"
        return f"direct:{who}" if self.kind is ConversationKind.DIRECT else f"{self.root}:{who}"

    @property
    def provisional_key(self) -> str:
        return Place(self.kind, self.root, Contact("", self.contact.handle, "")).key


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an account's threads; ids are remote."""

    messages: Mapping[str, Message] = field(default_factory=dict)
    conversations: Mapping[str, Conversation] = field(default_factory=dict)
    """By the remote id of a message in it."""
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    batch: Mapping[str, Seen] = field(default_factory=dict)
    """What came together with it."""


def place(seen: Seen, known: Known, our_handle: str) -> Place | None:
    """None: not a conversation with anybody, such as a post of ours."""
    incoming = seen.incoming
    direct = incoming.visibility is Visibility.DIRECT
    contact = _whom_we_answer(incoming, known, our_handle) if incoming.ours else incoming.author
    if contact is None or (incoming.ours and incoming.in_reply_to is None and not direct):
        return None
    if direct:
        return Place(ConversationKind.DIRECT, incoming.remote_id, contact)
    return Place(ConversationKind.PUBLIC, root_of(seen, known), contact)


def root_of(seen: Seen, known: Known) -> str:
    """The first message of the thread, as far up as is known."""
    passed: set[str] = set()
    while (parent := seen.incoming.in_reply_to) is not None and parent not in passed:
        conversation = known.conversations.get(parent)
        if conversation is not None and conversation.kind is ConversationKind.PUBLIC:
            return conversation.root_remote_id
        if parent in known.deliveries or parent not in known.batch:
            return parent if parent in known.deliveries else seen.root_remote_id or parent
        passed.add(parent)
        seen = known.batch[parent]
    return seen.incoming.remote_id


def _whom_we_answer(incoming: Incoming, known: Known, our_handle: str) -> Contact | None:
    parent = incoming.in_reply_to or ""
    if parent in known.conversations:
        conversation = known.conversations[parent]
        return Contact(conversation.contact_remote_id, conversation.contact_handle, conversation.contact_name)
    if parent in known.deliveries:
        return None
    if parent in known.batch:
        answered = known.batch[parent].incoming
        return _whom_we_answer(answered, _without(known, parent), our_handle) if answered.ours else answered.author
    others = [handle for handle in incoming.mentions if handle.lower() != our_handle.lower()]
    return Contact("", others[0], others[0].partition("@")[0]) if others else None


def _without(known: Known, remote_id: str) -> Known:
    """A thread that bites its own tail must not catch us."""
    batch = {key: seen for key, seen in known.batch.items() if key != remote_id}
    return Known(known.messages, known.conversations, known.deliveries, batch)
