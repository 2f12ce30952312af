"""The boxes of an MP4 or QuickTime file: found, read, and written over in their place so that nothing else moves."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_BOXES = 10_000
DEEPEST = 8


class NotBoxes(ValueError):
    """What is said to be boxes is something else, or ends too early."""


@dataclass(frozen=True, slots=True)
class Box:
    kind: bytes
    start: int
    """Where its head begins."""
    body: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Those that lie side by side between two places."""
    for _ in range(MOST_BOXES):
        if start >= end:
            return
        box = _at(file, start, end)
        yield box
        start = box.end
    raise NotBoxes("more boxes than any video has")


def find(file: BinaryIO, within: Box, *path: bytes) -> Box | None:
    """The first box along a path of kinds."""
    here: Box | None = within
    for kind in path:
        here = next((box for box in boxes(file, here.body, here.end) if box.kind == kind), None) if here else None
    return here


def body_of(file: BinaryIO, box: Box, most: int = 64_000_000) -> bytes:
    if box.end - box.body > most:
        raise NotBoxes("a table larger than any video needs")
    file.seek(box.body)
    return file.read(box.end - box.body)


def erase(file: BinaryIO, box: Box) -> None:
    """An empty space of the same size stands in its place."""
    file.seek(box.start + 4)
    file.write(b"free")
    blank(file, box.body, box.end)


def blank(file: BinaryIO, start: int, end: int) -> None:
    file.seek(start)
    while start < end:
        some = min(1 << 20, end - start)
        file.write(bytes(some))
        start += some


def _at(file: BinaryIO, start: int, end: int) -> Box:
    file.seek(start)
    head = file.read(16)
    if len(head) < 8 or end - start < 8:
        raise NotBoxes("cut off")
    size, kind = struct.unpack(">I4s", head[:8])
    body = start + 8
    if size == 1 and len(head) == 16:
        size, body = struct.unpack(">Q", head[8:])[0], start + 16
    elif size == 0:
        size = end - start
    if size < body - start or start + size > end:
        raise NotBoxes("larger than what it lies in")
    return Box(kind, start, body, start + size)
