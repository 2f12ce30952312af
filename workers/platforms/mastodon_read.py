"""Reading what Mastodon and its relatives send: pure, and calm about whatever is missing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from api.platforms.values import (
    Address,
    Attachment,
    Contact,
    Identity,
    Incoming,
    Limits,
    Published,
    RawItem,
    Visibility,
)
from workers.platforms import html
from workers.platforms.payload import child, link, listed, moment, number, text_of

VISIBILITIES = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.DIRECT,
}
NAMES = {visibility: name for name, visibility in VISIBILITIES.items()}


def read(address: Address, item: RawItem) -> Incoming:
    """One message as plain text; a server that leaves something out changes nothing else."""
    status = item.payload
    author = contact(address, child(status, "account"))
    mentioned = [child({"mention": entry}, "mention") for entry in listed(status, "mentions")]
    return Incoming(
        remote_id=item.remote_id,
        author=author,
        ours=bool(author.remote_id) and author.remote_id == address.remote_id,
        text=_text(address, status, mentioned),
        visibility=VISIBILITIES.get(text_of(status, "visibility"), Visibility.DIRECT),
        # A message without a time counts as just arrived, so that nobody overlooks it.
        occurred_at=moment(status.get("created_at")) or datetime.now(UTC),
        in_reply_to=text_of(status, "in_reply_to_id") or None,
        edited_at=moment(status.get("edited_at")),
        language=text_of(status, "language") or None,
        url=link(text_of(status, "url")) or link(text_of(status, "uri")),
        attachments=tuple(_attachments(status)),
        mentions=tuple(handle(address, entry) for entry in mentioned if text_of(entry, "acct")),
    )


def contact(address: Address, account: dict[str, Any]) -> Contact:
    known = handle(address, account)
    return Contact(
        remote_id=text_of(account, "id"),
        handle=known,
        name=html.normalise(text_of(account, "display_name")) or known.partition("@")[0],
        url=link(text_of(account, "url")),
    )


def handle(address: Address, account: dict[str, Any]) -> str:
    """name@server, completed where the server leaves its own name out."""
    name = (text_of(account, "acct") or text_of(account, "username")).lstrip("@")
    return name if not name or "@" in name else f"{name}@{domain(address)}"


def domain(address: Address) -> str:
    """The name in our own handle: a server's handles may differ from the host it is reached at."""
    return address.handle.lstrip("@").partition("@")[2] or urlsplit(address.instance).netloc


def published(status: dict[str, Any], otherwise: Callable[[], datetime]) -> Published:
    """`otherwise` is when it was made where the server does not say."""
    return Published(
        remote_id=text_of(status, "id"),
        url=link(text_of(status, "url")) or link(text_of(status, "uri")),
        created_at=moment(status.get("created_at")) or otherwise(),
    )


def identity(host: str, account: dict[str, Any]) -> Identity:
    name = text_of(account, "username") or text_of(account, "acct").partition("@")[0]
    return Identity(
        remote_id=text_of(account, "id"),
        handle=f"{name}@{host}",
        name=html.normalise(text_of(account, "display_name")) or name,
        url=link(text_of(account, "url")),
    )


def limits(instance: dict[str, Any]) -> Limits:
    """From /api/v2/instance or the older v1, whose relatives say max_toot_chars."""
    configuration = child(instance, "configuration")
    statuses, media = child(configuration, "statuses"), child(configuration, "media_attachments")
    usual = Limits()
    old = number(instance, "max_toot_chars", usual.max_length)
    return Limits(
        max_length=number(statuses, "max_characters", old),
        url_length=number(statuses, "characters_reserved_per_url", usual.url_length),
        max_media=number(statuses, "max_media_attachments", usual.max_media),
        alt_length=number(media, "description_limit", usual.alt_length),
        image_size=number(media, "image_size_limit", usual.image_size),
        image_pixels=number(media, "image_matrix_limit", usual.image_pixels),
        video_size=number(media, "video_size_limit", usual.video_size),
    )


def _text(address: Address, status: dict[str, Any], mentioned: list[dict[str, Any]]) -> str:
    by_url = {text_of(entry, "url"): handle(address, entry) for entry in mentioned if text_of(entry, "url")}

    def stand_in(href: str, shown: str, classes: frozenset[str]) -> str:
        if href in by_url:
            return f"@{by_url[href]}"
        return html.by_href(href, shown, classes)

    text = html.to_text(text_of(status, "content"), stand_in)
    warning = html.to_text(text_of(status, "spoiler_text"))
    text = _without_our_name(address, text)
    return f"{warning}\n\n{text}".strip() if warning else text


def _without_our_name(address: Address, text: str) -> str:
    """Every answer to us starts with our own handle: it says nothing to whoever reads it here."""
    name, _, host = address.handle.lstrip("@").partition("@")
    if not name:
        return text
    ours = rf"@{re.escape(name)}(@{re.escape(host or domain(address))})?(?![\w@]|[.-]\w)[\s,:]*"
    return re.sub(rf"\A({ours})+", "", text, flags=re.IGNORECASE)


def _attachments(status: dict[str, Any]) -> list[Attachment]:
    entries = [child({"media": entry}, "media") for entry in listed(status, "media_attachments")]
    found = [
        Attachment(
            kind=text_of(entry, "type") or "unknown",
            url=link(text_of(entry, "url")) or link(text_of(entry, "remote_url")),
            alt=text_of(entry, "description"),
        )
        for entry in entries
    ]
    return [attachment for attachment in found if attachment.url]
