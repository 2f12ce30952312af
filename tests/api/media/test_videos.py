"""A video keeps what is seen and heard. video.mp4 and video.mov: a second of a test card and a tone, with a place as a
subtitle and as a note, a camera and a time. in_pieces.mp4: the same as a browser would record it."""

import hashlib
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from api.media import videos
from api.media.boxes import Box, NotBoxes, boxes, find
from api.media.values import Unusable

HERE = Path(__file__).parent
SECRETS = (b"51.8642", b"Mill Lane", b"Lookout", b"ISO6709")


@pytest.fixture(params=["video.mp4", "video.mov"])
def came(request: pytest.FixtureRequest) -> Path:
    return HERE / str(request.param)


def cleaned(came: Path, folder: Path) -> bytes:
    kind = videos.looks_like_one(came.read_bytes()[:16])
    assert kind
    done = videos.clean(came, folder / "kept", kind)
    assert (done.width, done.height, done.seconds) == (96, 64, 1.0)
    return (folder / "kept").read_bytes()


def test_no_place_no_camera_and_no_time_is_left_in_it(came: Path, tmp_path: Path) -> None:
    before = came.read_bytes()
    assert [secret for secret in SECRETS if secret in before], "the test has nothing to find"
    kept = cleaned(came, tmp_path)
    assert [secret for secret in SECRETS if secret in kept] == []
    assert struct.pack(">I", _made_at(before)) not in kept


def test_what_is_seen_and_heard_is_byte_for_byte_the_same(came: Path, tmp_path: Path) -> None:
    before, kept = came.read_bytes(), cleaned(came, tmp_path)
    assert len(kept) == len(before)
    assert list(_seen_and_heard(kept)) == list(_seen_and_heard(before))
    assert len(list(_seen_and_heard(kept))) == 2


def test_cleaning_twice_changes_nothing_more(came: Path, tmp_path: Path) -> None:
    once = cleaned(came, tmp_path)
    again = tmp_path / "again"
    again.write_bytes(once)
    assert cleaned(again, tmp_path) == once


def test_one_that_is_stored_in_pieces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as no:
        cleaned(HERE / "in_pieces.mp4", tmp_path)
    assert no.value.sentence == videos.IN_PIECES


@pytest.mark.parametrize("keep", [100, 1500, 4000, 5000])
def test_half_a_video_is_refused(keep: int, tmp_path: Path) -> None:
    half = tmp_path / "half"
    half.write_bytes((HERE / "video.mp4").read_bytes()[:keep])
    with pytest.raises(Unusable, match="damaged"):
        cleaned(half, tmp_path)


def test_a_video_that_lies_about_its_tables_ends_with_a_sentence_and_never_with_a_crash(tmp_path: Path) -> None:
    """Every byte of its tables once as 0xff."""
    whole, lying = (HERE / "video.mp4").read_bytes(), tmp_path / "lying"
    video = next(box for box in boxes(BytesIO(whole), 0, len(whole)) if box.kind == b"moov")
    refused = 0
    for at in range(video.start, video.end, 3):
        lying.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        try:
            videos.clean(lying, tmp_path / "kept", videos.MP4)
        except Unusable:
            refused += 1
        assert lying.stat().st_size == len(whole)
    assert refused > 20


def test_boxes_never_reach_out_of_what_they_lie_in() -> None:
    with pytest.raises(NotBoxes):
        list(boxes(BytesIO(struct.pack(">I4s", 99, b"moov")), 0, 8))


def _video(data: bytes) -> Box:
    return next(box for box in boxes(BytesIO(data), 0, len(data)) if box.kind == b"moov")


def _made_at(data: bytes) -> int:
    head = find(BytesIO(data), _video(data), b"mvhd")
    assert head
    (made,) = struct.unpack(">I", data[head.body + 4 : head.body + 8])
    assert made
    return int(made)


def _seen_and_heard(data: bytes) -> Iterator[str]:
    file = BytesIO(data)
    for track in boxes(file, _video(data).body, _video(data).end):
        if track.kind == b"trak" and videos._sort_of(file, track) in videos.SEEN_OR_HEARD:
            yield hashlib.sha256(b"".join(data[start:end] for start, end in videos._spans(file, track))).hexdigest()
