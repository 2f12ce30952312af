"""Posts on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StrictBool, model_validator

from api.core.errors import Invalid
from api.core.shapes import Moment, Out, Words
from api.core.wire import Wire
from api.models import Confirmation, PostState, ShareHow
from api.outbox.schemas import DeliveryOut
from api.platforms.values import Visibility
from api.posts.standing import StandingState
from api.posts.values import Written

MOST_ACCOUNTS = 50
Text = Annotated[Words, Field(max_length=20_000)]
Accounts = Annotated[list[UUID], Field(max_length=MOST_ACCOUNTS)]
Warned = Annotated[Words, Field(max_length=500)]
Language = Annotated[Words, Field(pattern=r"^[a-z]{2,3}$")]
ForPosts = Literal[Visibility.PUBLIC, Visibility.UNLISTED, Visibility.FOLLOWERS]
"""A direct message is no post."""
Carried = Annotated[
    list[UUID], Field(max_length=20, description="The pictures or the video that it carries, in order: ids of media.")
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
    language: Language = "en"
    visibility: ForPosts = Field(Visibility.PUBLIC, description="As far as each platform has it; 422 where it has not.")
    content_warning: Warned = Field(
        "", description="Shown first, the words on demand; where a platform has no such thing, the first line."
    )
    as_thread: StrictBool = Field(
        False, description="Where it is too long it goes out in parts, each answering the one before."
    )
    media_ids: Carried = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> "PostIn":
        check_accounts(self.account_ids, self.variants)
        check_media(self.media_ids)
        if self.values is not None and (self.standard_post_id is None or self.text):
            raise ValueError("values fill in a standard post: send standard_post_id with them, and no text")
        return self


class DescriptionIn(Wire):
    media_id: UUID
    alt: Annotated[Words, Field(max_length=10_000)]


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
    language: Language | None = None
    visibility: ForPosts | None = None
    content_warning: Warned | None = Field(
        None, description="Of what is out already, too: what stands before the words. Empty takes it away."
    )
    as_thread: StrictBool | None = None
    descriptions: Annotated[list[DescriptionIn], Field(max_length=20)] | None = Field(
        None, description="Of pictures that are out already: new words for people who cannot see them."
    )
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


class WithdrawIn(Wire):
    """The reason is kept in the audit."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The road is open again since noon"}]})

    reason: Annotated[Words, Field(max_length=500)]


class ShareIn(Wire):
    """`text` is a line of yours: with `link` it stands before the address of the original, a repost has none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "team_id": EXAMPLE_ID,
                    "how": "link",
                    "text": "Northgate: the same team is at the library on Saturday.",
                    "account_ids": [EXAMPLE_ACCOUNT],
                },
                {"team_id": EXAMPLE_ID, "how": "repost", "account_ids": [EXAMPLE_ACCOUNT]},
            ]
        }
    )

    team_id: UUID
    how: ShareHow
    account_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_ACCOUNTS)]
    text: Text = ""
    publish_at: Moment | None = Field(
        None, description="When it goes out; the last 60 seconds mean now. Needs posts:publish. Absent: a draft."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "ShareIn":
        check_accounts(self.account_ids, [])
        if self.how is ShareHow.REPOST and self.text:
            raise ValueError("a repost has no words of its own: share it as a link to add a line")
        return self


class SharedOut(Out):
    """What it passes on: a delivery of the force's own."""

    delivery_id: UUID
    how: ShareHow


class VersionOut(Out):
    """What stood on an account until it was changed. `changed_by` null: somebody changed it on the platform itself."""

    delivery_id: UUID
    account_id: UUID
    text: str
    content_warning: str
    descriptions: list[str] | None = Field(description="Of its pictures, where they were changed.")
    replaced_at: datetime
    changed_by: str | None


class VersionsOut(Out):
    items: list[VersionOut]


class StandingOut(Out):
    """What became of one account's: `state` is out, asked, gone, failed, stopped or in_doubt."""

    account_id: UUID
    delivery_id: UUID
    state: StandingState
    words: str
    url: str | None


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
    visibility: Visibility
    content_warning: str
    as_thread: bool
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
    shares: SharedOut | None = Field(description="What it passes on, for a post that shares one of the force's own.")
    withdrawn_at: datetime | None = Field(description="When it was asked to be taken down.")
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
                "shares": SharedOut.model_validate(written.share) if written.share else None,
                "account_ids": [each.account_id for each in written.destinations],
                "variants": [VariantOut.model_validate(each) for each in written.destinations if each.text is not None],
                "publish_at": schedule.publish_at if schedule else None,
                "useful_until": (schedule.useful_until if schedule else None) or post.useful_until,
                "schedule_id": schedule.id if schedule else None,
                "media_ids": [each.id for each in written.media],
                "deliveries": [DeliveryOut.of(each, written.waiting) for each in written.deliveries],
            }
            | more
        )


class WithdrawnOut(PostOut):
    """`accounts` says of each in plain words whether it is down."""

    accounts: list[StandingOut]


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
