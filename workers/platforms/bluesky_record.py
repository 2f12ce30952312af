"""A post as Bluesky stores it: put together here, since the server completes nothing."""

import json
from datetime import UTC, datetime
from typing import Any

from api.platforms.errors import Expired, PlatformError, RateLimited, Refusal, Refused
from api.platforms.text import with_warning
from api.platforms.values import Address, Card, Draft, Exchange, Picture, Request, Token, Video, Visibility
from workers.platforms import answers
from workers.platforms.bluesky_calls import ask, get, headers, session_of, url
from workers.platforms.bluesky_key import POST, place
from workers.platforms.bluesky_text import Kind, facets, spans
from workers.platforms.payload import child, listed, text_of

LARGEST_PICTURE = 2_000_000
MOST_PICTURES = 4
LARGEST_THUMB = 1_000_000
VIDEO = "app.bsky.embed.video"
NO_PARENT = "What this answers is not there any more."
ONLY_PUBLIC = "Bluesky has only public posts."

Record = dict[str, Any]
Reference = dict[str, str]


def record(address: Address, token: Token, draft: Draft, at: datetime) -> Exchange[Record]:
    """Asks for whatever has to be known, and brings up what has to be there, before the post can name it."""
    _check(draft)
    text = with_warning(draft.text, draft.content_warning)
    made: Record = {"$type": POST, "text": text, "createdAt": timestamp(at), "langs": [draft.language]}
    marks = yield from _facets(address, token, text)
    if marks:
        made["facets"] = marks
    if draft.in_reply_to:
        made["reply"] = yield from _reply(address, token, draft.in_reply_to)
    embed = yield from _embed(address, token, draft)
    if embed:
        made["embed"] = embed
    if draft.content_warning and (draft.pictures or draft.video):
        # The words of warning come first in the text; a picture can be put behind a veil, by one of a fixed few.
        made["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "graphic-media"}]}
    return made


def reference(address: Address, token: Token, uri: str) -> Exchange[tuple[Reference, Record]]:
    """Which version of a post is meant, and what it says. Ours is asked of our own server, which never lags."""
    where = place(uri)
    if where is None:
        raise Refused(Refusal.NOT_FOUND, NO_PARENT)
    try:
        said = yield from ask(get(address, token, "com.atproto.repo.getRecord", where.as_query()))
    except Refused as error:
        if error.refusal in (Refusal.NOT_FOUND, Refusal.INVALID):  # whoever wrote it may be gone altogether
            raise Refused(Refusal.NOT_FOUND, NO_PARENT) from error
        raise
    if not text_of(said, "cid"):
        raise Refused(Refusal.NOT_FOUND, NO_PARENT)
    return {"uri": text_of(said, "uri") or uri, "cid": text_of(said, "cid")}, child(said, "value")


def timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def says(stored: Record, draft: Draft) -> bool:
    """Whether a stored post is this draft: what a reader would see of it is the same."""
    parent = text_of(child(child(stored, "reply"), "parent"), "uri") or None
    said = with_warning(draft.text, draft.content_warning)
    return text_of(stored, "text") == said and parent == draft.in_reply_to and _shows(stored, draft)


def _shows(stored: Record, draft: Draft) -> bool:
    """As many pictures with the same words, or a video with the same."""
    embed = child(stored, "embed")
    video = [text_of(embed, "alt")] if text_of(embed, "$type") == VIDEO else []
    shown = [text_of(each, "alt") for each in listed(embed, "images") if isinstance(each, dict)]
    sent = [picture.alt for picture in draft.pictures], [draft.video.alt] if draft.video else []
    return (shown, video) == sent


def bring(address: Address, token: Token, draft: Draft) -> Exchange[tuple[str, ...]]:
    """The blobs, as the server names them; it forgets those that no post names."""
    _check(draft)
    found = []
    for each in (*draft.pictures, *((draft.video,) if draft.video else ())):
        found.append(json.dumps((yield from _upload(address, token, each))))
    return tuple(found)


def _check(draft: Draft) -> None:
    if draft.visibility is not Visibility.PUBLIC:
        raise Refused(Refusal.INVALID, ONLY_PUBLIC)
    if len(draft.pictures) > MOST_PICTURES:
        raise Refused(Refusal.INVALID, f"Bluesky takes {MOST_PICTURES} pictures at most.")
    if any(len(picture.data) > LARGEST_PICTURE for picture in draft.pictures):
        raise Refused(Refusal.INVALID, "A picture is larger than the 2 MB that Bluesky takes.")


def _facets(address: Address, token: Token, text: str) -> Exchange[list[Record]]:
    found = spans(text)
    known: dict[str, str] = {}
    for handle in dict.fromkeys(span.value for span in found if span.kind is Kind.NAME):
        did = yield from _resolve(address, token, handle)
        if did:
            known[handle] = did
    return facets(found, known)


def _resolve(address: Address, token: Token, handle: str) -> Exchange[str]:
    """Nothing for a name that cannot be found just now: it stays plain text, and the post still goes out."""
    try:
        said = yield from ask(get(address, token, "com.atproto.identity.resolveHandle", {"handle": handle}))
    except (Expired, RateLimited):
        raise
    except PlatformError:
        return ""
    return text_of(said, "did")


def _reply(address: Address, token: Token, uri: str) -> Exchange[dict[str, Reference]]:
    """Both ends of the thread: what is answered, and where it all began."""
    parent, stored = yield from reference(address, token, uri)
    root = child(child(stored, "reply"), "root")
    whole = {"uri": text_of(root, "uri"), "cid": text_of(root, "cid")}
    return {"root": whole if all(whole.values()) else parent, "parent": parent}


def _embed(address: Address, token: Token, draft: Draft) -> Exchange[Record]:
    if draft.pictures or draft.video:
        brought = draft.brought or (yield from bring(address, token, draft))
        return _embedded(draft, [json.loads(each) for each in brought])
    return (yield from _card(address, token, draft.card)) if draft.card else {}


def _embedded(draft: Draft, blobs: list[Record]) -> Record:
    if draft.video:
        return {"$type": VIDEO, "video": blobs[0], "alt": draft.video.alt, **_ratio(draft.video)}
    images = [
        {"image": blob, "alt": picture.alt, **_ratio(picture)}
        for picture, blob in zip(draft.pictures, blobs, strict=True)
    ]
    return {"$type": "app.bsky.embed.images", "images": images}


def _ratio(what: Picture | Video) -> Record:
    """A shape of nothing by nothing is none."""
    shape = {"width": what.width, "height": what.height}
    return {"aspectRatio": shape} if all(shape.values()) else {}


def _card(address: Address, token: Token, card: Card) -> Exchange[Record]:
    external: Record = {"uri": card.url, "title": card.title, "description": card.description}
    if card.thumb and len(card.thumb.data) <= LARGEST_THUMB:
        try:
            external["thumb"] = yield from _upload(address, token, card.thumb)
        except (Expired, RateLimited):
            raise
        except PlatformError:
            pass  # somebody else's picture is not worth our post
    return {"$type": "app.bsky.embed.external", "external": external}


def _upload(address: Address, token: Token, picture: Picture | Video) -> Exchange[Record]:
    """Brought up again it is the same: nothing shows until a post names it, so a lost answer does no harm."""
    session = session_of(address, token)
    where = url(session.host, "com.atproto.repo.uploadBlob")
    request = Request("POST", where, {**headers(session.access), "Content-Type": picture.kind}, picture.data)
    blob = child((yield from ask(request)), "blob")
    return blob or answers.lost(request, "The server did not say where it put a picture.")
