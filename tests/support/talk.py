"""Things that residents say, as a connector would read them. Everybody here is invented."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.inbox import service as inbox
from api.inbox.service import Seen
from api.models import Account, Conversation, Message
from api.platforms.values import Attachment, Contact, Incoming, Visibility

_number = count(1)

JO = Contact("r-jo", "jom@town.example", "Jo M", "https://town.example/@jom")
SAM = Contact("r-sam", "samp@town.example", "Sam P", "https://town.example/@samp")
FAR = Contact("r-far", "wren@far.example", "Wren", "https://far.example/@wren")


def us(account: Account) -> Contact:
    return Contact(account.remote_id, account.handle, account.name)


def said(
    text: str = "speeding again on Mill Lane",
    by: Contact = JO,
    *,
    remote_id: str = "",
    answers: str | None = None,
    visibility: Visibility = Visibility.PUBLIC,
    at: datetime | None = None,
    came: datetime | None = None,
    edited_at: datetime | None = None,
    root: str | None = None,
    ours: bool = False,
    backfilled: bool = False,
    mentions: Sequence[str] = (),
    attachments: Sequence[Attachment] = (),
) -> Seen:
    return Seen(
        Incoming(
            remote_id=remote_id or f"s{next(_number)}",
            author=by,
            ours=ours,
            text=text,
            visibility=visibility,
            occurred_at=at or now() - timedelta(seconds=5),
            in_reply_to=answers,
            edited_at=edited_at,
            mentions=tuple(mentions),
            attachments=tuple(attachments),
        ),
        received_at=came or now(),
        root_remote_id=root,
        backfilled=backfilled,
    )


async def hear(session: AsyncSession, account: Account, *seen: Seen) -> list[Message]:
    return await inbox.receive(session, account, seen)


async def all_conversations(session: AsyncSession) -> list[Conversation]:
    rows = await session.execute(
        select(Conversation).order_by(col(Conversation.created_at), col(Conversation.thread_key))
    )
    return list(rows.scalars())


async def all_messages(session: AsyncSession) -> list[Message]:
    rows = await session.execute(select(Message).order_by(col(Message.sort_at), col(Message.id)))
    return list(rows.scalars())
