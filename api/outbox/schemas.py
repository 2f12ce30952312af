"""Deliveries on the wire."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from api.core.wire import Wire
from api.models import DeliveryKind, DeliveryState


class DeliveryOut(BaseModel):
    """`lateness_ms` is measured to the platform's answer; after a lost answer, to the time it shows itself."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: UUID
    account_id: UUID
    post_id: UUID | None
    part: int = Field(description="Of a thread: which one of its parts, from 1.")
    parts: int
    state: DeliveryState
    due_at: AwareDatetime
    useful_until: AwareDatetime
    sent_at: AwareDatetime | None
    lateness_ms: int | None
    remote_id: str | None
    url: str | None
    error: str | None = Field(description="A sentence for whoever has to act.")
    kind: DeliveryKind
    edited_at: AwareDatetime | None = Field(description="When its words were last changed where they stand.")
    gone_at: AwareDatetime | None = Field(description="Since when it is not there any more, by us or by somebody else.")


class RetryIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"even_if_unsure": False}]})

    even_if_unsure: StrictBool = Field(
        False, description="Send it although nobody knows whether it is out already. Kept in the audit."
    )
