"""Whether a status is what a draft became, as far as a server shows it."""

import re
from enum import IntEnum
from typing import Any

from api.platforms.values import Address, Draft, Visibility
from workers.platforms import html
from workers.platforms.mastodon_read import NAMES
from workers.platforms.payload import child, listed, text_of

MENTION = re.compile(r"(?<![\w/])(@\w+(?:[.-]+\w+)*)(?:@\w+(?:[.-]+\w+)*)?")
TAGS = re.compile(r"<[^>]*>")
TYPED = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\ufe0f": "", "\u00ad": ""}
PLAIN = str.maketrans({**TYPED, **dict.fromkeys("*_~`", "")})


class Match(IntEnum):
    """The surest first."""

    EXACT = 1
    ALIKE = 2
    """The same but for what servers like to change: quotes made round, dashes long, Markdown read."""
    UNREADABLE = 3
    """Everything that shows is right, but the words are not shown."""
    NO = 4


def matches(address: Address, draft: Draft, status: dict[str, Any]) -> Match:
    if not _could_be(address, draft, status):
        return Match.NO
    content = status.get("content")
    if not isinstance(content, str):
        return Match.UNREADABLE
    seen = [html.to_text(content), html.to_text(content, html.as_shown), content]
    parent = text_of(status, "in_reply_to_id") or None
    if any(same_words(draft.text, text) for text in seen):
        # Servers forget what a status answered once that is deleted.
        return Match.EXACT if parent == draft.in_reply_to else Match.ALIKE
    alike = parent == draft.in_reply_to and any(_plain(draft.text) == _plain(text) for text in seen)
    return Match.ALIKE if alike else Match.NO


def same_words(sent: str, seen: str) -> bool:
    return _comparable(sent) == _comparable(seen)


def _could_be(address: Address, draft: Draft, status: dict[str, Any]) -> bool:
    return (
        not status.get("reblog")
        and text_of(child(status, "account"), "id") in ("", address.remote_id)
        and (text_of(status, "in_reply_to_id") or None) in (draft.in_reply_to, None)
        and _same_visibility(draft.visibility, text_of(status, "visibility"))
        and same_words(draft.content_warning, html.to_text(text_of(status, "spoiler_text")))
        and _same_media(draft, listed(status, "media_attachments"))
    )


def _same_media(draft: Draft, seen: list[Any]) -> bool:
    """As many, each with the words we gave it. Some servers show no words: then their number has to do."""
    sent = [*(picture.alt for picture in draft.pictures), *((draft.video.alt,) if draft.video else ())]
    shown = [text_of(child({"media": each}, "media"), "description") for each in seen]
    return len(sent) == len(shown) and all(
        not there or same_words(here, there) for here, there in zip(sent, shown, strict=True)
    )


def _comparable(text: str) -> str:
    """@user@domain and @user are the same mention: servers show either."""
    return html.normalise(MENTION.sub(lambda found: found[1].lower(), text))


def _plain(text: str) -> str:
    return _comparable(TAGS.sub(" ", text).translate(PLAIN)).replace("--", "-")


def _same_visibility(sent: Visibility, seen: str) -> bool:
    # A server may quietly list less of an account that it has limited; one that says nothing contradicts nothing.
    quieter = sent is Visibility.PUBLIC and seen == NAMES[Visibility.UNLISTED]
    return quieter or seen in (NAMES[sent], "")
