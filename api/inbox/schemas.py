"""Conversations on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool

from api.core.shapes import Out, Words
from api.core.wire import Wire
from api.inbox.thread import Thread
from api.models import ConversationKind, ConversationState, DeliveryState, MessageVersion
from api.platforms.values import Visibility

EXAMPLE_ID = "0198f3a2-5b1e-7c3d-9e4f-1a2b3c4d5e6f"
EXAMPLE_PERSON = "0198f3a2-7d30-7e5f-9061-3c4d5e6f7081"
Text = Annotated[Words, Field(max_length=20_000)]


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [members]})


class ReplyIn(Wire):
    """It is given the @name of whom it answers where it lacks it, and keeps the visibility of what it answers."""

    model_config = _example(text="Thank you. We will be on Mill Lane on Tuesday morning.", close=False)

    text: Text
    close: StrictBool = Field(False, description="Close the conversation with it.")


class NoteIn(Wire):
    """Stays inside: nothing on the way out can read it."""

    model_config = _example(text="Rang the school: gates at 08:40.")

    text: Text


class AssignIn(Wire):
    """Null puts it back."""

    model_config = _example(person_id=EXAMPLE_PERSON)

    person_id: UUID | None


class EditIn(Wire):
    """The new words of a reply that is out."""

    model_config = _example(text="Thank you. We will be on Mill Lane on Wednesday morning instead.")

    text: Text


class ReasonIn(Wire):
    model_config = _example(reason="Subject access request 24/118")

    reason: Annotated[Words, Field(max_length=500)]


class ConversationOut(Out):
    """One person under one thread on one account."""

    id: UUID
    etag: str
    kind: ConversationKind
    state: ConversationState
    team_id: UUID | None
    account_id: UUID
    account_handle: str
    contact_handle: str
    contact_name: str
    post_id: UUID | None = Field(description="Our post that it stands under.")
    assigned_to_id: UUID | None
    assigned_to: str | None
    last_message_at: AwareDatetime
    last_words: str
    last_from_us: bool
    waiting_since: AwareDatetime | None = Field(description="Null when nobody waits.")
    unread: bool = Field(description="By the person who asks.")

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of the list."""
        members = {name: getattr(row, name) for name in cls.model_fields if name != "etag"}
        return cls(etag=f'"{row.version}"', **members)


class DeliveryStateOut(Out):
    """Only `sent` means that it is out."""

    id: UUID
    state: DeliveryState
    words: str
    why: str | None
    may_retry: bool


class AttachmentOut(Out):
    kind: str
    url: str
    alt: str


class AnsweredOut(Out):
    conversation_id: UUID
    author_name: str
    text: str


class LikedOut(Out):
    """`asked`: a worker is at it; `trouble`: the platform said no."""

    liked: bool
    asked: bool
    trouble: str


class MessageOut(Out):
    """`text` is empty when its sender deleted it; `before` is what it said before it was edited, oldest first."""

    id: UUID
    remote_id: str | None
    from_us: bool
    person: str | None = Field(description="Who of us wrote it, when it was written here.")
    author_handle: str
    author_name: str
    text: str
    visibility: Visibility
    sort_at: AwareDatetime
    occurred_at: AwareDatetime
    edited_at: AwareDatetime | None
    deleted_at: AwareDatetime | None
    url: str
    attachments: list[AttachmentOut]
    before: list[str]
    delivery: DeliveryStateOut | None = Field(description="What became of a reply of ours.")
    answers: AnsweredOut | None = Field(description="What somebody else said in public, which this answers.")
    version: int = Field(description="Of the message: send it as If-Match to change a reply of ours.")
    liked: LikedOut = Field(description="By the account that they wrote to.")
    may_like: bool
    may_change: bool
    may_take_down: bool
    doing: str = Field(description="What a platform was asked about it and has not answered yet.")
    trouble: str = Field(description="Why that was not done.")


class NoteOut(Out):
    id: UUID
    person: str | None
    text: str
    at: AwareDatetime


class ThreadPostOut(Out):
    id: UUID | None
    text: str
    at: AwareDatetime | None
    url: str | None


class ThreadOut(ConversationOut):
    """With everything in it, oldest first."""

    post: ThreadPostOut | None
    messages: list[MessageOut]
    notes: list[NoteOut]
    may_reply: bool
    may_note: bool
    answers_visibility: Visibility | None = Field(description="Who will see a reply; null: nothing left to answer.")
    prefix: str = Field(description="A reply is given this where it lacks it, and it counts.")
    limit: int = Field(description="How long a reply may be, as the platform counts.")

    @classmethod
    def with_thread(cls, row: Any, thread: Thread) -> Self:
        mine = ("post", "messages", "notes", "may_reply", "may_note", "answers_visibility", "prefix", "limit")
        shown = {name: getattr(thread, name) for name in mine}
        listed = {name: getattr(row, name) for name in ConversationOut.model_fields if name != "etag"}
        return cls.model_validate({"etag": f'"{row.version}"', **listed, **shown}, from_attributes=True)


class VersionOut(Out):
    """What a message said up to a moment."""

    version: int
    text: str
    replaced_at: AwareDatetime
    deleted: bool

    @classmethod
    def of(cls, version: MessageVersion) -> Self:
        replaced_at: datetime = version.replaced_at
        return cls(version=version.version, text=version.text, replaced_at=replaced_at, deleted=version.deleted)


class DeletedWordsOut(Out):
    items: list[VersionOut]
