"""What in a text is a link, a name or a tag, as each platform's readers will see it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import regex

from api.platforms.text import NAMED, URL
from api.platforms.values import Platform

LONGEST_TAG = 64
# A bare domain is a link only under a name that people write in Britain: "road.Please" is none.
ENDINGS = (
    "uk|com|org|net|gov|info|eu|io|app|social|police|wales|cymru|scot|london|ie|im|je|gg|me|tv|news|online|site|example"
)
LINK = regex.compile(
    rf"""(?<![^\s(\[“"'])(?P<link>(?P<scheme>https?://)?
    (?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?(scheme)[a-z][a-z0-9-]*|(?:{ENDINGS}))(?![\w-])(?::\d+)?
    (?:[/?\#][^\s<>"]*)?)""",
    regex.IGNORECASE | regex.VERBOSE,
)
NAME = regex.compile(
    r"(?<![^\s(\[“\"'.,])@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9])(?![\w@-])", regex.IGNORECASE
)
TAG = regex.compile(r"(?<![^\s(\[“\"'])[#＃](?!\ufe0f)([^\s\u00ad\u2060\u200a-\u200d\u20e2#＃]+)")
TAIL = regex.compile(r"[\p{P}]+$")
SENTENCE_END = ".,;:!?'’”…"
MASTODON_TAG = regex.compile(r"(?<![\w/)&])[#＃](\w*[\p{L}\p{M}_·]\w*)")


class Kind(StrEnum):
    LINK = "link"
    NAME = "mention"
    TAG = "tag"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A piece of a text, [start, end) in characters, and what it stands for: an address, a handle, a tag."""

    start: int
    end: int
    kind: Kind
    value: str


def marks(platform: Platform, text: str) -> list[Mark]:
    """In the order they stand there; no two overlap."""
    return MARKERS[platform](text)


def bluesky_marks(text: str) -> list[Mark]:
    return _apart([*_links(text), *_names(text), *_tags(text)])


def mastodon_marks(text: str) -> list[Mark]:
    """The server finds them by itself: this is for showing them."""
    links = [Mark(*found.span(), Kind.LINK, found[0]) for found in URL.finditer(text)]
    names = [Mark(*found.span(), Kind.NAME, found[1]) for found in NAMED.finditer(text)]
    tags = [Mark(*found.span(), Kind.TAG, found[1]) for found in MASTODON_TAG.finditer(text)]
    return _apart([*links, *names, *tags])


MARKERS = {Platform.MASTODON: mastodon_marks, Platform.BLUESKY: bluesky_marks}


def _apart(found: Iterable[Mark]) -> list[Mark]:
    kept: list[Mark] = []
    for one in sorted(found):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _links(text: str) -> Iterator[Mark]:
    for match in LINK.finditer(text):
        shown = _without_end(match["link"])
        address = shown if match["scheme"] else f"https://{shown}"
        yield Mark(match.start(), match.start() + len(shown), Kind.LINK, address)


def _names(text: str) -> Iterator[Mark]:
    for match in NAME.finditer(text):
        yield Mark(match.start(), match.end(), Kind.NAME, match[1].lower())


def _tags(text: str) -> Iterator[Mark]:
    for match in TAG.finditer(text):
        tag = TAIL.sub("", match[1])
        if tag and not tag.isdigit() and len(tag) <= LONGEST_TAG:
            yield Mark(match.start(), match.start() + 1 + len(tag), Kind.TAG, tag)


def _without_end(link: str) -> str:
    """Without what ends the sentence; a bracket stays if it was opened inside."""
    while link and (
        link[-1] in SENTENCE_END or (link[-1] in ")]" and link.count(link[-1]) > link.count(_OPENS[link[-1]]))
    ):
        link = link[:-1]
    return link


_OPENS = {")": "(", "]": "["}
