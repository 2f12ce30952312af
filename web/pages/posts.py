"""One post: where it stands on each account, its words, what happened to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
from api.models import Account, Delivery, DeliveryState, Post, PostState, Sighting, SightingState, Viewer
from api.outbox import queries as outbox
from api.outbox import service as outbox_service
from api.outbox import sightings
from api.platforms.values import Visibility
from api.posts import cancelling, changing, queries
from api.posts.values import Written
from web import afterwards
from web.addresses import within
from web.carried import in_order
from web.deps import Framed, ReadSession, Signed, WriteSession
from web.looks import LANGUAGES, SEEN_BY
from web.render import fragment, page
from web.shown import HELD_UP, badge, badges, delivery_state, history
from web.standing import held_up, pace, sentence
from web.words import plural, when_text

router = APIRouter()
AGAIN = {DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.NEEDS_PERSON}
UNKNOWN_ACCOUNT = "An account you cannot see"


@dataclass(frozen=True, slots=True)
class Shown:
    """One delivery as the page tells it; of a thread, the part that tells where it stands."""

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
    looking: bool
    """Somebody gave its address, and a worker looks at it."""
    account_url: str
    parts: Sequence["Shown"] = ()
    """Each part of a thread, where it is one."""


@router.get("/posts/{post_id}")
async def show(request: Request, session: ReadSession, viewer: Framed, post_id: UUID) -> HTMLResponse:
    post = await queries.get_post(session, viewer, post_id)
    return page(request, "posts/show.html", await all_about(session, viewer, post))


@router.get("/posts/{post_id}/deliveries")
async def deliveries(request: Request, session: ReadSession, viewer: Signed, post_id: UUID) -> HTMLResponse:
    post = await queries.get_post(session, viewer, post_id)
    written = await queries.written(session, post)
    context = await afterwards.retold(session, written, await _where_it_stands(session, viewer, written))
    return fragment(request, "posts/_deliveries.html", context)


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


@router.post("/deliveries/{delivery_id}/sighting")
async def sighting(
    session: WriteSession,
    viewer: Signed,
    delivery_id: UUID,
    url: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """“It is live: here is its address.”"""
    delivery = await outbox.get_delivery(session, viewer, delivery_id)
    await sightings.report(session, viewer, delivery, url)
    if delivery.post_id:
        return _back(delivery.post_id, "", "looking")
    return RedirectResponse(f"{within(back)}?said=looking", 303)


def _back(post_id: UUID, back: str, said: str) -> RedirectResponse:
    where = "/calendar" if back == "calendar" else f"/posts/{post_id}"
    return RedirectResponse(f"{where}?said={said}", 303)


async def all_about(session: AsyncSession, viewer: Viewer, post: Post) -> dict[str, Any]:
    written = await queries.written(session, post)
    known = badges(await accounts.accounts(session, viewer))
    entries = await audit.history(session, viewer, post.id, parts=[row.id for row in written.deliveries])
    names = await identity.names(session, [entry.person_id for entry in entries])
    return await afterwards.about(session, viewer, written, {
        **await _where_it_stands(session, viewer, written),
        "subtitle": _subtitle(written),
        "movable": post.state is PostState.SCHEDULED,
        "cancellable": post.state in (PostState.DRAFT, PostState.SCHEDULED),
        "publish_at": written.schedule.publish_at if written.schedule else None,
        "may_change": access.may(viewer, Action.DRAFT, post.team_id),
        "variants": [
            {"account": known[one.account_id].name, "text": one.text}
            for one in written.destinations
            if one.text and one.account_id in known
        ],
        "said_so": _said_so(post),
        "history": history(entries, names),
        "carried": in_order(written.media),
    })  # fmt: skip


async def _where_it_stands(session: AsyncSession, viewer: Viewer, written: Written) -> dict[str, Any]:
    rows, at = written.deliveries, now()
    seen = {account.id for account in await accounts.accounts(session, viewer)}
    known = await accounts.named(session, [row.account_id for row in rows])
    given = await sightings.latest(session, [row.id for row in rows])
    return {
        "post": written.post,
        "deliveries": [
            _together(thread, known[thread[0].account_id], given, thread[0].account_id in seen)
            for thread in queries.threads_in(rows)
        ],
        "pace": pace(rows, known, given, at),
        "standing": _standing(rows),
        "may_publish": access.may(viewer, Action.PUBLISH, written.post.team_id),
    }


def _together(thread: Sequence[Delivery], account: Account, given: Mapping[UUID, Sighting], seen: bool) -> Shown:
    """Parts leave in order: the first that is not out tells where the thread stands."""
    at = now()
    telling = next((part for part in thread if part.state is not DeliveryState.SENT), thread[-1])
    shown = _shown(telling, account, given.get(telling.id), at, seen)
    if len(thread) == 1:
        return shown
    out = sum(part.state is DeliveryState.SENT for part in thread)
    words = f"A thread: {out} of {plural(len(thread), 'post')} out. {shown.words}"
    parts = [_shown(part, account, given.get(part.id), at, seen) for part in thread]
    return replace(shown, words=words, url=thread[0].url, parts=parts)


def _shown(delivery: Delivery, account: Account, given: Sighting | None, at: datetime, seen: bool) -> Shown:
    """Of an account that the viewer may not see: how it stands, not whose it is."""
    state = HELD_UP if held_up(delivery, account, at) else delivery_state(delivery)
    known = badge(account) if seen else None
    return Shown(
        id=delivery.id,
        account=f"{known.name}, {known.platform}" if known else UNKNOWN_ACCOUNT,
        letter=known.letter if known else "?",
        platform=known.platform if known else "",
        state=state.words,
        tone=state.tone,
        icon=state.icon,
        words=sentence(delivery, account, given, at),
        url=delivery.url,
        retry=delivery.state in AGAIN,
        unsure=delivery.state is DeliveryState.NEEDS_PERSON,
        looking=given is not None and given.state is SightingState.ASKED,
        account_url=account.url if seen else "",
    )


def _said_so(post: Post) -> list[tuple[str, str]]:
    """How it is said, where that is not as usual."""
    found = [
        ("Content warning", post.content_warning),
        ("Seen by", "" if post.visibility is Visibility.PUBLIC else SEEN_BY[post.visibility]),
        ("Written in", "" if post.language == "en" else LANGUAGES.get(post.language, post.language)),
        ("Too long for one post", "goes out as a thread" if post.as_thread else ""),
    ]
    return [(name, words) for name, words in found if words]


def _subtitle(written: Written) -> str:
    if written.schedule is None:
        return f"A draft by {written.author}, last changed {when_text(written.post.updated_at, now())}"
    useful_until = written.schedule.useful_until or written.post.useful_until
    until = f", useful until {when_text(useful_until, now())}" if useful_until else ""
    return f"By {written.author}, for {when_text(written.schedule.publish_at, now())}{until}"


def _standing(rows: Sequence[Delivery]) -> str:
    threads = queries.threads_in(rows)
    if not threads:
        return "nowhere yet"
    out = sum(thread[-1].state is DeliveryState.SENT and thread[-1].gone_at is None for thread in threads)
    mend = sum(any(row.state in AGAIN for row in thread) for thread in threads)
    return f"{out} of {len(threads)} out" + (f", {plural(mend, 'needs', 'need')} you" if mend else "")
