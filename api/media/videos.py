"""Videos: passed on as they are filmed, without what the camera wrote beside the picture and the sound.

A video is not encoded anew, which would need far more than a web server has. What lies in its boxes beside picture and
sound (places, times, the camera, tracks of data) is written over with nothing, and so is whatever lies between them.
"""

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from api.media.boxes import Box, NotBoxes, blank, body_of, boxes, erase, find
from api.media.values import Cleaned, Unusable
from api.models import MediaKind

MP4, QUICKTIME = "video/mp4", "video/quicktime"
SUFFIXES = {MP4: "mp4", QUICKTIME: "mov"}
DAMAGED = "This video is damaged or not whole. Save it again as MP4."
IN_PIECES = (
    "This video is stored in pieces, as a recording of a screen or a browser is, and cannot be cleaned of what its "
    "camera noted. Save it again as an ordinary MP4."
)
NO_PICTURE = "There is no picture in this video, only sound or data."

OUTER = {b"ftyp", b"moov", b"mdat"}
IN_VIDEO = {b"mvhd", b"trak", b"iods"}
IN_TRACK = {b"tkhd", b"edts", b"mdia", b"tapt"}
SEEN_OR_HEARD = {b"vide", b"soun"}


def looks_like_one(head: bytes) -> str | None:
    """Its kind, by its first bytes and never by its name."""
    if head[4:8] != b"ftyp":
        return None
    return QUICKTIME if head[8:12] == b"qt  " else MP4


def clean(source: Path, target: Path, kind: str) -> Cleaned:
    """A copy at `target` with picture and sound, and nothing else that says anything."""
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        try:
            width, height, seconds = _cleaned(file, target.stat().st_size)
        except (NotBoxes, struct.error, IndexError) as error:
            raise Unusable(DAMAGED) from error
    return Cleaned(target, MediaKind.VIDEO, kind, SUFFIXES[kind], width, height, seconds)


def _cleaned(file: BinaryIO, size: int) -> tuple[int, int, float | None]:
    outer = list(boxes(file, 0, size))
    if any(box.kind in (b"moof", b"sidx") for box in outer):
        raise Unusable(IN_PIECES)
    video = next((box for box in outer if box.kind == b"moov"), None)
    if video is None:
        raise NotBoxes("no video in it")
    tracks = _keep_tracks(file, video)
    _blank_between(file, outer, [span for track in tracks for span in _spans(file, track)])
    for box in outer:
        if box.kind not in OUTER:
            erase(file, box)
    head = find(file, video, b"mvhd")
    return *_size_of(file, tracks), _length_of(file, head) if head else None


def _keep_tracks(file: BinaryIO, video: Box) -> list[Box]:
    """Those that are seen or heard; every other box in the video is erased, and so are the times of its making."""
    kept = []
    for box in list(boxes(file, video.body, video.end)):
        if box.kind == b"trak" and _sort_of(file, box) in SEEN_OR_HEARD:
            kept.append(box)
            _tidy(file, box, IN_TRACK)
            _forget_times(file, find(file, box, b"tkhd"))
            _forget_times(file, find(file, box, b"mdia", b"mdhd"))
        elif box.kind == b"trak" or box.kind not in IN_VIDEO:
            erase(file, box)
    _forget_times(file, find(file, video, b"mvhd"))
    if not any(_sort_of(file, track) == b"vide" for track in kept):
        raise Unusable(NO_PICTURE)
    return kept


def _tidy(file: BinaryIO, box: Box, keep: set[bytes]) -> None:
    for inner in list(boxes(file, box.body, box.end)):
        if inner.kind not in keep:
            erase(file, inner)


def _sort_of(file: BinaryIO, track: Box) -> bytes:
    handler = find(file, track, b"mdia", b"hdlr")
    return body_of(file, handler)[8:12] if handler else b""


