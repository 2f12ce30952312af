"""Pictures, made anew: turned the right way up, in the web's colours, and nothing in them that the camera noted down.

What is kept is never the file that came, only the picture that was in it.
"""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pi_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from api.media.values import Cleaned, Unusable
from api.models import MediaKind

pi_heif.register_heif_opener()

LONGEST_SIDE = 4096
MOST_PIXELS = 64_000_000
MOST_PIXELS_JPEG = 170_000_000
"""A JPEG can be decoded at an eighth of its size, so a large one costs no more than another."""
QUALITY = 88
READERS = ("JPEG", "PNG", "WEBP", "GIF", "HEIF")
PICTURE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}
"""Pictures whose boxes begin as a video's do."""
DRAWN = {"PNG", "GIF"}
"""What posters and screenshots are saved as: kept sharp, unless a photo hides in it."""
LARGEST_DRAWING = 3_000_000
NOT_A_PICTURE = "This is not a picture that we can read. Send a JPEG, PNG, WebP, GIF or HEIC file."
BROKEN = "This picture is damaged or not whole. Save it again, or take another."
TOO_MANY = "This picture has more points than we can safely open. Make it smaller first."
MOVES = "A moving picture cannot be sent as a picture. Save it as a video (MP4) and add that."

_SRGB = ImageCms.createProfile("sRGB")


def clean(source: Path, target: Path) -> Cleaned:
    """Writes the picture anew to `target`. Takes a second of a processor for a large photo: call it in a thread."""
    opened = _opened(source)
    picture = _or(BROKEN, lambda: _points_of(opened))
    data = _png(picture) if opened.format in DRAWN or picture.mode == "RGBA" else b""
    kind, suffix = "image/png", "png"
    if picture.mode == "RGB" and not 0 < len(data) <= LARGEST_DRAWING:
        data, kind, suffix = _jpeg(picture, QUALITY), "image/jpeg", "jpg"
    target.write_bytes(data)
    return Cleaned(target, MediaKind.IMAGE, kind, suffix, picture.width, picture.height)


def fitted(data: bytes, content_type: str, most_bytes: int, most_pixels: int) -> tuple[bytes, str, int, int]:
    """The same picture, no larger than a platform takes: the very same bytes each time it is asked."""
    picture: Image.Image = Image.open(BytesIO(data))
    if len(data) <= most_bytes and picture.width * picture.height <= most_pixels:
        return data, content_type, picture.width, picture.height
    picture = _on_white(picture)
    _shrink(picture, (most_pixels / (picture.width * picture.height)) ** 0.5)
    for quality in (QUALITY, 80, 70):
        if len(smaller := _jpeg(picture, quality)) <= most_bytes:
            return smaller, "image/jpeg", picture.width, picture.height
    while True:
        _shrink(picture, 0.75)
        if len(smaller := _jpeg(picture, 80)) <= most_bytes or picture.width < 64:
            return smaller, "image/jpeg", picture.width, picture.height


def small(data: bytes, side: int = 640) -> bytes:
    """For a list or a form."""
    picture: Image.Image = Image.open(BytesIO(data))
    picture.draft("RGB", (side, side))
    picture.thumbnail((side, side))
    return _jpeg(picture, 80)


def _opened(source: Path) -> Image.Image:
    """Decoded, once what its head says is safe to decode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # counted here, by our own measure
        picture: Image.Image = _or(NOT_A_PICTURE, lambda: Image.open(source, formats=READERS))
    photo = picture.format in ("JPEG", "MPO")
    if picture.width * picture.height > (MOST_PIXELS_JPEG if photo else MOST_PIXELS):
        raise Unusable(TOO_MANY)
    if picture.format in ("GIF", "PNG", "WEBP") and getattr(picture, "n_frames", 1) > 1:
        raise Unusable(MOVES)
    if photo:
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    _or(BROKEN, picture.load)
    return picture


def _points_of(opened: Image.Image) -> Image.Image:
    """Only its points, upright and as sRGB. What stood beside them stays behind."""
    profile = opened.info.get("icc_profile")
    picture = ImageOps.exif_transpose(opened)
    holes = _holes_of(picture)
    colours = _in_srgb(picture, profile)
    points = Image.new("RGB", colours.size)
    points.paste(colours)
    if holes is not None:
        points.putalpha(holes)
    _shrink(points, LONGEST_SIDE / max(points.size))
    return points


def _holes_of(picture: Image.Image) -> Image.Image | None:
    """Where one can see through it; None when nowhere."""
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return None
    holes = picture.convert("RGBA").getchannel("A")
    least: Any = holes.getextrema()
    return holes if least[0] < 255 else None


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A phone's wider colours, or a printer's, as the web shows them; a profile that is broken is left out."""
    plain = picture if picture.mode in ("RGB", "CMYK", "L") else picture.convert("RGB")
    if profile:
        try:
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            changed = ImageCms.profileToProfile(plain, given, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            changed = None
        if changed is not None:
            return changed
    return plain.convert("RGB") if plain.mode != "RGB" else plain.copy()


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    sheet = Image.new("RGB", picture.size, "white")
    sheet.paste(picture, mask=picture.getchannel("A"))
    return sheet


def _shrink(picture: Image.Image, by: float) -> None:
    if by < 1.0:
        size = (max(1, int(picture.width * by)), max(1, int(picture.height * by)))
        picture.thumbnail(size, Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    _on_white(picture).save(out, "JPEG", quality=quality, progressive=True)
    return out.getvalue()


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _or(sentence: str, do: Callable[[], Any]) -> Any:
    """What a stranger's file does to a decoder is never our bug, and never more than a sentence."""
    try:
        return do()
    except Unusable:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError, RuntimeError) as error:
        raise Unusable(sentence) from error
    except Image.DecompressionBombError as error:
        raise Unusable(TOO_MANY) from error
