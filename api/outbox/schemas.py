"""Deliveries on the wire."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from api.core.shapes import Out, Words
from api.core.wire import Wire
from api.models import Delivery, DeliveryKind, DeliveryState, SightingState
from api.outbox.forecast import WhyNot
from api.outbox.lateness import Proof
from api.outbox.waits import Wait, foreseen
from api.platforms.values import Platform


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
    forecast: str | None = Field(
        None, description="What stands in its way while it waits, and whether it will still be useful after that."
    )

    @classmethod
    def of(cls, delivery: Delivery, waiting: Mapping[UUID, Wait]) -> Self:
        return cls.model_validate(delivery).model_copy(update={"forecast": foreseen(delivery, waiting)})


class FiguresOut(Out):
    """Lateness runs from the time it was due to the platform's answer. Percentiles say “at most”."""

    sent: int
    p50_ms: int | None = Field(description="Half of them were no later; null where nothing was sent.")
    p99_ms: int | None = Field(description="99 in 100 were no later.")
    longest_ms: int | None
    missed: int = Field(description="Too late to be useful, and never sent.")
    refused: int
    needs_person: int = Field(description="Nobody knows whether they are out.")
    again: int = Field(description="Sent again by somebody; counted on their first day, and in no percentile.")


class DayOut(FiguresOut):
    day: date = Field(description="In London.")


class PlatformFiguresOut(FiguresOut):
    platform: Platform


class AccountFiguresOut(PlatformFiguresOut):
    account_id: UUID


class LatenessOut(Out):
    since: AwareDatetime
    until: AwareDatetime
    total: FiguresOut
    days: list[DayOut] = Field(description="Each day, oldest first; days on which nothing was due too.")
    platforms: list[PlatformFiguresOut]
    accounts: list[AccountFiguresOut]

    @classmethod
    def of(cls, proof: Proof) -> "LatenessOut":
        return cls.model_validate({
            "since": proof.since,
            "until": proof.until,
            "total": asdict(proof.total),
            "days": [{"day": day, **asdict(each)} for day, each in proof.days.items()],
            "platforms": [{"platform": name, **asdict(each)} for name, each in proof.platforms.items()],
            "accounts": [
                {"account_id": account, "platform": proof.platform_of[account], **asdict(each)}
                for account, each in proof.accounts.items()
            ],
        })  # fmt: skip


class ShortfallOut(Out):
    account_id: UUID
    why: WhyNot
    ends_at: AwareDatetime | None = Field(description="When its permission ends, where it has an end.")
    number: int = Field(description="Planned deliveries that will not go out as far as is known now.")
    first_at: AwareDatetime


class SightingIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://town.example/@sandfordnorth/1000"}]})

    url: Words = Field(max_length=500, description="Where the post stands, as a browser shows it.")


class SightingOut(Out):
    """Believed once a worker has found it in the account's own list: `found`, or `rejected` with the reason."""

    id: UUID
    delivery_id: UUID
    state: SightingState
    url: str
    error: str
    created_at: AwareDatetime


class RetryIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"even_if_unsure": False}]})

    even_if_unsure: StrictBool = Field(
        False, description="Send it although nobody knows whether it is out already. Kept in the audit."
    )
