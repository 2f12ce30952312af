"""A screenshot with at most 256 colours, packed tightly: half its bytes, and nobody sees the difference."""

import zlib
from collections import Counter

Colour = tuple[int, int, int]
HEADER = 33
"""Bytes until the first chunk after IHDR."""


def small(picture: bytes) -> bytes:
    """The same picture; a colour that is not among the 256 most frequent becomes the nearest of them."""
    width, height = int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])
    channels = {2: 3, 6: 4}[picture[25]]
    flat = _unfiltered(zlib.decompress(_pixels(picture)), width * channels, channels)
    colours: list[Colour] = list(zip(flat[0::channels], flat[1::channels], flat[2::channels], strict=True))
    counted = Counter(colours)
    palette = [colour for colour, _ in counted.most_common(256)]
    place = {colour: _nearest(colour, palette) for colour in counted}
    rows = (bytes(place[each] for each in colours[row * width : (row + 1) * width]) for row in range(height))
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    head = picture[16:24] + bytes((8, 3, 0, 0, 0))
    plte = b"".join(bytes(each) for each in palette)
    chunks = ((b"IHDR", head), (b"PLTE", plte), (b"IDAT", packed), (b"IEND", b""))
    return picture[:8] + b"".join(_chunk(kind, body) for kind, body in chunks)


def _pixels(picture: bytes) -> bytes:
    found, at = b"", HEADER
    while at < len(picture):
        length = int.from_bytes(picture[at : at + 4])
        if picture[at + 4 : at + 8] == b"IDAT":
            found += picture[at + 8 : at + 8 + length]
        at += length + 12
    return found


def _unfiltered(raw: bytes, stride: int, step: int) -> bytes:
    """Each row of a PNG is written as its difference from what stands left and above."""
    rows, above = [], bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for i in range(stride) if kind else ():
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            row[i] = (row[i] + _guess(kind, left, above[i], corner)) & 255
        rows.append(row)
        above = row
    return b"".join(rows)


def _guess(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 4:
        about = left + above - corner
        return min((left, above, corner), key=lambda each: abs(about - each))
    return (0, left, above, (left + above) // 2)[kind]


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda at: sum(abs(a - b) for a, b in zip(colour, palette[at], strict=True)))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
