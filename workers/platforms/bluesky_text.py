"""What in a text is a link, a name or a tag. Bluesky wants to be told, in bytes: it looks for nothing itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from api.platforms.marks import Kind, bluesky_marks

__all__ = ["Kind", "Span", "facets", "spans"]
FACET = "app.bsky.richtext.facet"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text, [start, end) in bytes of UTF-8, and what it stands for: an address, a handle, a tag."""

    start: int
    end: int
    kind: Kind
    value: str


def spans(text: str) -> list[Span]:
    """In the order they stand there; no two overlap."""
    return [
        Span(_bytes(text[: one.start]), _bytes(text[: one.end]), one.kind, one.value) for one in bluesky_marks(text)
    ]


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


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
