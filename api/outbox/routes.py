"""Deliveries over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.errors import NotFound
from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
)
from api.models import DeliveryState
from api.outbox import queries, service, sightings
from api.outbox.forecast import forecast
from api.outbox.lateness import DAYS, MOST_DAYS, proof
from api.outbox.schemas import DeliveryOut, LatenessOut, RetryIn, ShortfallOut, SightingIn, SightingOut
from api.outbox.waits import waits

router = api_router("/deliveries", "deliveries")


@router.get("", summary="What goes out, went out or did not", **needs("posts:read"))
async def list_deliveries(
    session: ReadSession,
    viewer: CurrentViewer,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[DeliveryOut]:
    page = await queries.deliveries(session, viewer, state, team_id, cursor, limit)
    waiting = await waits(session, [each.account_id for each in page.items])
    return PageOut[DeliveryOut].of(page, [DeliveryOut.of(each, waiting) for each in page.items])


@router.get("/lateness", summary="How late things went out, and what did not", **needs("posts:read"))
async def show_lateness(
    session: ReadSession,
    viewer: CurrentViewer,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="How many days, today being the last.")] = DAYS,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    account_id: Annotated[UUID | None, Query(description="Only those of this account.")] = None,
) -> LatenessOut:
    """Of what you may see: in all, by day, by platform and by account."""
    access.require_anywhere(viewer, Action.SEE_POSTS)
    return LatenessOut.of(await proof(session, viewer, now(), days, team_id, account_id))


@router.get("/forecast", summary="What is planned and will not go out", **needs("posts:read"))
async def show_forecast(session: ReadSession, viewer: CurrentViewer) -> PageOut[ShortfallOut]:
    """By account: its permission ends before, or it cannot send now. There are few: they come on one page."""
    access.require_anywhere(viewer, Action.SEE_POSTS)
    found = await forecast(session, viewer)
    return PageOut(items=[ShortfallOut.model_validate(each) for each in found], next_cursor=None)


@router.post("/{delivery_id}/retry", summary="Send again, where that is safe", **needs("posts:publish", "inbox:write"))
async def retry_delivery(
    session: WriteSession,
    viewer: CurrentViewer,
    delivery_id: UUID,
    retry: RetryIn | None = None,
    idempotency_key: IdempotencyKey = None,
) -> DeliveryOut:
    delivery = await queries.get_delivery(session, viewer, delivery_id)
    again = retry or RetryIn(even_if_unsure=False)
    delivery = await service.retry(session, viewer, delivery, even_if_unsure=again.even_if_unsure)
    return DeliveryOut.of(delivery, await waits(session, [delivery.account_id]))


@router.post(
    "/{delivery_id}/sighting", status_code=202, summary="It is live: say where", **needs("posts:publish", "inbox:write")
)
async def report_sighting(
    session: WriteSession,
    viewer: CurrentViewer,
    delivery_id: UUID,
    seen: SightingIn,
    idempotency_key: IdempotencyKey = None,
) -> SightingOut:
    """For a delivery that needs a person. A worker looks whether that post is the account's own; ask again for the answer."""
    delivery = await queries.get_delivery(session, viewer, delivery_id)
    return SightingOut.model_validate(await sightings.report(session, viewer, delivery, seen.url))


@router.get("/{delivery_id}/sighting", summary="What came of the last address that was given", **needs("posts:read"))
async def show_sighting(session: ReadSession, viewer: CurrentViewer, delivery_id: UUID) -> SightingOut:
    delivery = await queries.get_delivery(session, viewer, delivery_id)
    found = (await sightings.latest(session, [delivery.id])).get(delivery.id)
    if found is None:
        raise NotFound("Nobody has given an address for it.")
    return SightingOut.model_validate(found)
