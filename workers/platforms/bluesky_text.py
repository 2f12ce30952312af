"""What in a text is a link, a name or a tag. Bluesky wants to be told, in bytes: it looks for nothing itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import regex

FACET = "app.bsky.richtext.facet"
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


class Kind(StrEnum):
    LINK = "link"
    NAME = "mention"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text, [start, end) in bytes of UTF-8, and what it stands for: an address, a handle, a tag."""

    start: int
    end: int
    kind: Kind
    value: str


def spans(text: str) -> list[Span]:
    """In the order they stand there; no two overlap."""
    found = [*_links(text), *_names(text), *_tags(text)]
    kept: list[tuple[int, int, Kind, str]] = []
    for one in sorted(found):
        if not kept or one[0] >= kept[-1][1]:
            kept.append(one)
    return [Span(_bytes(text[:start]), _bytes(text[:end]), kind, value) for start, end, kind, value in kept]


def facets(found: Iterable[Span], known: Mapping[str, str]) -> list[dict[str, Any]]:
    """As records carry them. `known` turns handles into identities: a name that nobody has stays plain text."""
    made = []
    for span in found:
        feature = _feature(span, known)
        if feature:
            index = {"byteStart": span.start, "byteEnd": span.end}
            made.append({"index": index, "features": [{"$type": f"{FACET}#{span.kind}", **feature}]})
    return made


def _feature(span: Span, known: Mapping[str, str]) -> dict[str, str]:
    match span.kind:
        case Kind.LINK:
            return {"uri": span.value}
        case Kind.TAG:
            return {"tag": span.value}
    return {"did": known[span.value]} if span.value in known else {}


def _links(text: str) -> Iterable[tuple[int, int, Kind, str]]:
    for match in LINK.finditer(text):
        shown = _without_end(match["link"])
        address = shown if match["scheme"] else f"https://{shown}"
        yield match.start(), match.start() + len(shown), Kind.LINK, address


def _names(text: str) -> Iterable[tuple[int, int, Kind, str]]:
    for match in NAME.finditer(text):
        yield match.start(), match.end(), Kind.NAME, match[1].lower()


def _tags(text: str) -> Iterable[tuple[int, int, Kind, str]]:
    for match in TAG.finditer(text):
        tag = TAIL.sub("", match[1])
        if tag and not tag.isdigit() and len(tag) <= LONGEST_TAG:
            yield match.start(), match.start() + 1 + len(tag), Kind.TAG, tag


def _without_end(link: str) -> str:
    """Without what ends the sentence; a bracket stays if it was opened inside."""
    while link and (
        link[-1] in SENTENCE_END or (link[-1] in ")]" and link.count(link[-1]) > link.count(_OPENS[link[-1]]))
    ):
        link = link[:-1]
    return link


_OPENS = {")": "(", "]": "["}


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
