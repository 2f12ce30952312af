"""One long text as several short ones."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.platforms.facts import FACTS
from api.platforms.splitting import split
from api.platforms.text import URL, counter
from api.platforms.values import Limits, Platform

LINK = "https://www.police.uk/pu/contact-us/sandford/?team=north"
PIECES = st.one_of(
    st.sampled_from(
        [
            LINK,
            "@amy@shire.example",
            "@quay.police.example",
            "#MillLane",
            "Sgt. Malik",
            "10\u00a0am",
            "👩‍👩‍👧‍👦",
            "\n\n",
            "\n",
        ]
    ),
    st.text(alphabet="abcŵé日🇬🇧👍. !?,\n", min_size=1, max_size=30),
    st.integers(1, 700).map(lambda times: "w" * times),
)
TEXTS = st.lists(PIECES, max_size=60).map(" ".join)
PLATFORMS = st.sampled_from(list(Platform))


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def without_number(part: str) -> str:
    return re.sub(r" \(\d+/\d+\)$", "", part)


def words_of(parts: tuple[str, ...]) -> list[str]:
    return [without_number(part) for part in parts] if len(parts) > 1 else list(parts)


@given(TEXTS, PLATFORMS, st.sampled_from(["", "Mentions of violence"]), st.sampled_from([100, 300, 500]))
@example("w" * 5000, Platform.BLUESKY, "", 300)
@example("👩‍👩‍👧‍👦" * 2000, Platform.BLUESKY, "", 300)
def test_all_is_said_in_order_and_every_part_fits(text: str, platform: Platform, warning: str, most: int) -> None:
    limits, count = Limits(max_length=most, url_length=FACTS[platform].limits.url_length), counter(platform, warning)
    parts = split(text, limits, count)
    assert bare("".join(words_of(parts))) == bare(text)
    assert all(count(part, limits) <= most for part in parts)
    if len(parts) > 1:
        assert [part.rpartition(" ")[2] for part in parts] == [f"({n}/{len(parts)})" for n in range(1, len(parts) + 1)]
        assert all(words.strip() for words in words_of(parts))


@given(TEXTS, PLATFORMS)
def test_a_link_a_name_and_a_tag_stay_whole(text: str, platform: Platform) -> None:
    parts = words_of(split(text, Limits(max_length=100), counter(platform)))
    for whole in (LINK, "@amy@shire.example", "@quay.police.example", "#MillLane"):
        said = sum(len(re.findall(rf"(?<!\S){re.escape(whole)}(?!\S)", part)) for part in parts)
        assert said == len(re.findall(rf"(?<!\S){re.escape(whole)}(?!\S)", text.replace("\r\n", "\n").strip()))


@given(st.text(max_size=400), PLATFORMS, st.integers(1, 60))
def test_it_ends_whatever_it_is_given_and_loses_nothing(text: str, platform: Platform, most: int) -> None:
    parts = split(text, Limits(max_length=most, url_length=0), counter(platform))
    assert bare("".join(words_of(parts))) == bare(text)


def test_what_fits_is_left_alone() -> None:
    assert split("Road closed.", Limits(), counter(Platform.MASTODON)) == ("Road closed.",)
    assert split("a" * 500, Limits(), counter(Platform.MASTODON)) == ("a" * 500,)


def test_it_stops_after_a_paragraph_then_after_a_sentence_then_after_a_word() -> None:
    limits, count = Limits(max_length=60), counter(Platform.MASTODON)
    assert split("The road is closed until noon today.\n\n" + "Use Quay Street. " * 4, limits, count)[0] == (
        "The road is closed until noon today. (1/3)"
    )
    assert split("The road is closed. Use Quay Street instead of it, and mind the children there.", limits, count)[
        0
    ] == ("The road is closed. (1/3)")
    assert split("the road is closed and will be for all of today and tomorrow too", limits, count) == (
        "the road is closed and will be for all of today and (1/2)",
        "tomorrow too (2/2)",
    )


def test_the_number_is_counted_before_and_after_and_may_have_two_digits() -> None:
    parts = split("word " * 150, Limits(max_length=60), counter(Platform.MASTODON))
    assert len(parts) > 9
    assert parts[0].endswith(f"(1/{len(parts)})")
    assert all(len(part) <= 60 for part in parts)


def test_a_word_too_long_for_a_part_is_cut_around_its_link() -> None:
    parts = words_of(split("w" * 70 + LINK + "w" * 10, Limits(max_length=60), counter(Platform.MASTODON)))
    assert [URL.findall(part) for part in parts if "http" in part] == [[LINK + "w" * 10]]


def test_a_link_that_is_too_long_alone_is_not_cut() -> None:
    """Bluesky counts a link as it stands: nobody could press half of one, so it is said to be too long."""
    link = "https://sandford.example/" + "x" * 400
    limits = FACTS[Platform.BLUESKY].limits
    parts = split(f"See {link} for the whole of it.", limits, counter(Platform.BLUESKY))
    assert any(link in part for part in parts)


@pytest.mark.parametrize("flag", ["🇬🇧", "👩‍👩‍👧‍👦", "e\u0301"])
def test_what_a_reader_calls_one_character_is_never_cut(flag: str) -> None:
    parts = words_of(split(flag * 200, Limits(max_length=50), counter(Platform.MASTODON)))
    assert all(part.replace(flag, "") == "" for part in parts)
