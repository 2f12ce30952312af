"""Keys for other programs: made once, shown once, ended with one press."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.access.service import SCOPES
from api.core.clock import LONDON, now
from api.core.errors import Invalid
from api.core.paging import MOST
from api.identity import queries, tokens
from api.identity.schemas import TokenIn
from api.models import ApiToken, Person, Viewer
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page

router = APIRouter(prefix="/me/keys")
USUAL = timedelta(days=90)


@router.get("")
async def mine(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    return await _mine(request, session, viewer, _empty())


@router.post("")
async def make(request: Request, viewer: Framed) -> Response:
    """The answer shows the key, this once: an address would keep it."""
    form = await request.form()
    typed = {
        "name": str(form.get("name", "")).strip(),
        "expires_on": str(form.get("expires_on", "")),
        "scopes": [str(each) for each in form.getlist("scopes")],
    }
    try:
        wanted = TokenIn.model_validate({
            "name": typed["name"], "scopes": typed["scopes"], "expires_at": _end_of(str(typed["expires_on"]))
        })  # fmt: skip
        async with runtime_of(request).unit_of_work() as session:
            person = await session.get_one(Person, viewer.person_id)
            made = await tokens.create_token(session, viewer, person, wanted.name, wanted.scopes, wanted.expires_at)
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _mine(request, session, viewer, typed, errors_of(error, {"expires_at": "expires_on"}))
    async with runtime_of(request).read() as session:
        return await _mine(request, session, viewer, _empty(), made=made)


@router.post("/{token_id}/end")
async def end(session: WriteSession, viewer: Signed, token_id: UUID) -> RedirectResponse:
    await tokens.end_token(session, viewer, token_id)
    return RedirectResponse("/me/keys?said=token-ended", 303)


def _empty() -> dict[str, Any]:
    return {"name": "", "expires_on": (now().astimezone(LONDON) + USUAL).date().isoformat(), "scopes": []}


def _end_of(day: str) -> datetime:
    """A key works through its last day."""
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59), LONDON)
    except ValueError as error:
        raise Invalid("Choose the last day on which it works.", "expires_on") from error


async def _mine(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    typed: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    made: tuple[ApiToken, str] | None = None,
) -> HTMLResponse:
    found = (await queries.tokens(session, viewer, limit=MOST)).items
    open_ones = [one for one in found if one.ended_at is None and one.expires_at > now()]
    return page(request, "tokens/index.html", {
        "mine": [one for one in open_ones if one.person_id == viewer.person_id],
        "others": [one for one in open_ones if one.person_id != viewer.person_id],
        "names": await queries.names(session, [one.person_id for one in open_ones]),
        "sentences": {name: words for name, (words, _) in SCOPES.items()},
        "scopes": _usable(viewer),
        "form": typed,
        "errors": errors or {},
        "secret": made[1] if made else "",
        "made": made[0] if made else None,
        "latest": (now() + tokens.LONGEST).date().isoformat(),
        "soon": now() + timedelta(days=14),
    }, 422 if errors else 200)  # fmt: skip


def _usable(viewer: Viewer) -> Sequence[tuple[str, str]]:
    return [(name, SCOPES[name][0]) for name in tokens.usable_scopes(viewer)]
