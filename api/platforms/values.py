"""The frozen values that connectors take and return. They never meet the database."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class Platform(StrEnum):
    MASTODON = "mastodon"
    BLUESKY = "bluesky"


class Visibility(StrEnum):
    """Who can see a message; a reply keeps the visibility of what it answers."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"


class Stream(StrEnum):
    """What is polled of an account, each with a cursor of its own."""

    MENTIONS = "mentions"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, built by a connector and sent by a carrier. Its repr shows no token and no text."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    creates: bool = False
    """It makes something on the platform: when its answer is lost, nobody knows whether it happened."""
    after: float = 0.0
    """Seconds to wait before it is asked: something is being made ready there."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer as it was read; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


Exchange = Generator[Request, Response, T]
"""A conversation with a platform: yields requests, is sent their responses, returns a value or raises PlatformError."""


@dataclass(frozen=True, slots=True)
class Address:
    """An account of ours on a platform. `instance` is the server's origin, such as https://town.example."""

    platform: Platform
    instance: str
    remote_id: str = ""
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it goes out: re-encoded already, so that nothing in it tells where it was taken.

    Without its bytes where they are not needed: once it was brought up, or to recognise it.
    """

    data: bytes = field(repr=False)
    kind: str
    """image/jpeg, image/png or image/webp."""
    alt: str = field(repr=False)
    width: int
    height: int
    focus: tuple[float, float] = (0.0, 0.0)
    """What stays in sight when it is cropped: -1 to 1 from the left, and from the bottom."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video as it came. `size` in bytes."""

    data: bytes = field(repr=False)
    kind: str
    alt: str = field(repr=False)
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """What stands for a link under a post, where the platform does not make it by itself."""

    url: str
    title: str
    description: str = ""
    image: str = ""
    """Where its picture is; `thumb` once it was fetched."""
    thumb: Picture | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Exactly what is to be published, and the key that stays the same for every attempt."""

    key: str
    text: str = field(repr=False)
    visibility: Visibility = Visibility.PUBLIC
    in_reply_to: str | None = None
    language: str = "en"
    content_warning: str = ""
    pictures: tuple[Picture, ...] = ()
    card: Card | None = None
    video: Video | None = None
    brought: tuple[str, ...] = ()
    """What the platform called the pictures or the video when they were brought up, in order; then nothing is again."""
    shares: str | None = None
    """Somebody's post that is passed on as it is, as the platform names it; then there are no words."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the platform says about something it holds for us."""

    remote_id: str
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Edited:
    """What stands there after a change was asked for. Other words than ours: somebody had changed it there before."""

    text: str = field(repr=False)
    content_warning: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RawItem:
    """One thing as the platform sent it, kept before anybody interprets it."""

    remote_id: str
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of a stream, oldest first; `more` asks for another call with the new cursor."""

    items: tuple[RawItem, ...]
    cursor: str | None
    more: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody on a platform. `handle` is complete: name@server, or a domain where that is the whole name."""

    remote_id: str
    handle: str
    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    kind: str
    url: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message read from a RawItem: plain text, no markup."""

    remote_id: str
    author: Contact
    ours: bool
    text: str
    visibility: Visibility
    occurred_at: datetime
    in_reply_to: str | None = None
    edited_at: datetime | None = None
    language: str | None = None
    url: str = ""
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What an instance allows; read from it, kept for a day."""

    max_length: int = 500
    url_length: int = 23
    max_media: int = 4
    alt_length: int = 1500
    image_size: int = 16_777_216
    image_pixels: int = 33_177_600
    video_size: int = 103_809_024

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token this is."""

    remote_id: str
    handle: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class App:
    """Our registration with one instance. The secret is opened by workers only."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, or JSON of the several that a platform's session has. Never printed: repr hides it."""

    secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    """When it ends if nobody renews it; None: never, or nobody said."""
    renewable: bool = False


Count = Callable[[str, Limits], int]
