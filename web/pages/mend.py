"""What is done about one message: like theirs, change or take down ours."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from api.inbox import service as inbox
from api.models import Message
from web.deps import Signed, WriteSession

router = APIRouter(prefix="/messages")


@router.post("/{message_id}/like")
async def like(session: WriteSession, viewer: Signed, message_id: UUID) -> RedirectResponse:
    return _back(await inbox.like(session, viewer, message_id), "liked")


@router.post("/{message_id}/unlike")
async def unlike(session: WriteSession, viewer: Signed, message_id: UUID) -> RedirectResponse:
    return _back(await inbox.like(session, viewer, message_id, wanted=False), "unliked")


@router.post("/{message_id}/words")
async def words(
    session: WriteSession,
    viewer: Signed,
    message_id: UUID,
    text: Annotated[str, Form()] = "",
    version: Annotated[int | None, Form()] = None,
) -> RedirectResponse:
    message = await inbox.edit_reply(session, viewer, message_id, text.replace("\r\n", "\n"), version)
    return _back(message, "reply-changing")


@router.post("/{message_id}/withdraw")
async def withdraw(
    session: WriteSession, viewer: Signed, message_id: UUID, reason: Annotated[str, Form()] = ""
) -> RedirectResponse:
    return _back(await inbox.withdraw_reply(session, viewer, message_id, reason), "reply-withdrawing")


def _back(message: Message, said: str) -> RedirectResponse:
    return RedirectResponse(f"/inbox/{message.conversation_id}?said={said}", 303)
