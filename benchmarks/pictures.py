"""What it costs to make a phone's photo anew, beside what decoding and encoding it costs in any case.

    python -m benchmarks.pictures

A photo of 12 megapixels with a camera's notes in it; processor seconds, the median of several. The limit is a ratio to
plain Pillow in the same run: turning, colours and cleaning must not cost more than the work that nobody can avoid.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image

from api.media import pictures
from tests.support.photos import a_photo

TIMES = 5
WIDTH, HEIGHT = 4032, 3024
MOST = 2.0


def plainly(data: bytes) -> bytes:
    """Decoded and encoded, and nothing else; at the same quality."""
    out = BytesIO()
    Image.open(BytesIO(data)).save(out, "JPEG", quality=pictures.QUALITY, progressive=True)
    return out.getvalue()


def seconds_of(do: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        do()
        return time.process_time() - began

    return statistics.median(once() for _ in range(TIMES))


def main() -> None:
    photo = a_photo(WIDTH, HEIGHT, orientation=6, noisy=True)
    with tempfile.TemporaryDirectory() as folder:
        came, kept = Path(folder) / "came", Path(folder) / "kept"
        came.write_bytes(photo)
        plain = seconds_of(lambda: plainly(photo))
        anew = seconds_of(lambda: pictures.clean(came, kept))
        data = kept.read_bytes()
        smaller = seconds_of(lambda: pictures.fitted(data, "image/jpeg", 2_000_000, 100_000_000))
        thumb = seconds_of(lambda: pictures.small(data))
    print(
        f"a photo of {WIDTH * HEIGHT / 1e6:.1f} megapixels, {len(photo) / 1e6:.1f} MB, becomes {len(data) / 1e6:.1f} MB"
    )
    print(f"decoded and encoded, nothing else   {plain:6.2f} s of a processor")
    print(f"made anew for the store             {anew:6.2f} s   {anew / plain:.2f} times that (limit {MOST})")
    print(f"made to fit 2,000,000 bytes         {smaller:6.2f} s   {smaller / plain:.2f} times that")
    print(f"made small for a list               {thumb:6.2f} s   {thumb / plain:.2f} times that")
    sys.exit(0 if anew <= MOST * plain else "Making pictures anew costs too much.")


if __name__ == "__main__":
    main()
