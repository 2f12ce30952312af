"""Alerts and webhooks on the wire: ids, kinds and times, no words of anybody."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.alerts import words
from api.core.shapes import Out, Words
from api.core.wire import Wire
from api.models import Alert, AlertKind, AlertMessage, MessageEvent, MessageState, Webhook


class AlertOut(Out):
    id: UUID
    kind: AlertKind
    account_id: UUID
    team_id: UUID | None = Field(description="Null: one of the force's own accounts.")
    number: int = Field(description="How many things it is about.")
    at: datetime | None = Field(description="When it happens, or since when it is so, where that is known.")
    what_to_do: str
    path: str = Field(description="Where somebody can do something about it.")
    opened_at: datetime
    seen_at: datetime | None
    seen_by_id: UUID | None
    resolved_at: datetime | None = Field(description="Set by itself once the cause is over.")
    etag: str

    @classmethod
    def of(cls, alert: Alert) -> "AlertOut":
        named = {name: getattr(alert, name) for name in ("id", "kind", "account_id", "team_id", "number", "at")}
        more: dict[str, Any] = {
            "what_to_do": words.TO_DO[alert.kind],
            "path": words.path(alert),
            "opened_at": alert.created_at,
            "seen_at": alert.seen_at,
            "seen_by_id": alert.seen_by_id,
            "resolved_at": alert.resolved_at,
            "etag": alert.etag,
        }
        return cls(**named, **more)


class CallOut(Out):
    """The newest call, and what became of it."""

    id: UUID
    event: MessageEvent
    state: MessageState
    tries: int
    error: str
    created_at: datetime
    sent_at: datetime | None


class WebhookOut(Out):
    id: UUID
    url: str
    created_at: datetime
    last_call: CallOut | None = None
    etag: str

    @classmethod
    def of(cls, hook: Webhook, last: AlertMessage | None) -> "WebhookOut":
        return cls.model_validate(hook).model_copy(update={"last_call": CallOut.model_validate(last) if last else None})


class NewWebhookOut(WebhookOut):
    secret: str = Field(description="Shown this once. The signature is made with it.")


class WebhookIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://alarm.example/beatline"}]})

    url: Words = Field(max_length=500, description="https, in the public internet.")
    secret: Words = Field("", max_length=200, description="At least 16 characters; left out: one is made.")


class WebhookPatch(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://alarm.example/other"}]})

    url: Words = Field(max_length=500)
