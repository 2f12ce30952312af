"""Handing a file out, whole or in part, to whoever may see its team. It is shown and never run."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from api.core.settings import Settings
from api.media.store import store_of
from api.models import Media

PIECE = 1 << 20
RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """`end` is the place after the last byte."""

    start: int
    end: int
    whole: bool

    @property
    def status(self) -> int:
        return 200 if self.whole else 206


def part_of(media: Media, wanted: str | None) -> Part | None:
    """What a Range header asks for; the whole file where it asks for nothing we know. None: it asks beyond the end."""
    found = RANGE.match(wanted or "")
    if found is None or found[1] == found[2] == "":
        return Part(0, media.size, whole=True)
    if not found[1]:
        start, end = max(0, media.size - int(found[2])), media.size
    else:
        start, end = int(found[1]), min(media.size, int(found[2] or media.size) + 1)
    return Part(start, end, whole=False) if start < end else None


def headers(media: Media, part: Part) -> Mapping[str, str]:
    more = {} if part.whole else {"Content-Range": f"bytes {part.start}-{part.end - 1}/{media.size}"}
    return more | {
        "Content-Type": media.content_type,
        "Content-Length": str(part.end - part.start),
        "Content-Disposition": f'inline; filename="{media.id.hex[-8:]}.{media.file.rpartition(".")[2]}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=86400",
        "ETag": f'"{media.sha256}"',
        "Accept-Ranges": "bytes",
    }


async def pieces(settings: Settings, media: Media, part: Part) -> AsyncIterator[bytes]:
    """A megabyte at a time: a long video never stands in memory."""
    store = store_of(settings)
    for at in range(part.start, part.end, PIECE):
        yield await store.read(media.file, at, min(PIECE, part.end - at))
