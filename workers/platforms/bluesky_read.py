"""Reading what Bluesky sends: notifications, posts in threads, bare records. Pure, and calm about what is missing."""

import re
from datetime import UTC, datetime
from typing import Any

from api.platforms.values import Address, Attachment, Contact, Incoming, Published, RawItem, Visibility
from workers.platforms import html
from workers.platforms.bluesky_key import POST, place
from workers.platforms.payload import child, link, listed, moment, text_of

Entry = dict[str, Any]

WEB = "https://bsky.app/profile"
PICTURES = "https://cdn.bsky.app/img/feed_fullsize/plain"
VIDEOS = "https://video.bsky.app/watch"
UNKNOWN_HANDLE = "handle.invalid"


def read(address: Address, item: RawItem) -> Incoming:
    """One post as plain text. Everything is taken from the record itself, so that each way to it reads the same."""
    record = child(item.payload, "record")
    author = contact(child(item.payload, "author"))
    text, mentioned = _text(address, record)
    return Incoming(
        remote_id=item.remote_id,
        author=author,
        ours=bool(author.remote_id) and author.remote_id == address.remote_id,
        text=_without_our_name(address, text),
        visibility=Visibility.PUBLIC,
        occurred_at=made_at(item.payload) or datetime.now(UTC),
        in_reply_to=text_of(child(child(record, "reply"), "parent"), "uri") or None,
        language=next((each for each in listed(record, "langs") if isinstance(each, str)), None),
        url=web_address(item.remote_id),
        attachments=tuple(_attachments(author.remote_id, child(record, "embed"))),
        mentions=tuple(mentioned),
    )


def made_at(entry: Entry) -> datetime | None:
    """Authors say themselves when they wrote; none can have written later than it was seen."""
    said = moment(child(entry, "record").get("createdAt"))
    seen = moment(entry.get("indexedAt"))
    return min(said, seen) if said and seen else said or seen


def contact(author: Entry) -> Contact:
    did, handle = text_of(author, "did"), text_of(author, "handle")
    known = handle if handle and handle != UNKNOWN_HANDLE else did
    return Contact(
        remote_id=did,
        handle=known,
        name=html.normalise(text_of(author, "displayName")) or known,
        url=f"{WEB}/{did}" if did else "",
    )


def web_address(uri: str) -> str:
    """Where a person sees a post. By identity: handles change hands."""
    where = place(uri)
    return f"{WEB}/{where.repo}/post/{where.rkey}" if where and where.collection == POST else ""


def published(uri: str, record: Entry, fallback: datetime) -> Published:
    return Published(uri, web_address(uri), moment(record.get("createdAt")) or fallback)


def items(entries: list[Any]) -> tuple[RawItem, ...]:
    """What has no address cannot be answered or found again, so it is left out."""
    found = [entry for entry in entries if isinstance(entry, dict) and text_of(entry, "uri")]
    return tuple(RawItem(text_of(entry, "uri"), entry) for entry in found)


def _text(address: Address, record: Entry) -> tuple[str, list[str]]:
    """The words, with links by their whole address, and the handles that they name.

    Places are in bytes and come from strangers: servers let through what lies outside the text.
    """
    whole = text_of(record, "text").encode("utf-8", "replace")
    parts, names, at = [], [], 0
    for start, end, feature in sorted(_features(record), key=lambda each: each[:2]):
        if not at <= start < end <= len(whole):
            continue
        shown = whole[start:end].decode("utf-8", "replace")
        kind = text_of(feature, "$type").rpartition("#")[2]
        if kind == "mention":
            ours = text_of(feature, "did") == address.remote_id
            names.append(address.handle if ours else shown.lstrip("@"))
        parts += [whole[at:start].decode("utf-8", "replace"), _shown(kind, shown, text_of(feature, "uri"))]
        at = end
    parts.append(whole[at:].decode("utf-8", "replace"))
    return html.CONTROL.sub("", "".join(parts)).strip(), [name for name in names if name]


def _features(record: Entry) -> list[tuple[int, int, Entry]]:
    found = []
    for facet in listed(record, "facets"):
        index = child(facet, "index") if isinstance(facet, dict) else {}
        start, end = index.get("byteStart"), index.get("byteEnd")
        features = [each for each in listed(facet, "features") if isinstance(each, dict)] if index else []
        if features and type(start) is int and type(end) is int:
            found.append((start, end, features[0]))
    return found


def _shown(kind: str, shown: str, uri: str) -> str:
    """A link may show one thing and lead to another: here it shows where it leads."""
    return shown if kind != "link" or not link(uri) or uri in (shown, f"https://{shown}") else uri


def _without_our_name(address: Address, text: str) -> str:
    """Calling us by name says nothing to whoever reads it here."""
    if not address.handle:
        return text
    return re.sub(rf"\A(@{re.escape(address.handle)}(?![\w@]|[.-]\w)[\s,:]*)+", "", text, flags=re.IGNORECASE)


def _attachments(author: str, embed: Entry) -> list[Attachment]:
    kind = text_of(embed, "$type").removesuffix("#view").rpartition(".")[2]
    match kind:
        case "images" | "gallery":
            pictures = [each for each in listed(embed, "images") + listed(embed, "items") if isinstance(each, dict)]
            found = [_file("image", PICTURES, author, child(each, "image"), each) for each in pictures]
        case "video":
            found = [_file("video", VIDEOS, author, child(embed, "video"), embed)]
        case "external":
            card = child(embed, "external")
            found = [Attachment("link", link(text_of(card, "uri")), text_of(card, "title"))]
        case "record":
            found = [Attachment("quote", web_address(text_of(child(embed, "record"), "uri")))]
        case "recordWithMedia":
            quoted = {"$type": "app.bsky.embed.record", **child(embed, "record")}
            found = _attachments(author, child(embed, "media")) + _attachments(author, quoted)
        case _:
            found = []
    return [attachment for attachment in found if attachment.url]


def _file(kind: str, base: str, author: str, blob: Entry, described: Entry) -> Attachment:
    ref = text_of(child(blob, "ref"), "$link")
    url = f"{base}/{author}/{ref}" if author and ref else ""
    return Attachment(kind, f"{url}/playlist.m3u8" if url and kind == "video" else url, text_of(described, "alt"))
