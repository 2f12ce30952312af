"""Counting as each platform counts. Sources: the platforms' own documentation; see docs/platforms."""

import unicodedata

import regex

from api.platforms.values import Limits, Platform

# As servers find links: a host with a dot, and no punctuation that ends the sentence. Never counts too little.
URL = regex.compile(r"""https?://[^\s<>"/?#]+\.[^\s<>"]*[^\s<>".,;:!?'’”)\]}…]""", regex.IGNORECASE)
REMOTE_MENTION = regex.compile(r"(?<![\w/])@(\w[\w.-]*)@[\w.-]+\w", regex.IGNORECASE)
NAMED = regex.compile(r"(?<![\w/@=])@(\w+(?:[.-]+\w+)*(?:@\w+(?:[.-]+\w+)*(?::\d+)?)?)")
GRAPHEME = regex.compile(r"\X")


def graphemes(text: str) -> int:
    """How many characters a reader would count."""
    return len(GRAPHEME.findall(text))


def count_mastodon(text: str, limits: Limits) -> int:
    """Grapheme clusters; a URL counts as the instance says, @user@domain as @user."""
    shortened = URL.sub("x" * limits.url_length, unicodedata.normalize("NFC", text))
    return graphemes(REMOTE_MENTION.sub(r"@\1", shortened))


COUNTERS = {Platform.MASTODON: count_mastodon}


def count(platform: Platform, text: str, limits: Limits) -> int:
    return COUNTERS[platform](text, limits)


def named(text: str) -> list[str]:
    """The handles that a text names, without the first @, as they stand there."""
    return [found[1] for found in NAMED.finditer(text)]
