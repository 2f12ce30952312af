"""Under the words while somebody writes: what the check before publishing found, and the way to say it is wrong."""

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from api.core.errors import Conflict
from api.models import Viewer
from api.policy import service as policy
from web.deps import Framed, ReadSession, Signed, WriteSession
from web.findings import chosen, found
from web.pages import pictures
from web.pages.write import as_typed
from web.render import fragment, quick
from web.typed import Typed

router = APIRouter()


@router.post("/write/policy")
async def look(request: Request, session: ReadSession, viewer: Signed) -> HTMLResponse:
    form = await request.form()
    findings = await found(session, viewer, await _typed(session, viewer, form), _noted(form))
    return fragment(request, "write/_policy.html", {"policy": findings})


@router.post("/write/policy/false-alarm")
async def false_alarm(
    request: Request, session: WriteSession, viewer: Framed, post: UUID | None = None
) -> HTMLResponse:
    """Kept for who looks after the rules; the finding stays, marked as answered."""
    form = await request.form()
    typed, noted = await _typed(session, viewer, form), _noted(form)
    finding = chosen(await found(session, viewer, typed, noted), str(form.get("alarm", "")))
    if finding is None:
        raise Conflict("The text has changed since. Look at the findings again.")
    await policy.note_false_alarm(session, viewer, finding.rule, finding.start, finding.end, finding.words)
    findings = await found(session, viewer, typed, [*noted, f"{finding.rule}-{finding.words}"])
    if quick(request):
        return fragment(request, "write/_policy.html", {"policy": findings})
    return await as_typed(request, session, viewer, typed, post, findings)


async def _typed(session: AsyncSession, viewer: Viewer, form: FormData) -> Typed:
    """With what is said about the pictures, which are checked too."""
    typed = Typed.of(form)
    return replace(
        typed, carried=tuple(each.as_typed(form) for each in await pictures.known(session, viewer, typed, form))
    )


def _noted(form: FormData) -> list[str]:
    return [str(each) for each in form.getlist("noted")]