def _forget_times(file: BinaryIO, head: Box | None) -> None:
    """When it was made and changed: eight bytes, or sixteen in the longer form."""
    if head is None:
        raise NotBoxes("a head is missing")
    file.seek(head.body)
    longer = file.read(1) == b"\x01"
    blank(file, head.body + 4, head.body + (20 if longer else 12))


def _blank_between(file: BinaryIO, outer: list[Box], spans: list[tuple[int, int]]) -> None:
    """What no picture and no sound uses: tracks that were erased, and what some cameras hide there."""
    spans.sort()
    for box in outer:
        if box.kind != b"mdat":
            continue
        at = box.body
        for start, end in spans:
            if end <= box.body or start >= box.end:
                continue
            if start > at:
                blank(file, at, min(start, box.end))
            at = max(at, end)
        if at < box.end:
            blank(file, at, box.end)


def _spans(file: BinaryIO, track: Box) -> Iterator[tuple[int, int]]:
    """Where the track's chunks lie: from the first to the last byte of each."""
    table = find(file, track, b"mdia", b"minf", b"stbl")
    if table is None:
        raise NotBoxes("a track without its table")
    places, sizes, runs = _places(file, table), _sizes(file, table), _runs(file, table)
    sample, run = 0, 0
    for number, place in enumerate(places, 1):
        while run + 1 < len(runs) and runs[run + 1][0] <= number:
            run += 1
        count = runs[run][1] if runs else 0
        yield place, place + sizes.of(sample, min(sample + count, sizes.count))
        sample += count


class _Sizes:
    """How long each sample is: one length for all, or each its own."""

    def __init__(self, same: int, count: int, own: tuple[int, ...]) -> None:
        self._same, self.count, self._own = same, count, own

    def of(self, start: int, stop: int) -> int:
        """Of the samples from one to before another, together."""
        return self._same * max(0, stop - start) if self._same else sum(self._own[start:stop])


def _sizes(file: BinaryIO, table: Box) -> _Sizes:
    box = find(file, table, b"stsz")
    if box is None:
        raise NotBoxes("lengths are missing")
    body = body_of(file, box)
    same, count = struct.unpack(">II", body[4:12])
    return _Sizes(same, count, () if same else struct.unpack(f">{count}I", body[12 : 12 + 4 * count]))


def _places(file: BinaryIO, table: Box) -> tuple[int, ...]:
    for kind, letter, width in ((b"stco", "I", 4), (b"co64", "Q", 8)):
        box = find(file, table, kind)
        if box is not None:
            body = body_of(file, box)
            (count,) = struct.unpack(">I", body[4:8])
            return struct.unpack(f">{count}{letter}", body[8 : 8 + width * count])
    raise NotBoxes("places are missing")


def _runs(file: BinaryIO, table: Box) -> list[tuple[int, int]]:
    """From which chunk on there are so many samples in each."""
    box = find(file, table, b"stsc")
    if box is None:
        raise NotBoxes("runs are missing")
    body = body_of(file, box)
    (count,) = struct.unpack(">I", body[4:8])
    return [struct.unpack(">II", body[8 + 12 * each : 16 + 12 * each]) for each in range(count)]


def _size_of(file: BinaryIO, tracks: list[Box]) -> tuple[int, int]:
    """As it is shown: a video that was held upright is turned."""
    for track in tracks:
        head = find(file, track, b"tkhd")
        if head is None or _sort_of(file, track) != b"vide":
            continue
        body = body_of(file, head)
        at = 52 if body[0] == 1 else 40
        across, down = struct.unpack(">2i", body[at : at + 8])
        width, height = (each >> 16 for each in struct.unpack(">II", body[-8:]))
        return (height, width) if across == 0 and down != 0 else (width, height)
    return 0, 0


def _length_of(file: BinaryIO, head: Box) -> float | None:
    body = body_of(file, head)
    scale, length = struct.unpack(">IQ", body[20:32]) if body[0] == 1 else struct.unpack(">II", body[12:20])
    return round(length / scale, 2) if scale else None
