"""Posts on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from api.core.errors import Invalid
from api.core.shapes import Moment, Out, Words
from api.core.wire import Wire
from api.models import Confirmation, PostState
from api.outbox.schemas import DeliveryOut
from api.posts.values import Written

MOST_ACCOUNTS = 50
Text = Annotated[Words, Field(max_length=20_000)]
Accounts = Annotated[list[UUID], Field(max_length=MOST_ACCOUNTS)]
Carried = Annotated[
    list[UUID], Field(max_length=20, description="The pictures or the film that it carries, in order: ids of media.")
]
EXAMPLE_ID = "0198f3a2-5b1e-7c3d-9e4f-1a2b3c4d5e6f"
EXAMPLE_MEDIA = "0198f3a2-7d30-7e5f-9061-3c4d5e6f7081"
EXAMPLE_ACCOUNT = "0198f3a2-6c2f-7d4e-8f50-2b3c4d5e6f70"


class Variant(Wire):
    """What one account says instead of the text."""

    account_id: UUID
    text: Text


class PostIn(Wire):
    """Without `publish_at` it is a draft. A draft may be empty or too long; nothing like that goes out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "team_id": EXAMPLE_ID,
                    "text": "Bike marking at Northgate Library, Saturday 10am to noon.",
                    "account_ids": [EXAMPLE_ACCOUNT],
                    "media_ids": [EXAMPLE_MEDIA],
                    "publish_at": "2026-11-28T09:00:00+00:00",
                    "useful_until": "2026-11-28T12:00:00+00:00",
                    "variants": [
                        {"account_id": EXAMPLE_ACCOUNT, "text": "Bike marking on Saturday, 10am, the library."}
                    ],
                },
                {"team_id": EXAMPLE_ID, "text": "Bike marking again in spring: which day suits you?"},
            ]
        }
    )

    team_id: UUID
    text: Text = ""
    account_ids: Accounts = Field(default_factory=list)
    publish_at: Moment | None = Field(
        None, description="When it goes out; the last 60 seconds mean now. Needs posts:publish. Absent: a draft."
    )
    useful_until: Moment | None = Field(
        None, description="Not sent after this. Absent: so many hours after its time, as the force has set."
    )
    variants: list[Variant] = Field(default_factory=list, max_length=MOST_ACCOUNTS)
    standard_post_id: UUID | None = Field(None, description="The standard post that it is made from.")
    values: dict[str, Words] | None = Field(
        None, max_length=40, description="What fills in the standard post's fields; then `text` is left out."
    )
    language: Annotated[Words, Field(pattern=r"^[a-z]{2,3}$")] = "en"
    media_ids: Carried = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> "PostIn":
        check_accounts(self.account_ids, self.variants)
        check_media(self.media_ids)
        if self.values is not None and (self.standard_post_id is None or self.text):
            raise ValueError("values fill in a standard post: send standard_post_id with them, and no text")
        return self


class PostPatch(Wire):
    """Only what is sent changes; null changes nothing. `account_ids`, `variants` and `media_ids` are complete lists."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "Bike marking moves indoors: Northgate Hall, Saturday 10am."}],
        }
    )

    text: Text | None = None
    account_ids: Accounts | None = None
    variants: Annotated[list[Variant], Field(max_length=MOST_ACCOUNTS)] | None = None
    publish_at: Moment | None = Field(None, description="Moves it; on a draft it publishes. Needs posts:publish.")
    useful_until: Moment | None = None
    media_ids: Carried | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "PostPatch":
        check_accounts(self.account_ids, self.variants or [])
        check_media(self.media_ids or [])
        return self


class PublishIn(Wire):
    """Nothing at all means now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"publish_at": "2026-11-28T09:00:00+00:00"}]})

    publish_at: Moment | None = None
    useful_until: Moment | None = None


class VariantOut(Out):
    account_id: UUID
    text: str


class PostOut(Out):
    """`confirmed_how` is `person` (they answered the journalist question) or `token` (their standing answer)."""

    id: UUID
    team_id: UUID
    state: PostState
    etag: str
    text: str
    language: str
    author_id: UUID
    author: str
    account_ids: list[UUID]
    variants: list[VariantOut]
    publish_at: datetime | None
    useful_until: datetime | None
    schedule_id: UUID | None
    standard_post_id: UUID | None
    question_id: UUID | None
    priority_id: UUID | None
    confirmed_by_id: UUID | None
    confirmed_at: datetime | None
    confirmed_how: Confirmation | None
    created_at: datetime
    updated_at: datetime
    media_ids: list[UUID]
    deliveries: list[DeliveryOut]

    @classmethod
    def of(cls, written: Written, **more: Any) -> Self:
        post, schedule = written.post, written.schedule
        return cls.model_validate(
            {name: getattr(post, name) for name in cls.model_fields if hasattr(post, name)}
            | {
                "author": written.author,
                "account_ids": [each.account_id for each in written.destinations],
                "variants": [VariantOut.model_validate(each) for each in written.destinations if each.text is not None],
                "publish_at": schedule.publish_at if schedule else None,
                "useful_until": (schedule.useful_until if schedule else None) or post.useful_until,
                "schedule_id": schedule.id if schedule else None,
                "media_ids": [each.id for each in written.media],
                "deliveries": [DeliveryOut.model_validate(each) for each in written.deliveries],
            }
            | more
        )


class CancelledOut(PostOut):
    """`words` says plainly what was stopped and what had already left."""

    words: str
    stopped: list[UUID] = Field(description="Accounts for which it was stopped.")
    gone: list[UUID] = Field(description="Accounts for which it was too late.")


def check_accounts(account_ids: list[UUID] | None, variants: list[Variant]) -> None:
    if account_ids is not None and len(set(account_ids)) < len(account_ids):
        raise ValueError("an account is named twice in account_ids")
    varied = [variant.account_id for variant in variants]
    if len(set(varied)) < len(varied):
        raise ValueError("an account has two variants")
    if account_ids is not None and not set(varied) <= set(account_ids):
        raise ValueError("a variant is for an account that is not in account_ids")


def check_media(media_ids: list[UUID]) -> None:
    if len(set(media_ids)) < len(media_ids):
        raise ValueError("one of media_ids is named twice")


def refuse_unknown_variants(chosen: set[UUID], variants: list[Variant]) -> None:
    """For a patch that changes the variants and leaves the accounts as they are."""
    if not {variant.account_id for variant in variants} <= chosen:
        raise Invalid("A variant is for an account that this post does not go to.", "variants")
