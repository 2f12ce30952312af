"""A picture leaves everything behind but its points."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from api.media import pictures
from api.media.values import Cleaned, Unusable
from tests.support.photos import SECRETS, a_bomb, a_photo, animated, plain

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 40), (20, 60, 200)


def cleaned(data: bytes, folder: Path) -> tuple[Cleaned, bytes]:
    source, target = folder / "came", folder / "kept"
    source.write_bytes(data)
    return pictures.clean(source, target), target.read_bytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_nothing_that_the_camera_noted_is_left_in_it(kind: str, tmp_path: Path) -> None:
    came = a_photo(kind=kind)
    assert [secret for secret in SECRETS if secret in came], "the test has nothing to find"
    done, kept = cleaned(came, tmp_path)
    assert [secret for secret in SECRETS if secret in kept] == []
    again = Image.open(BytesIO(kept))
    assert dict(again.getexif()) == {}
    assert not {"exif", "xmp", "icc_profile", "comment", "photoshop", "XML:com.adobe.xmp"} & set(again.info)
    assert (done.width, done.height) == again.size == (640, 480)


@pytest.mark.parametrize(("orientation", "corner"), [(1, RED), (3, BLUE), (6, BLUE), (8, GREEN)])
def test_it_stands_as_whoever_took_it_saw_it(orientation: int, corner: tuple[int, int, int], tmp_path: Path) -> None:
    done, kept = cleaned(a_photo(orientation=orientation), tmp_path)
    picture = Image.open(BytesIO(kept)).convert("RGB")
    assert (done.width, done.height) == ((640, 480) if orientation in (1, 3) else (480, 640))
    seen = picture.getpixel((20, 20))
    assert all(abs(one - other) < 12 for one, other in zip(seen, corner, strict=True))


def test_a_large_photo_becomes_as_large_as_a_screen_needs(tmp_path: Path) -> None:
    done, _ = cleaned(plain(6000, 1500, kind="JPEG"), tmp_path)
    assert (done.width, done.height) == (4096, 1024)
    assert done.content_type == "image/jpeg"


def test_a_poster_stays_sharp_and_what_one_sees_through_stays_so(tmp_path: Path) -> None:
    assert cleaned(plain(), tmp_path)[0].content_type == "image/png"
    done, kept = cleaned(plain(mode="RGBA", colour="#00808040"), tmp_path)
    assert done.content_type == "image/png"
    assert Image.open(BytesIO(kept)).getpixel((5, 5)) == (0, 128, 128, 64)


def test_a_printers_colours_become_the_webs(tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("CMYK", (60, 40), (255, 0, 255, 0)).save(out, "JPEG")
    done, kept = cleaned(out.getvalue(), tmp_path)
    red, green, blue = Image.open(BytesIO(kept)).getpixel((9, 9))
    assert done.content_type == "image/jpeg"
    assert green > red + 50
    assert green > blue + 50


@pytest.mark.parametrize(
    ("came", "sentence"),
    [
        (b"", pictures.NOT_A_PICTURE),
        (b"%PDF-1.7 something else", pictures.NOT_A_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", pictures.NOT_A_PICTURE),
        (a_photo()[:3000], pictures.BROKEN),
        (a_bomb(), pictures.TOO_MANY),
        (a_bomb(9_000, 9_000), pictures.TOO_MANY),
        (animated(), pictures.MOVES),
    ],
    ids=["nothing", "pdf", "svg", "half", "bomb", "small bomb", "moving"],
)
def test_what_cannot_go_out_is_refused_with_a_sentence(came: bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=sentence[:30]) as refused:
        cleaned(came, tmp_path)
    assert refused.value.sentence == sentence
    assert not (tmp_path / "kept").exists()


def test_other_readers_that_the_library_has_are_not_used(tmp_path: Path) -> None:
    for kind in ("BMP", "TIFF", "PPM", "TGA"):
        with pytest.raises(Unusable):
            cleaned(plain(kind=kind), tmp_path)


def test_it_fits_what_a_platform_takes_and_is_the_same_each_time(tmp_path: Path) -> None:
    _, kept = cleaned(a_photo(3000, 2000, noisy=True), tmp_path)
    assert len(kept) > 900_000
    small, kind, width, height = pictures.fitted(kept, "image/jpeg", 300_000, 33_177_600)
    assert len(small) <= 300_000
    assert kind == "image/jpeg"
    assert width / height == pytest.approx(1.5, rel=0.01)
    assert pictures.fitted(kept, "image/jpeg", 300_000, 33_177_600)[0] == small
    assert pictures.fitted(kept, "image/jpeg", 16_000_000, 33_177_600)[0] is kept
    assert pictures.fitted(kept, "image/jpeg", 16_000_000, 1_000_000)[2] <= 1225


def test_an_iphones_own_kind_is_read_and_cleaned(tmp_path: Path) -> None:
    came = (Path(__file__).parent / "from_an_iphone.heic").read_bytes()
    assert b"Lookout 9" in came
    done, kept = cleaned(came, tmp_path)
    assert (done.content_type, done.width, done.height) == ("image/jpeg", 64, 48)
    assert [secret for secret in SECRETS if secret in kept] == []
    red, _, blue = Image.open(BytesIO(kept)).getpixel((5, 5))
    assert red > blue + 60
