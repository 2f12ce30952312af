"""Marks in bytes, and names of records."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.core.ids import new_id
from workers.platforms.bluesky_key import place, rkey, tid
from workers.platforms.bluesky_text import Kind, facets, spans

TID = re.compile(r"[234567abcdefghij][234567a-z]{12}")


def marks(text: str) -> list[tuple[str, str]]:
    """What is marked, cut out by its bytes, and what it stands for."""
    return [(text.encode()[span.start : span.end].decode(), span.value) for span in spans(text)]


def test_links_tags_and_names_are_marked_by_their_bytes() -> None:
    found = spans("Road reopened: police.uk/x1 #Leeds @council.example")
    assert [(span.start, span.end, span.kind) for span in found] == [
        (15, 27, Kind.LINK),
        (28, 34, Kind.TAG),
        (35, 51, Kind.NAME),
    ]


def test_bytes_are_not_characters() -> None:
    (link,) = spans("£5 🌊 https://a.example/b")
    assert (link.start, link.end) == (9, 28)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://a.example/1.", [("https://a.example/1", "https://a.example/1")]),
        ("(https://a.example/b_(c))", [("https://a.example/b_(c)", "https://a.example/b_(c)")]),
        ("HTTPS://A.EXAMPLE/B", [("HTTPS://A.EXAMPLE/B", "HTTPS://A.EXAMPLE/B")]),
        ("met.police.uk, www.police.uk?", [("met.police.uk", "https://met.police.uk"), ("www.police.uk", "https://www.police.uk")]),
        ("https://a.example:8443/x?y=1#z", [("https://a.example:8443/x?y=1#z", "https://a.example:8443/x?y=1#z")]),
        ("email a@b.co.uk", []),
        ("Meet us at 10.30am on the road.Please come", []),
        ("http://localhost/x", []),
        ("#Flood! #1 #a#b x#no #", [("#Flood", "Flood"), ("#a", "a")]),
        ("#" + "x" * 65, []),
        ("@amy.shire.example: hi", [("@amy.shire.example", "amy.shire.example")]),
        (".@Amy.Example", [("@Amy.Example", "amy.example")]),
        ("@amy and @amy@shire.example", []),
        ("https://shire.example/@amy.example #a", [("https://shire.example/@amy.example", "https://shire.example/@amy.example"), ("#a", "a")]),
    ],
)  # fmt: skip
def test_what_a_reader_would_take_for_a_link_is_one(text: str, expected: list[tuple[str, str]]) -> None:
    assert marks(text) == expected


@given(st.text(alphabet="a@#.:/ £🌊éhtps\n(uk", max_size=60))
def test_no_two_marks_overlap_and_each_is_inside_the_text(text: str) -> None:
    at = 0
    for span in spans(text):
        assert at <= span.start < span.end <= len(text.encode())
        text.encode()[span.start : span.end].decode()  # never through the middle of a letter
        at = span.end


def test_a_name_that_nobody_has_stays_plain_text() -> None:
    made = facets(spans("@amy.example @bob.example"), {"bob.example": "did:plc:bob"})
    assert [(facet["index"]["byteStart"], facet["features"]) for facet in made] == [
        (13, [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"}])
    ]


def test_a_timestamp_identifier_is_written_as_the_platform_writes_it() -> None:
    assert tid(1767225600000000, 5) == "3mbd3542k2227"


def test_the_same_key_is_the_same_name_and_another_is_another() -> None:
    keys = [str(new_id()) for _ in range(2000)]
    names = [rkey(key) for key in keys]
    assert [rkey(key) for key in keys] == names
    assert len(set(names)) == 2000
    assert all(TID.fullmatch(name) for name in names)


def test_names_carry_the_moment_in_which_the_delivery_was_written() -> None:
    early, late = (str(UUID(int=ms << 80 | 0x7 << 76 | 0b10 << 62)) for ms in (1767225600000, 1767225660000))
    assert tid(1767225600000000 - 17_000_000, 0) < rkey(early) < tid(1767225600000000 + 17_000_000, 0) < rkey(late)


@given(st.text(max_size=30))
def test_any_key_makes_a_name_that_the_server_takes(key: str) -> None:
    assert TID.fullmatch(rkey(key))


@pytest.mark.parametrize("uri", ["", "at://", "at://did/x", "at://did/x/y/z", "https://did/x/y", "at://did//y"])
def test_what_is_no_address_of_a_record_is_none(uri: str) -> None:
    assert place(uri) is None
    found = place("at://did:plc:us/app.bsky.feed.post/3k")
    assert found is not None
    assert found.uri == "at://did:plc:us/app.bsky.feed.post/3k"
