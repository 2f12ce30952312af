"""Pictures and videos as phones make them, with all that a phone writes into them. The places are nobody's home."""

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageCms, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

MAKER = "Sandford Optics"
MODEL = "Lookout 9 of PCSO Marsh"
SECRETS = (b"Sandford Optics", b"Lookout 9", b"51.8642", b"Mill Lane 9", b"51,51.86", b"GPSLatitude", b"2026:11:20")
"""Whatever of these is in a file, the camera's notes are."""
_XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
    b'exif:GPSLatitude="51,51.8642N" photoshop:City="Mill Lane 9"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def a_photo(
    width: int = 640, height: int = 480, *, orientation: int = 1, kind: str = "JPEG", noisy: bool = False
) -> bytes:
    """With the camera, the time and the place in EXIF, XMP and a comment. `noisy`: hard to compress, as real ones are."""
    picture = _noise(width, height) if noisy else _scene(width, height)
    out = BytesIO()
    more: dict[str, object] = {"exif": _exif(orientation), "xmp": _XMP, "icc_profile": _profile()}
    if kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", "Mill Lane 9", zip=False)
        notes.add_itxt("XML:com.adobe.xmp", _XMP.decode())
        more = {"exif": _exif(orientation), "icc_profile": _profile(), "pnginfo": notes}
    if kind == "JPEG":
        more["comment"] = b"Mill Lane 9"
    picture.save(out, kind, **more)
    return out.getvalue()


def plain(width: int = 320, height: int = 240, colour: str = "teal", kind: str = "PNG", mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, (width, height), colour).save(out, kind)
    return out.getvalue()


def animated() -> bytes:
    frames = [Image.new("RGB", (40, 40), shade) for shade in ("red", "green", "blue")]
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def a_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes whose head promises more points than any memory has."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _scene(width: int, height: int) -> Image.Image:
    """Red above left, green above right, blue below: so that one sees which way up it is."""
    picture = Image.new("RGB", (width, height), (20, 60, 200))
    picture.paste((200, 30, 30), (0, 0, width // 2, height // 2))
    picture.paste((30, 160, 40), (width // 2, 0, width, height // 2))
    return picture


def _noise(width: int, height: int) -> Image.Image:
    """Something like grass and brick: the same every time."""
    small = Image.effect_noise((max(1, width // 2), max(1, height // 2)), 90)
    return Image.merge(
        "RGB",
        [
            small.resize((width, height)),
            small.rotate(90).resize((width, height)),
            small.rotate(180).resize((width, height)),
        ],
    )


def _exif(orientation: int) -> Image.Exif:
    notes = Image.Exif()
    notes[0x010F], notes[0x0110], notes[0x0112], notes[0x0132] = MAKER, MODEL, orientation, "2026:11:20 08:15:00"
    place = notes.get_ifd(0x8825)
    place |= {1: "N", 2: _degrees(51, 51, 51.12), 3: "W", 4: _degrees(2, 14, 37.4)}
    return notes


def _degrees(*parts: float) -> tuple[IFDRational, ...]:
    return tuple(IFDRational(int(part * 100), 100) for part in parts)


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
