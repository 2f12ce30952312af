"""Under the words while somebody writes: what the check before publishing found, and the way to say it is wrong."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from api.core.errors import Conflict
from api.policy import service as policy
from web.deps import Framed, ReadSession, Signed, WriteSession
from web.findings import chosen, found
from web.pages.write import as_typed
from web.render import fragment, quick
from web.typed import Typed

router = APIRouter()


@router.post("/write/policy")
async def look(request: Request, session: ReadSession, viewer: Signed) -> HTMLResponse:
    form = await request.form()
    return fragment(
        request, "write/_policy.html", {"policy": await found(session, viewer, Typed.of(form), _noted(form))}
    )


@router.post("/write/policy/false-alarm")
async def false_alarm(
    request: Request, session: WriteSession, viewer: Framed, post: UUID | None = None
) -> HTMLResponse:
    """Kept for who looks after the rules; the finding stays, marked as answered."""
    form = await request.form()
    typed, noted = Typed.of(form), _noted(form)
    finding = chosen(await found(session, viewer, typed, noted), str(form.get("alarm", "")))
    if finding is None:
        raise Conflict("The text has changed since. Look at the findings again.")
    await policy.note_false_alarm(session, viewer, finding.rule, finding.start, finding.end, finding.words)
    findings = await found(session, viewer, typed, [*noted, f"{finding.rule}-{finding.words}"])
    if quick(request):
        return fragment(request, "write/_policy.html", {"policy": findings})
    return await as_typed(request, session, viewer, typed, post, findings)


def _noted(form: FormData) -> list[str]:
    return [str(each) for each in form.getlist("noted")]
