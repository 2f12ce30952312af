"""Passing on what the force's own accounts posted: a line of the team's and its address, or as it is."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core.clock import now
from api.core.errors import NotFound
from api.forces import queries as forces
from api.models import Account, Confirmation, ShareHow, Team, Viewer
from api.platforms.facts import FACTS
from api.platforms.text import count
from api.posts import queries, shares, sharing
from api.posts import service as posts
from api.posts.schemas import ShareIn
from api.posts.sharing import Original, linked
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page

router = APIRouter()
HOW = {"link": ShareHow.LINK, "repost": ShareHow.REPOST}


@dataclass(frozen=True, slots=True)
class Target:
    """One account to share from. `line` is how long the line may be beside the address."""

    id: UUID
    name: str
    letter: str
    platform: str
    practice: bool
    chosen: bool
    reposts: bool
    line: int
    shown: str
    """What a link will say there."""


@router.get("/share/{post_id}")
async def look(
    request: Request, session: ReadSession, viewer: Framed, post_id: UUID, team: UUID | None = None
) -> HTMLResponse:
    return await _form(request, session, viewer, post_id, team)


@router.post("/share/{post_id}")
async def share(request: Request, viewer: Framed, post_id: UUID) -> Response:
    """One press: `how` is the button. What cannot go out stands in its field as it was typed."""
    form = await request.form()
    text = str(form.get("text", "")).replace("\r\n", "\n")
    how, chosen = str(form.get("how", "")), [str(each) for each in form.getlist("account_ids")]
    team = _id(str(form.get("team_id", "")))
    if how == "look":
        async with runtime_of(request).read() as session:
            return await _form(request, session, viewer, post_id, team, text, chosen)
    try:
        wanted = ShareIn.model_validate({
            "team_id": team, "how": HOW.get(how.removesuffix("-proposed"), "link"), "account_ids": chosen,
            "text": text if how.startswith("link") else "",
            "publish_at": None if how.endswith("-proposed") else now(),
        })  # fmt: skip
        async with runtime_of(request).unit_of_work() as session:
            post = await sharing.share(session, viewer, post_id, wanted, Confirmation.PERSON)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _form(request, session, viewer, post_id, team, text, chosen, errors_of(error))
    return RedirectResponse(f"/posts/{post.id}?said={'shared' if wanted.publish_at else 'proposed'}", 303)


@router.post("/posts/{post_id}/share-now")
async def share_now(session: WriteSession, viewer: Signed, post_id: UUID) -> RedirectResponse:
    """What a contributor proposed. Anything else is sent from the form in which it is written."""
    post = await queries.get_post(session, viewer, post_id)
    if post.id not in await shares.of(session, [post.id]):
        raise NotFound
    await posts.publish(session, viewer, post, confirmed_how=Confirmation.PERSON)
    return RedirectResponse(f"/posts/{post_id}?said=shared", 303)


async def _form(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    post_id: UUID,
    team_id: UUID | None,
    text: str = "",
    chosen: list[str] | None = None,
    errors: dict[str, str] | None = None,
) -> HTMLResponse:
    original = await sharing.get_original(session, viewer, post_id)
    teams = [one for one in await forces.teams(session, viewer) if access.may(viewer, Action.DRAFT, one.id)]
    team = _team(teams, team_id)
    found = await sharing.targets(session, viewer, team.id, original) if team else []
    targets = [_target(account, original, text, chosen) for account in found]
    return page(request, "posts/share.html", {
        "original": original,
        "letters": [FACTS[platform] for platform in original.there],
        "team": team,
        "teams": teams,
        "accounts": targets,
        "reposts": [one for one in targets if one.reposts],
        "line": min((one.line for one in targets if one.chosen), default=0),
        "text": text,
        "errors": errors or {},
        "may_publish": team is not None and access.may(viewer, Action.PUBLISH, team.id),
    }, 422 if errors else 200)  # fmt: skip


def _target(account: Account, original: Original, text: str, chosen: list[str] | None) -> Target:
    facts, limits = FACTS[account.platform], accounts.limits_of(account)
    url = original.address(account.platform)
    return Target(
        id=account.id,
        name=account.name,
        letter=facts.letter,
        platform=facts.label,
        practice=account.practice,
        chosen=chosen is None or str(account.id) in chosen,
        reposts=account.platform in original.there,
        line=limits.max_length - count(account.platform, f" {url}", limits),
        shown=linked(text or "Your line stands here.", url),
    )


def _team(teams: list[Team], wanted: UUID | None) -> Team | None:
    return next((one for one in teams if one.id == wanted), teams[0] if teams else None)


def _id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None
