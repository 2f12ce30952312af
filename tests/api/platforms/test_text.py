"""Counting as the platforms count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.platforms.facts import FACTS
from api.platforms.text import GRAPHEME, count, counter, graphemes
from api.platforms.values import Limits, Platform

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def mastodon(text: str, limits: Limits = Limits()) -> int:  # noqa: B008 - a frozen value
    return count(Platform.MASTODON, text, limits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        (FAMILY, 1),
        (ENGLAND, 1),
        ("café", 4),
        ("cafe\u0301", 4),
        ("1\ufe0f\u20e3", 1),
        ("a\r\nb", 3),
        ("🇬🇧🇬🇧", 2),
        ("👍🏽", 1),
        ("ŵ ŷ Cymraeg", 11),
        ("日本語", 3),
        ("العربية", 7),
    ],
)
def test_a_character_is_what_a_reader_calls_one(text: str, expected: int) -> None:
    assert graphemes(text) == expected
    assert mastodon(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://www.police.uk/pu/contact-us/", 23),
        ("http://a.uk", 23),
        ("HTTPS://A.EXAMPLE/B", 23),
        ("see https://www.police.uk/pu/contact-us/ now", 31),
        ("https://a.example/1 https://a.example/2", 47),
        ("See https://a.example/1.", 28),
        ("(https://a.example/1)", 25),
        ("https://a.example/?a=1&b=2#c, then", 29),
        ("met.police.uk", 13),
        ("email a@b.co.uk", 15),
        ("http://localhost/x", 18),
        ("@amy@shire.example", 4),
        ("@amy@shire.example and @ben", 13),
        ("@amy@shire.example, thanks", 12),
        ("Hello @amy@shire.example!", 11),
        ("@amy", 4),
        ("https://shire.example/@amy", 23),
    ],
)
def test_links_and_mentions_count_as_the_server_counts_them(text: str, expected: int) -> None:
    assert mastodon(text) == expected


def test_a_link_counts_as_the_instance_says() -> None:
    assert mastodon("https://www.police.uk/pu/contact-us/", Limits(url_length=25)) == 25


@given(st.text(alphabet="abé \n👍", max_size=40))
def test_without_links_and_mentions_it_is_the_number_of_characters(text: str) -> None:
    assert mastodon(text) == graphemes(text)


def bluesky(text: str) -> int:
    return count(Platform.BLUESKY, text, FACTS[Platform.BLUESKY].limits)


@pytest.mark.parametrize(
    ("text", "characters", "size"),
    [
        (FAMILY, 1, 25),
        (ENGLAND, 1, 28),
        ("café", 4, 5),
        ("cafe\u0301", 4, 6),
        ("1\ufe0f\u20e3", 1, 7),
        ("a\r\nb", 3, 4),
        ("🇬🇧🇬🇧", 2, 16),
        ("https://www.police.uk/pu/contact-us/", 36, 36),
        ("@amy.shire.example", 18, 18),
    ],
)
def test_bluesky_counts_characters_and_shortens_nothing(text: str, characters: int, size: int) -> None:
    assert (bluesky(text), len(text.encode())) == (characters, size)


def test_bluesky_takes_three_hundred_characters_in_three_thousand_bytes() -> None:
    most = FACTS[Platform.BLUESKY].limits.max_length
    assert bluesky("x" * 300) == bluesky("ŵ" * 300) == most
    assert bluesky("x" * 301) == most + 1
    # 120 families are 120 characters, and exactly 3,000 bytes.
    assert bluesky(FAMILY * 120) == 120
    assert bluesky(FAMILY * 120 + "x") == most + 1


def test_a_warning_counts_with_the_words_it_stands_before() -> None:
    assert count(Platform.MASTODON, "Words", Limits(), "Flood") == 10
    assert count(Platform.BLUESKY, "Words", FACTS[Platform.BLUESKY].limits, "Flood") == len("Flood\n\nWords")
    assert counter(Platform.MASTODON, "Flood")("Words", Limits()) == 10


@given(st.text(alphabet=st.one_of(st.characters(max_codepoint=0x2FF), st.sampled_from("‐’“”…–—€\r\n©®")), max_size=60))
def test_the_short_way_of_counting_says_the_same(text: str) -> None:
    assert graphemes(text) == len(GRAPHEME.findall(text))
