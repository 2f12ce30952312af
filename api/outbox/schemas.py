"""Deliveries on the wire."""

from collections.abc import Mapping
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from api.core.wire import Wire
from api.models import Delivery, DeliveryState
from api.outbox.forecast import Wait, forecast


class DeliveryOut(BaseModel):
    """`lateness_ms` is measured to the platform's answer; after a lost answer, to the time it shows itself."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: UUID
    account_id: UUID
    post_id: UUID | None
    state: DeliveryState
    due_at: AwareDatetime
    useful_until: AwareDatetime
    sent_at: AwareDatetime | None
    lateness_ms: int | None
    remote_id: str | None
    url: str | None
    error: str | None = Field(description="A sentence for whoever has to act.")
    forecast: str | None = Field(
        None, description="What stands in its way while it waits, and whether it will still be useful after that."
    )

    @classmethod
    def of(cls, delivery: Delivery, waiting: Mapping[UUID, Wait]) -> Self:
        return cls.model_validate(delivery).model_copy(update={"forecast": forecast(delivery, waiting)})


class RetryIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"even_if_unsure": False}]})

    even_if_unsure: StrictBool = Field(
        False, description="Send it although nobody knows whether it is out already. Kept in the audit."
    )
