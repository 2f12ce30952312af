"""One post: where it stands on each account, its words, what happened to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.audit import queries as audit
from api.core.clock import now
from api.core.local_time import from_form
from api.identity import queries as identity
from api.models import OPEN, Delivery, DeliveryState, Post, PostState, Viewer
from api.outbox import queries as outbox
from api.outbox import service as outbox_service
from api.outbox.forecast import forecast
from api.posts import cancelling, changing, queries
from api.posts.values import Written
from web.addresses import within
from web.deps import Framed, ReadSession, Signed, WriteSession
from web.render import fragment, page
from web.shown import HELD_UP, Badge, badges, delivery_state, history
from web.words import lateness, plural, when_text

router = APIRouter()
AGAIN = {DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.NEEDS_PERSON}
UNKNOWN_ACCOUNT = "An account you cannot see"


@dataclass(frozen=True, slots=True)
class Shown:
    """One delivery as the page tells it."""

    id: UUID
    account: str
    letter: str
    platform: str
    state: str
    tone: str
    icon: str
    words: str
    url: str | None
    retry: bool
    unsure: bool


@router.get("/posts/{post_id}")
async def show(request: Request, session: ReadSession, viewer: Framed, post_id: UUID) -> HTMLResponse:
    post = await queries.get_post(session, viewer, post_id)
    return page(request, "posts/show.html", await _all_about(session, viewer, post))


@router.get("/posts/{post_id}/deliveries")
async def deliveries(request: Request, session: ReadSession, viewer: Signed, post_id: UUID) -> HTMLResponse:
    post = await queries.get_post(session, viewer, post_id)
    written = await queries.written(session, post)
    known = badges(await accounts.accounts(session, viewer))
    return fragment(request, "posts/_deliveries.html", _where_it_stands(viewer, written, known))


@router.post("/posts/{post_id}/cancel")
async def cancel(
    session: WriteSession, viewer: Signed, post_id: UUID, back: Annotated[str, Form()] = ""
) -> RedirectResponse:
    await cancelling.cancel(session, viewer, post_id)
    return _back(post_id, back, "cancelled")


@router.post("/posts/{post_id}/move")
async def move(
    session: WriteSession,
    viewer: Signed,
    post_id: UUID,
    publish_at: Annotated[str, Form()],
    back: Annotated[str, Form()] = "",
    fold: Annotated[int | None, Form()] = None,
) -> RedirectResponse:
    post = await queries.get_post(session, viewer, post_id)
    access.require(viewer, Action.PUBLISH, post.team_id)
    schedule = await changing.active_schedule(session, post)
    await changing.move(session, viewer, post, schedule, from_form(publish_at, fold=fold), None)
    return _back(post_id, back, "moved")


@router.post("/deliveries/{delivery_id}/retry")
async def retry(
    session: WriteSession,
    viewer: Signed,
    delivery_id: UUID,
    looked: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> RedirectResponse:
    delivery = await outbox.get_delivery(session, viewer, delivery_id)
    await outbox_service.retry(session, viewer, delivery, even_if_unsure=looked == "yes")
    if delivery.post_id:
        return _back(delivery.post_id, "", "again")
    return RedirectResponse(f"{within(back)}?said=again", 303)


def _back(post_id: UUID, back: str, said: str) -> RedirectResponse:
    where = "/calendar" if back == "calendar" else f"/posts/{post_id}"
    return RedirectResponse(f"{where}?said={said}", 303)


async def _all_about(session: AsyncSession, viewer: Viewer, post: Post) -> dict[str, Any]:
    written = await queries.written(session, post)
    known = badges(await accounts.accounts(session, viewer))
    entries = await audit.history(session, viewer, post.id)
    names = await identity.names(session, [entry.person_id for entry in entries])
    return {
        **_where_it_stands(viewer, written, known),
        "subtitle": _subtitle(written),
        "standing": _standing(written.deliveries),
        "movable": post.state is PostState.SCHEDULED,
        "cancellable": post.state in (PostState.DRAFT, PostState.SCHEDULED),
        "publish_at": written.schedule.publish_at if written.schedule else None,
        "may_change": access.may(viewer, Action.DRAFT, post.team_id),
        "variants": [
            {"account": known[one.account_id].name, "text": one.text}
            for one in written.destinations
            if one.text and one.account_id in known
        ],
        "history": history(entries, names),
    }


def _where_it_stands(viewer: Viewer, written: Written, known: Mapping[UUID, Badge]) -> dict[str, Any]:
    rows = written.deliveries
    return {
        "post": written.post,
        "deliveries": [_shown(row, known.get(row.account_id), forecast(row, written.waiting)) for row in rows],
        "moving": any(_moves(row) for row in rows),
        "may_publish": access.may(viewer, Action.PUBLISH, written.post.team_id),
    }


def _moves(delivery: Delivery) -> bool:
    """It will look different in a moment."""
    return delivery.state in OPEN and (delivery.state is not DeliveryState.QUEUED or delivery.due_at <= now())


def _shown(delivery: Delivery, account: Badge | None, ahead: str | None) -> Shown:
    state = HELD_UP if ahead else delivery_state(delivery)
    return Shown(
        id=delivery.id,
        account=f"{account.name}, {account.platform}" if account else UNKNOWN_ACCOUNT,
        letter=account.letter if account else "?",
        platform=account.platform if account else "",
        state=state.words,
        tone=state.tone,
        icon=state.icon,
        words=ahead or _sentence(delivery),
        url=delivery.url,
        retry=delivery.state in AGAIN,
        unsure=delivery.state is DeliveryState.NEEDS_PERSON,
    )


def _sentence(delivery: Delivery) -> str:
    at = now()
    if delivery.state is DeliveryState.SENT and delivery.sent_at:
        return f"Out {when_text(delivery.sent_at, at)}, {lateness(delivery.lateness_ms)}."
    if delivery.error:
        return delivery.error
    if delivery.state is DeliveryState.UNKNOWN:
        return "The answer was lost. We are reading the account to see whether it is there. Not sent again meanwhile."
    if delivery.state is DeliveryState.MISSED:
        return f"Due {when_text(delivery.due_at, at)}; too late to be useful, so never sent."
    return f"For {when_text(delivery.due_at, at)}, useful until {when_text(delivery.useful_until, at)}."


def _subtitle(written: Written) -> str:
    if written.schedule is None:
        return f"A draft by {written.author}, last changed {when_text(written.post.updated_at, now())}"
    useful_until = written.schedule.useful_until or written.post.useful_until
    until = f", useful until {when_text(useful_until, now())}" if useful_until else ""
    return f"By {written.author}, for {when_text(written.schedule.publish_at, now())}{until}"


def _standing(rows: Sequence[Delivery]) -> str:
    if not rows:
        return "nowhere yet"
    out = sum(row.state is DeliveryState.SENT for row in rows)
    mend = sum(row.state in AGAIN for row in rows)
    return f"{out} of {len(rows)} out" + (f", {plural(mend, 'needs', 'need')} you" if mend else "")
