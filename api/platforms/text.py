"""Counting as each platform counts. Sources: the platforms' own documentation; see docs/platforms."""

import re
import unicodedata
from functools import partial

import regex

from api.platforms.values import Count, Limits, Platform

# As servers find links: a host with a dot, and no punctuation that ends the sentence. Never counts too little.
URL = regex.compile(r"""https?://[^\s<>"/?#]+\.[^\s<>"]*[^\s<>".,;:!?'’”)\]}…]""", regex.IGNORECASE)
REMOTE_MENTION = regex.compile(r"(?<![\w/])@(\w[\w.-]*)@[\w.-]+\w", regex.IGNORECASE)
NAMED = regex.compile(r"(?<![\w/@=])@(\w+(?:[.-]+\w+)*(?:@\w+(?:[.-]+\w+)*(?::\d+)?)?)")
# Nothing in here ever joins what stands beside it, but for the two of a line's end: most texts need no closer look.
PLAIN = re.compile("[\u0000-\u02ff\u2010-\u2027\u20ac]*")
GRAPHEME = regex.compile(r"\X")
BYTES_PER_CHARACTER = 10
"""Bluesky takes 300 characters in at most 3,000 bytes; only long rows of composed emoji come near the latter."""


def graphemes(text: str) -> int:
    """How many characters a reader would count."""
    if PLAIN.fullmatch(text):
        return len(text) - text.count("\r\n")
    return len(GRAPHEME.findall(text))


def with_warning(text: str, warning: str) -> str:
    """How a warning is said where a platform has no place of its own for one: first, and apart."""
    return f"{warning}\n\n{text}" if warning else text


def count_mastodon(text: str, limits: Limits, warning: str = "") -> int:
    """Grapheme clusters, those of the warning too; a URL counts as the instance says, @user@domain as @user."""
    shortened = URL.sub("x" * limits.url_length, unicodedata.normalize("NFC", text))
    return graphemes(warning) + graphemes(REMOTE_MENTION.sub(r"@\1", shortened))


def count_bluesky(text: str, limits: Limits, warning: str = "") -> int:
    """Grapheme clusters as typed, links too; past 3,000 bytes, a character for every ten of them."""
    said = with_warning(text, warning)
    size = len(said.encode("utf-8", "replace"))
    most = BYTES_PER_CHARACTER * limits.max_length
    return graphemes(said) if size <= most else max(graphemes(said), -(-size // BYTES_PER_CHARACTER))


COUNTERS = {Platform.MASTODON: count_mastodon, Platform.BLUESKY: count_bluesky}
"""One strategy for each platform: whoever counts asks here, so that a new platform is a new line."""


def count(platform: Platform, text: str, limits: Limits, warning: str = "") -> int:
    return COUNTERS[platform](text, limits, warning)


def counter(platform: Platform, warning: str = "") -> Count:
    """How a platform counts a text that goes out under this warning."""
    return partial(COUNTERS[platform], warning=warning)


def named(text: str) -> list[str]:
    """The handles that a text names, without the first @, as they stand there."""
    return [found[1] for found in NAMED.finditer(text)]
