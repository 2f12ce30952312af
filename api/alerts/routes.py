"""Alerts and webhooks over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.access import service as access
from api.access.service import Action
from api.alerts import queries, service
from api.alerts.schemas import AlertOut, CallOut, NewWebhookOut, WebhookIn, WebhookOut, WebhookPatch
from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    runtime_of,
    tagged,
)

router = api_router("/alerts", "alerts")
webhooks = api_router("/webhooks", "alerts")


@router.get("", summary="What somebody must know about", **needs("alerts:read", "alerts:write"))
async def list_alerts(
    session: ReadSession,
    viewer: CurrentViewer,
    standing: Annotated[bool | None, Query(description="Only those whose cause lasts, or only those over.")] = None,
    account_id: Annotated[UUID | None, Query(description="Only those of this account.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[AlertOut]:
    access.require_anywhere(viewer, Action.SEE_ALERTS)
    page = await queries.alerts(session, viewer, standing=standing, account_id=account_id, cursor=cursor, limit=limit)
    return PageOut[AlertOut].of(page, [AlertOut.of(each) for each in page.items])


@router.get("/{alert_id}", summary="One alert", **needs("alerts:read", "alerts:write"))
async def show_alert(response: Response, session: ReadSession, viewer: CurrentViewer, alert_id: UUID) -> AlertOut:
    alert = await queries.get_alert(session, viewer, alert_id)
    tagged(response, alert)
    return AlertOut.of(alert)


@router.post("/{alert_id}/seen", summary="Somebody looks after it. Twice is once", **needs("alerts:write"))
async def mark_seen(session: WriteSession, viewer: CurrentViewer, alert_id: UUID) -> AlertOut:
    return AlertOut.of(await service.seen(session, viewer, alert_id))


@webhooks.get("", summary="Addresses that are told of alerts", **needs("webhooks:write"))
async def list_webhooks(session: ReadSession, viewer: CurrentViewer) -> PageOut[WebhookOut]:
    found = await queries.webhooks(session, viewer)
    last = await queries.last_calls(session, [each.id for each in found])
    return PageOut(items=[WebhookOut.of(each, last.get(each.id)) for each in found], next_cursor=None)


@webhooks.post("", status_code=201, summary="Register an address; its secret is shown once", **needs("webhooks:write"))
async def add_webhook(
    request: Request, session: WriteSession, viewer: CurrentViewer, wanted: WebhookIn, _: IdempotencyKey = None
) -> NewWebhookOut:
    request.state.no_replay = True  # the answer holds the secret
    sealer = runtime_of(request).sealer
    hook, secret = await service.add_webhook(session, sealer, viewer, wanted.url, wanted.secret)
    return NewWebhookOut(**WebhookOut.of(hook, None).model_dump(), secret=secret)


@webhooks.get("/{webhook_id}", summary="One address and its newest call", **needs("webhooks:write"))
async def show_webhook(response: Response, session: ReadSession, viewer: CurrentViewer, webhook_id: UUID) -> WebhookOut:
    hook = await queries.get_webhook(session, viewer, webhook_id)
    tagged(response, hook)
    return WebhookOut.of(hook, (await queries.last_calls(session, [hook.id])).get(hook.id))


@webhooks.patch("/{webhook_id}", summary="Another address, the same secret", **needs("webhooks:write"))
async def change_webhook(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    webhook_id: UUID,
    patch: WebhookPatch,
    version: MustMatch,
) -> WebhookOut:
    hook = await service.move_webhook(session, viewer, webhook_id, patch.url, version)
    tagged(response, hook)
    return WebhookOut.of(hook, None)


@webhooks.post("/{webhook_id}/test", status_code=202, summary="Send a test", **needs("webhooks:write"))
async def try_webhook(
    session: WriteSession, viewer: CurrentViewer, webhook_id: UUID, _: IdempotencyKey = None
) -> CallOut:
    return CallOut.model_validate(await service.try_webhook(session, viewer, webhook_id))


@webhooks.post("/{webhook_id}/end", summary="Tell it nothing more", **needs("webhooks:write"))
async def end_webhook(session: WriteSession, viewer: CurrentViewer, webhook_id: UUID) -> WebhookOut:
    return WebhookOut.of(await service.end_webhook(session, viewer, webhook_id), None)
