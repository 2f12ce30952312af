"""How a post will look on one account: its parts, with what its platform's readers can press, and a card for its link."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from api.models import Account
from api.platforms.facts import FACTS
from api.platforms.marks import Kind, Mark, marks
from api.platforms.text import with_warning
from api.platforms.values import Platform, Visibility
from api.posts import saying
from api.posts.values import Words

SHOWN_OF_A_LINK = 30
SEEN_BY = {
    Visibility.PUBLIC: "Everybody",
    Visibility.UNLISTED: "Everybody, but not in public lists",
    Visibility.FOLLOWERS: "Followers only",
}
LANGUAGES = {
    "en": "English", "cy": "Cymraeg", "gd": "Gàidhlig", "ga": "Gaeilge", "sco": "Scots", "pl": "Polski",
    "ro": "Română", "pa": "ਪੰਜਾਬੀ", "ur": "اردو", "bn": "বাংলা", "gu": "ગુજરાતી", "ar": "العربية", "pt": "Português",
    "es": "Español", "fr": "Français", "it": "Italiano", "tr": "Türkçe", "uk": "Українська", "so": "Soomaali",
    "fa": "فارسی", "zh": "中文",
}  # fmt: skip
"""What posts are written in here; each in its own words."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the words; `kind` is empty, or link, mention, tag."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One post of a thread, or the whole of it."""

    pieces: tuple[Piece, ...]
    card: str
    """The site a card would stand for; empty without a link."""
    over: bool
    """Too long even so: what cannot be cut is in it."""


@dataclass(frozen=True, slots=True)
class Look:
    warning: str
    """Shown before the words where the platform has a place for it; else it is the first line."""
    parts: tuple[Part, ...]


def look(account: Account, words: Words, variant: str) -> Look:
    text = variant or words.text
    can_warn = FACTS[account.platform].can_warn
    said = saying.parts_of(account, text, words) if words.as_thread else (text,)
    return Look(
        words.content_warning if can_warn else "", tuple(_part(account, part, words, shown=can_warn) for part in said)
    )


def _part(account: Account, text: str, words: Words, *, shown: bool) -> Part:
    over = saying.too_many(account, text, words) > 0
    whole = text if shown else with_warning(text, words.content_warning)
    found = marks(account.platform, whole)
    links = [mark.value for mark in found if mark.kind is Kind.LINK]
    return Part(tuple(_pieces(account.platform, whole, found)), site(links[0]) if links else "", over)


def _pieces(platform: Platform, text: str, found: list[Mark]) -> Iterator[Piece]:
    at = 0
    for mark in found:
        if mark.start > at:
            yield Piece(text[at : mark.start])
        yield Piece(_shown(platform, mark.kind, text[mark.start : mark.end]), mark.kind)
        at = mark.end
    if at < len(text):
        yield Piece(text[at:])


def _shown(platform: Platform, kind: Kind, text: str) -> str:
    """A link by its beginning, a name without its server, where the platform counts and shows them so."""
    if kind is Kind.TAG or not FACTS[platform].limits.url_length:
        return text
    if kind is Kind.NAME:
        return "@" + text[1:].partition("@")[0]
    bare = text.partition("://")[2].removeprefix("www.")
    return bare if len(bare) <= SHOWN_OF_A_LINK else f"{bare[:SHOWN_OF_A_LINK]}…"


def site(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
