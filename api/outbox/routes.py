"""Deliveries over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

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
from api.outbox import queries, service
from api.outbox.forecast import waits
from api.outbox.schemas import DeliveryOut, RetryIn

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
