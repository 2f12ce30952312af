"""Other systems that are told of alerts: an address, a secret that is shown once, and whether it answers."""

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.alerts import queries
from api.alerts import service as alerts
from api.models import AlertMessage, MessageState, Viewer
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.render import page
from web.shown import State

router = APIRouter(prefix="/alerts/webhooks")
STATES = {
    MessageState.SENT: State("Arrived", "green", "check"),
    MessageState.WAITING: State("On its way", "amber", "clock"),
    MessageState.FAILED: State("Given up", "red", "alert"),
}


@router.get("")
async def all_of_them(request: Request, session: ReadSession, viewer: Framed) -> HTMLResponse:
    return await _all(request, session, viewer)


@router.post("")
async def add(request: Request, viewer: Framed) -> Response:
    """The answer shows the secret, this once: an address would keep it."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in ("url", "secret")}
    try:
        async with runtime_of(request).unit_of_work() as session:
            sealer = runtime_of(request).sealer
            hook, secret = await alerts.add_webhook(session, sealer, viewer, typed["url"], typed["secret"])
    except CAUGHT as error:
        async with runtime_of(request).read() as session:
            return await _all(request, session, viewer, {"url": typed["url"]}, errors_of(error))
    async with runtime_of(request).read() as session:
        return await _all(request, session, viewer, made=(hook.url, secret))


@router.post("/{webhook_id}/test")
async def test(session: WriteSession, viewer: Signed, webhook_id: UUID) -> RedirectResponse:
    await alerts.try_webhook(session, viewer, webhook_id)
    return RedirectResponse("/alerts/webhooks?said=webhook-test", 303)


@router.post("/{webhook_id}/move")
async def move(request: Request, session: WriteSession, viewer: Signed, webhook_id: UUID) -> RedirectResponse:
    form = await request.form()
    await alerts.move_webhook(session, viewer, webhook_id, str(form.get("url", "")), None)
    return RedirectResponse("/alerts/webhooks?said=webhook-moved", 303)


@router.post("/{webhook_id}/end")
async def end(session: WriteSession, viewer: Signed, webhook_id: UUID) -> RedirectResponse:
    await alerts.end_webhook(session, viewer, webhook_id)
    return RedirectResponse("/alerts/webhooks?said=webhook-ended", 303)


async def _all(
    request: Request,
    session: AsyncSession,
    viewer: Viewer,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    made: tuple[str, str] | None = None,
) -> HTMLResponse:
    hooks = await queries.webhooks(session, viewer)
    last = await queries.last_calls(session, [hook.id for hook in hooks])
    return page(request, "alerts/webhooks.html", {
        "hooks": [(hook, last.get(hook.id), _outcome(last.get(hook.id))) for hook in hooks],
        "moving": any(call.state is MessageState.WAITING for call in last.values()),
        "form": typed or {"url": ""},
        "errors": errors or {},
        "made": made,
    }, 422 if errors else 200)  # fmt: skip


def _outcome(call: AlertMessage | None) -> State:
    return STATES[call.state] if call else State("Nothing called yet")
