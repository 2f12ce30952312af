"""Counting as each platform counts. Sources: the platforms' own documentation; see docs/platforms."""

import unicodedata

import regex

from api.platforms.values import Limits, Platform

# As servers find links: a host with a dot, and no punctuation that ends the sentence. Never counts too little.
URL = regex.compile(r"""https?://[^\s<>"/?#]+\.[^\s<>"]*[^\s<>".,;:!?'’”)\]}…]""", regex.IGNORECASE)
REMOTE_MENTION = regex.compile(r"(?<![\w/])@(\w[\w.-]*)@[\w.-]+\w", regex.IGNORECASE)
NAMED = regex.compile(r"(?<![\w/@=])@(\w+(?:[.-]+\w+)*(?:@\w+(?:[.-]+\w+)*(?::\d+)?)?)")
GRAPHEME = regex.compile(r"\X")
BYTES_PER_CHARACTER = 10
"""Bluesky takes 300 characters in at most 3,000 bytes; only long rows of composed emoji come near the latter."""


def graphemes(text: str) -> int:
    """How many characters a reader would count."""
    return len(GRAPHEME.findall(text))


def count_mastodon(text: str, limits: Limits) -> int:
    """Grapheme clusters; a URL counts as the instance says, @user@domain as @user."""
    shortened = URL.sub("x" * limits.url_length, unicodedata.normalize("NFC", text))
    return graphemes(REMOTE_MENTION.sub(r"@\1", shortened))


def count_bluesky(text: str, limits: Limits) -> int:
    """Grapheme clusters as typed, links too; past 3,000 bytes, a character for every ten of them."""
    size = len(text.encode("utf-8", "replace"))
    most = BYTES_PER_CHARACTER * limits.max_length
    return graphemes(text) if size <= most else max(graphemes(text), -(-size // BYTES_PER_CHARACTER))


COUNTERS = {Platform.MASTODON: count_mastodon, Platform.BLUESKY: count_bluesky}


def count(platform: Platform, text: str, limits: Limits) -> int:
    return COUNTERS[platform](text, limits)


def named(text: str) -> list[str]:
    """The handles that a text names, without the first @, as they stand there."""
    return [found[1] for found in NAMED.finditer(text)]
