"""What a page says about itself, whatever it is made of."""

import pytest

from api.platforms.errors import NotSent
from api.platforms.values import Card, Response
from tests.workers.platforms.fake import drive
from workers.platforms.cards import LARGEST_PICTURE, LONGEST_DESCRIPTION, LONGEST_TITLE, card, with_picture

URL = "https://www.police.uk/sheds"


def page(body: str | bytes, status: int = 200, kind: str = "text/html; charset=utf-8") -> Response:
    return Response(status, {"content-type": kind}, body if isinstance(body, bytes) else body.encode())


def read(body: str | bytes, status: int = 200, kind: str = "text/html; charset=utf-8") -> Card | None:
    return drive(card(URL), lambda _: page(body, status, kind))


def test_what_the_page_says_for_cards_goes_before_its_title() -> None:
    found = read(
        """<!doctype html><html><head><title>Sheds | Police</title>
        <META PROPERTY="og:title" CONTENT="Keep your shed &quot;safe&quot;">
        <meta name=description content="How to lock it &amp; mark it."></head><body><title>icon</title></body>"""
    )
    assert found == Card(URL, 'Keep your shed "safe"', "How to lock it & mark it.")


def test_without_any_of_it_the_title_will_do() -> None:
    assert read("<title>\n  Sheds &amp; more\n</title>") == Card(URL, "Sheds & more", "")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("", 200, "text/html"),
        ("<p>No title</p>", 200, "text/html"),
        ("<title></title>", 200, "text/html"),
        ("<title>Not here</title>", 404, "text/html"),
        ("<title>A feed</title>", 200, "application/xml"),
        ("<title>No kind</title>", 200, ""),
    ],
)
def test_a_page_that_says_nothing_of_use_has_no_card(body: str, status: int, kind: str) -> None:
    assert read(body, status, kind) is None


def test_other_letters_are_read_as_the_page_says() -> None:
    assert read("<title>Caf\xe9</title>".encode("latin-1"), kind="text/html; charset=ISO-8859-1") == Card(
        URL, "Café", ""
    )
    assert read("<title>Café</title>", kind="text/html; charset=made-up") == Card(URL, "Café", "")


def test_it_is_kept_short_and_clean() -> None:
    found = read(f"<title>{'t' * 900}\x07</title><meta property=og:description content='{'d' * 900}'>")
    assert found is not None
    assert len(found.title) == LONGEST_TITLE
    assert len(found.description) == LONGEST_DESCRIPTION
    assert found.title.endswith("…")


@pytest.mark.parametrize(
    "evil", ["<" * 300_000, "<meta " * 50_000, "<div>" * 60_000, "<title>" + "&" * 290_000, "<meta a=b>" * 30_000]
)
def test_markup_made_to_be_slow_says_nothing(evil: str) -> None:
    assert read(evil) is None


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("/a.jpg", "https://www.police.uk/a.jpg"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("https://cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("http://cdn.example/a.jpg", ""),
        ("javascript:alert(1)", ""),
        ("data:image/png;base64,AAAA", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_where_its_picture_is(said: str, found: str) -> None:
    got = read(f"<title>Sheds</title><meta property='og:image' content='{said}'>")
    assert got is not None
    assert got.image == found


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"\xff\xd8\xff\xe0 picture", 200, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n picture", 200, "image/png"),
        (b"RIFF\x0a\x00\x00\x00WEBP picture", 200, "image/webp"),
        (b"<svg onload='x'></svg>", 200, ""),
        (b"<!doctype html>", 200, ""),
        (b"\xff\xd8\xff\xe0 picture", 404, ""),
        (b"\xff\xd8\xff" + b"x" * LARGEST_PICTURE, 200, ""),
        (b"", 200, ""),
    ],
)
def test_only_what_is_a_picture_is_shown_as_one(body: bytes, status: int, kind: str) -> None:
    """Whatever its server calls it."""
    bare = Card(URL, "Sheds", image="https://www.police.uk/a")
    got = drive(with_picture(bare), lambda _: page(body, status, "image/jpeg"))
    assert (got.thumb.kind if got.thumb else "") == kind
    assert got.title == "Sheds"


def test_what_goes_wrong_on_the_way_is_told() -> None:
    def gone(_: object) -> Response:
        raise NotSent("The server could not be reached.")

    with pytest.raises(NotSent):
        drive(card(URL), gone)
