"""Writing: the words, for whom, when, and the question that comes last."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from api.core.local_time import HappensTwice
from api.forces import queries as forces
from api.library import queries as library
from api.library.filling import fill
from api.models import Account, Confirmation, Post, PostState, StandardPost, Team, Viewer
from api.posts import changing, queries
from api.posts import service as posts
from api.posts.schemas import PostIn, PostPatch
from web.carried import SIGHTS, in_order
from web.deps import Framed, ReadSession, Signed, runtime_of
from web.findings import Findings, found
from web.looks import LANGUAGES, SEEN_BY
from web.pages import pictures
from web.render import fragment, page
from web.typed import Target, Typed, in_parts, room, target
from web.words import span

router = APIRouter()
SHORTCUTS = 5
CAUGHT = (Invalid, Conflict, Forbidden)
"""What a person can mend in the form; everything else is a page of its own."""


@router.get("/write")
async def write(request: Request, session: ReadSession, viewer: Framed, standard: str = "") -> HTMLResponse:
    if standard:
        chosen = await _standard(session, viewer, standard)
        if chosen.fields:
            return page(request, "write/fill.html", {"standard": chosen, "values": {}, "errors": {}})
        typed = Typed(text=chosen.text, standard_post_id=str(chosen.id))
        return await _form(request, session, viewer, typed, None, standard=chosen)
    return await _form(request, session, viewer, Typed(), None)


@router.post("/write/fill")
async def fill_in(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    form = await request.form()
    chosen = await _standard(session, viewer, str(form.get("standard", "")))
    values = {key.removeprefix("field-"): str(form[key]) for key in form if key.startswith("field-")}
    try:
        typed = Typed(text=fill(chosen, values), standard_post_id=str(chosen.id))
    except Invalid as error:
        errors = {(error.field or "").replace("values.", "field-"): error.sentence}
        context = {"standard": chosen, "values": values, "errors": errors}
        return page(request, "write/fill.html", context, 422)
    return await _form(request, session, viewer, typed, None, standard=chosen)


@router.post("/write/check")
async def check(request: Request, session: ReadSession, viewer: Signed) -> HTMLResponse:
    """The counts again, while somebody types."""
    form = await request.form()
    typed, _, targets = await _targets(session, viewer, Typed.of(form))
    carried = [each.as_typed(form) for each in await pictures.known(session, viewer, typed, form)]
    around = {"form": typed, "carried": carried, "locked": form.get("locked") == "yes", "alone": True}
    return fragment(request, "write/_check.html", {**around, **_counted(typed, targets)})


@router.get("/write/standard")
async def standard_posts(
    request: Request, session: ReadSession, viewer: Framed, kind: str = "", find: str = ""
) -> HTMLResponse:
    every = await library.standard_posts(session, viewer)
    numbers: dict[str, int] = {}
    for one in every:
        numbers[one.category] = numbers.get(one.category, 0) + 1
    return page(request, "write/standard.html", {
        "posts": [one for one in every if kind in ("", one.category) and _says(one, find)],
        "number": len(every),
        "kind": kind,
        "find": find,
        "kinds": [
            {"key": key, "label": key.replace("_", " ").capitalize(), "number": number}
            for key, number in numbers.items()
        ],
    })  # fmt: skip


@router.get("/write/{post_id}")
async def go_on(request: Request, session: ReadSession, viewer: Framed, post_id: UUID) -> HTMLResponse:
    post = await _draft(session, viewer, post_id)
    written = await queries.written(session, post)
    typed = replace(Typed.from_draft(post, written.destinations), carried=in_order(written.media))
    return await _form(request, session, viewer, typed, post)


@router.post("/write")
async def take_new(request: Request, viewer: Framed) -> Response:
    return await _take(request, viewer, None)


@router.post("/write/{post_id}")
async def take_draft(request: Request, viewer: Framed, post_id: UUID) -> Response:
    return await _take(request, viewer, post_id)


async def _take(request: Request, viewer: Viewer, post_id: UUID | None) -> Response:
    """Keeps what was written. Any mistake keeps nothing and shows everything as it was typed."""
    form = await request.form()
    typed, mistake = await pictures.take(runtime_of(request), viewer, Typed.of(form), form)
    if mistake or typed.answer not in ("yes", "unsure"):
        return await _again(request, viewer, typed, post_id, mistake)
    try:
        async with runtime_of(request).unit_of_work() as session:
            post = await _keep(session, viewer, typed, post_id)
            if typed.answer == "yes":
                await posts.publish(
                    session, viewer, post, typed.due(), typed.until(), confirmed_how=Confirmation.PERSON
                )
    except CAUGHT as error:
        return await _again(request, viewer, typed, post_id, error)
    said = (
        "sending" if typed.answer == "yes" and typed.when == "now" else "planned" if typed.answer == "yes" else "kept"
    )
    return RedirectResponse(f"/posts/{post.id}?said={said}", 303)


async def _keep(session: AsyncSession, viewer: Viewer, typed: Typed, post_id: UUID | None) -> Post:
    """A new draft, or the same one with its new words."""
    if post_id is None:
        return await posts.create(session, viewer, PostIn.model_validate(typed.as_post()))
    changes = typed.as_post()
    for fixed in ("team_id", "standard_post_id"):
        del changes[fixed]
    return await changing.update(session, viewer, post_id, PostPatch.model_validate(changes), typed.version or None)


async def _again(
    request: Request, viewer: Viewer, typed: Typed, post_id: UUID | None, error: DomainError | None
) -> HTMLResponse:
    async with runtime_of(request).read() as session:
        post = await _draft(session, viewer, post_id) if post_id else None
        return await _form(request, session, viewer, typed, post, error)


async def _form(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    typed: Typed,
    post: Post | None,
    error: DomainError | None = None,
    standard: StandardPost | None = None,
    findings: Findings | None = None,
) -> HTMLResponse:
    typed, teams, targets = await _targets(session, viewer, typed)
    standards = await library.standard_posts(session, viewer)
    standard = standard or next((one for one in standards if str(one.id) == typed.standard_post_id), None)
    drafts = await queries.posts(session, viewer, states=[PostState.DRAFT], limit=SHORTCUTS)
    return page(request, "write/index.html", {
        "form": typed,
        "carried": typed.carried,
        "sights": SIGHTS,
        "post": post,
        "teams": teams,
        **_counted(typed, targets),
        "seen_by": SEEN_BY.items(),
        "languages": LANGUAGES.items(),
        "varied": any(one.variant for one in targets),
        "standard": standard,
        "locked": standard.locked if standard else False,
        "standards": standards[:SHORTCUTS],
        "standards_number": len(standards),
        "drafts": drafts.items,
        "errors": _errors(error),
        "policy": findings or await found(session, viewer, typed),
        "twice": error.field if isinstance(error, HappensTwice) else "",
        "options": error.options if isinstance(error, HappensTwice) else (),
        "useful": span(_useful(request)),
        "may_publish": typed.team_id is not None and access.may(viewer, Action.PUBLISH, typed.team_id),
    }, 422 if error else 200)  # fmt: skip


async def as_typed(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    typed: Typed,
    post_id: UUID | None,
    findings: Findings,
) -> HTMLResponse:
    """The form as it was, for whoever writes without script and pressed a button beside the text."""
    post = await _draft(session, viewer, post_id) if post_id else None
    return await _form(request, session, viewer, typed, post, findings=findings)


def _counted(typed: Typed, targets: Sequence[Target]) -> dict[str, Any]:
    """What changes while somebody types."""
    chosen = [one for one in targets if one.chosen]
    return {
        "accounts": targets,
        "room": room(typed.text, targets),
        "long": any(one.long for one in chosen),
        "in_parts": in_parts(chosen),
    }


async def _targets(session: AsyncSession, viewer: Viewer, typed: Typed) -> tuple[Typed, Sequence[Team], list[Target]]:
    """The teams somebody may write for, and the chosen one's accounts."""
    teams = [one for one in await forces.teams(session, viewer) if access.may(viewer, Action.DRAFT, one.id)]
    if not any(one.id == typed.team_id for one in teams):
        typed = replace(typed, team_id=teams[0].id if teams else None)
    found: Sequence[Account] = (
        await accounts.writable(session, viewer, typed.team_id) if typed.team_id is not None else []
    )
    return typed, teams, [target(account, typed) for account in found]


async def _standard(session: AsyncSession, viewer: Viewer, slug: str) -> StandardPost:
    for one in await library.standard_posts(session, viewer):
        if one.slug == slug:
            return one
    raise NotFound


def _says(post: StandardPost, words: str) -> bool:
    """Every word looked for stands in it somewhere."""
    text = f"{post.title} {post.text}".casefold()
    return all(word in text for word in words.casefold().split())


async def _draft(session: AsyncSession, viewer: Viewer, post_id: UUID) -> Post:
    post = await queries.get_post(session, viewer, post_id)
    if post.state is not PostState.DRAFT:
        raise Conflict("This post is no draft any more. Open it in the calendar.")
    return post


def _errors(error: DomainError | None) -> dict[str, str]:
    """Where the sentence stands: beside its field, or on top alone."""
    if error is None:
        return {}
    place = error.field or "" if isinstance(error, Invalid) else ""
    return {place: error.sentence}


def _useful(request: Request) -> timedelta:
    return timedelta(hours=runtime_of(request).settings.useful_hours)
