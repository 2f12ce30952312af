"""The inbox: the list, one conversation, and what people do with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit import queries as audit
from api.core.clock import now
from api.core.errors import Conflict, DomainError, Forbidden, Invalid
from api.identity import queries as identity
from api.inbox import queries
from api.inbox import service as inbox
from api.inbox.queries import Counts, View
from api.inbox.thread import Thread
from api.models import Viewer
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.render import fragment, page
from web.shown import history
from web.talk import folded, items_of, moving

router = APIRouter(prefix="/inbox")
LIST = 30


@dataclass(frozen=True, slots=True)
class Tab:
    """One way to look at the list, with its number."""

    key: View
    label: str
    number: str | None

    @property
    def href(self) -> str:
        return f"/inbox{address(self.key)}"


@dataclass(frozen=True, slots=True)
class Nothing:
    """What an empty list says, and the next step."""

    title: str
    words: str
    href: str = ""
    label: str = ""


def address(view: View) -> str:
    """What stands behind an address of the inbox: one place has one address, so the usual view adds nothing."""
    return "" if view is View.TEAM else f"?view={view}"


EMPTY = {
    View.MINE: Nothing(
        "Nothing is in your name", "Take a conversation and it stands here until it is closed.",
        "/inbox?view=unassigned", "See what nobody has",
    ),
    View.UNASSIGNED: Nothing(
        "Everything has somebody", "New messages stand here until somebody takes them.", "/inbox", "See all"
    ),
    View.TEAM: Nothing(
        "Nothing is open", "What people write to your accounts comes in here by itself.",
        "/inbox?view=closed", "See what is closed",
    ),
    View.WAITING: Nothing(
        "Everybody has an answer", "Who waits for one stands here, the longest wait first.",
        "/inbox", "See all",
    ),
    View.CLOSED: Nothing("Nothing is closed yet", "What you close is kept here, and opens again if they write."),
}  # fmt: skip


@router.get("")
async def index(
    request: Request, session: ReadSession, viewer: Framed, view: View = View.TEAM, cursor: str | None = None
) -> HTMLResponse:
    return page(request, "inbox/index.html", await _list(session, viewer, view, cursor))


@router.get("/news")
async def news(
    request: Request, session: ReadSession, viewer: Signed, since: datetime, view: View = View.TEAM
) -> HTMLResponse:
    number = await queries.new_since(session, viewer, since, view)
    return fragment(
        request, "inbox/_news.html", {"news": number, "view": view, "at": address(view), "since": since.isoformat()}
    )


@router.get("/{conversation_id}")
async def show(
    request: Request, session: ReadSession, viewer: Framed, conversation_id: UUID, view: View = View.TEAM
) -> HTMLResponse:
    context = await _all_about(session, viewer, conversation_id, view)
    if next((row.unread for row in context["talks"] if row.id == conversation_id), True):
        async with runtime_of(request).unit_of_work() as writing:
            await inbox.mark_read(writing, viewer, conversation_id)
    return page(request, "inbox/show.html", context)


@router.get("/{conversation_id}/thread")
async def thread(request: Request, session: ReadSession, viewer: Signed, conversation_id: UUID) -> HTMLResponse:
    found = await queries.thread(session, viewer, conversation_id)
    return fragment(request, "inbox/_thread.html", _thread(found))


@router.post("/{conversation_id}")
async def write(
    request: Request,
    viewer: Framed,
    conversation_id: UUID,
    text: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "reply",
    then: Annotated[str, Form()] = "stay",
    view: Annotated[View, Form()] = View.TEAM,
) -> Response:
    """A reply goes out, a note stays inside. What cannot go out stands in its field as it was typed."""
    text = text.replace("\r\n", "\n")
    try:
        async with runtime_of(request).unit_of_work() as session:
            said = await _write(session, viewer, conversation_id, text, kind, then)
    except (Invalid, Conflict, Forbidden) as error:
        async with runtime_of(request).read() as session:
            context = await _all_about(session, viewer, conversation_id, view, text, kind, error)
        if not context["may_reply"] and not context["may_note"]:
            raise  # there is no form for them in which it could be said
        return page(request, "inbox/show.html", context, 422)
    return _back(conversation_id, said, view)


@router.post("/deleted/{message_id}")
async def deleted(
    request: Request,
    session: WriteSession,
    viewer: Framed,
    message_id: UUID,
    reason: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """What a sender took back, for records: shown in this answer alone, and nowhere kept by the browser."""
    message = await queries.get_message(session, viewer, message_id)
    versions = await inbox.deleted_words(session, viewer, message_id, reason)
    answer = page(request, "inbox/deleted.html", {"message": message, "versions": versions, "reason": reason.strip()})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/{conversation_id}/assign")
async def assign(
    session: WriteSession,
    viewer: Signed,
    conversation_id: UUID,
    person_id: Annotated[str, Form()] = "",
    view: Annotated[View, Form()] = View.TEAM,
) -> Response:
    await inbox.assign(session, viewer, conversation_id, UUID(person_id) if person_id else None)
    return _back(conversation_id, "given", view)


@router.post("/{conversation_id}/close")
async def close(
    session: WriteSession, viewer: Signed, conversation_id: UUID, view: Annotated[View, Form()] = View.TEAM
) -> Response:
    await inbox.close(session, viewer, conversation_id)
    return _back(conversation_id, "closed", view)


@router.post("/{conversation_id}/reopen")
async def reopen(
    session: WriteSession, viewer: Signed, conversation_id: UUID, view: Annotated[View, Form()] = View.TEAM
) -> Response:
    await inbox.reopen(session, viewer, conversation_id)
    return _back(conversation_id, "reopened", view)


def _back(conversation_id: UUID, said: str, view: View) -> RedirectResponse:
    return RedirectResponse(f"/inbox/{conversation_id}?view={view}&said={said}", 303)


async def _write(session: AsyncSession, viewer: Viewer, conversation_id: UUID, text: str, kind: str, then: str) -> str:
    if kind == "note":
        await inbox.add_note(session, viewer, conversation_id, text)
        return "noted"
    await inbox.reply(session, viewer, conversation_id, text, close=then == "close")
    return "replied-closed" if then == "close" else "replied"


async def _list(session: AsyncSession, viewer: Viewer, view: View, cursor: str | None = None) -> dict[str, Any]:
    found = await queries.conversations(session, viewer, view=view, cursor=cursor, limit=LIST)
    return {
        "talks": found.items,
        "next_cursor": found.next_cursor,
        "views": _tabs(await queries.counts(session, viewer)),
        "view": view,
        "at": address(view),
        "earlier_page": cursor is not None,
        "news": 0,
        "since": now().isoformat(),
        "order": "Longest wait first" if view is View.WAITING else "Newest first",
        "nothing": EMPTY[view],
        "chosen": None,
    }


async def _next(session: AsyncSession, viewer: Viewer, conversation_id: UUID) -> UUID | None:
    """Who has waited longest beside this one."""
    waiting = await queries.conversations(session, viewer, view=View.WAITING, limit=2)
    return next((row.id for row in waiting.items if row.id != conversation_id), None)


def _tabs(counts: Counts) -> list[Tab]:
    more = "+" if counts.capped else ""
    return [
        Tab(View.MINE, "Mine", f"{counts.mine}{more}"),
        Tab(View.UNASSIGNED, "Unassigned", f"{counts.unassigned}{more}"),
        Tab(View.TEAM, "All open", f"{counts.team}{more}"),
        Tab(View.WAITING, "Waiting", f"{counts.waiting}{more}"),
        Tab(View.CLOSED, "Closed", None),
    ]


def _thread(found: Thread) -> dict[str, Any]:
    earlier, items = folded(items_of(found))
    return {
        "talk": found.conversation,
        "earlier": earlier,
        "items": items,
        "moving": moving(found),
        "may_reply": found.may_reply,
    }


async def _all_about(
    session: AsyncSession,
    viewer: Viewer,
    conversation_id: UUID,
    view: View,
    text: str = "",
    kind: str = "reply",
    error: DomainError | None = None,
) -> dict[str, Any]:
    found = await queries.thread(session, viewer, conversation_id)
    entries = await audit.history(session, viewer, conversation_id)
    people = await queries.may_answer(session, found.conversation) if found.may_reply else []
    return {
        **await _list(session, viewer, view),
        **_thread(found),
        "chosen": conversation_id,
        "next": await _next(session, viewer, conversation_id),
        "account": found.account,
        "post": found.post,
        "viewer": viewer,
        "owner": found.assigned_to,
        "mine": found.conversation.assigned_to_id == viewer.person_id,
        "may_note": found.may_note,
        "answerable": found.answers_visibility is not None,
        "limit": found.limit - len(found.prefix),
        "people": [("", "Nobody yet"), *people],
        "history": history(entries, await identity.names(session, [entry.person_id for entry in entries])),
        "errors": {"answer": error.sentence} if error else {},
        "text": text,
        "kind": kind,
    }
