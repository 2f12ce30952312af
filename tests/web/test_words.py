"""Times never stand without their day, and are London's."""

from datetime import UTC, datetime, timedelta

import pytest

from web import words

NOW = datetime(2026, 11, 24, 10, 47, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 24, 10, 42, tzinfo=UTC), "10:42 today"),
        (datetime(2026, 11, 24, 23, 59, tzinfo=UTC), "23:59 today"),
        (datetime(2026, 11, 22, 7, 41, tzinfo=UTC), "Sun 07:41"),
        (datetime(2026, 11, 17, 23, 0, tzinfo=UTC), "Tue 17 Nov, 23:00"),
        (datetime(2026, 11, 25, 8, 30, tzinfo=UTC), "Wed 25 Nov, 08:30"),
        (datetime(2026, 7, 1, 8, 30, tzinfo=UTC), "Wed 1 Jul, 09:30"),
        (datetime(2027, 1, 4, 8, 30, tzinfo=UTC), "Mon 4 Jan 2027, 08:30"),
    ],
)
def test_a_time_is_said_with_its_day(at, said):
    assert words.when_text(at, NOW) == said


def test_a_time_has_its_full_date_for_who_hovers_and_who_listens():
    tag = words.when(datetime(2026, 7, 1, 8, 30, tzinfo=UTC), NOW)
    assert 'datetime="2026-07-01T09:30:00+01:00"' in tag
    assert 'title="Wednesday 1 July 2026, 09:30"' in tag


def test_just_before_midnight_in_summer_is_already_tomorrow_in_london():
    now = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert words.when_text(datetime(2026, 7, 1, 22, 30, tzinfo=UTC), now) == "Wed 23:30"


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(None, "on time"), (400, "on time"), (1000, "1 second late"), (134_000, "2 min 14 s late")],
)
def test_lateness_is_a_sentence(milliseconds, said):
    assert words.lateness(milliseconds) == said


def test_plurals_and_spans():
    assert words.plural(1, "reply", "replies") == "1 reply"
    assert words.plural(1200, "reply", "replies") == "1,200 replies"
    assert words.span(timedelta(minutes=4)) == "4 min"
    assert words.span(timedelta(hours=51)) == "51 h"
    assert words.span(timedelta(days=64)) == "64 days"


def test_a_long_text_is_cut_between_words():
    assert words.first_line("a bike " * 20, 20) == "a bike a bike a…"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@jom@town.example @sandfordnorth: I had my stick out", "I had my stick out"),
        ("ask @jom about it", "ask @jom about it"),
        ("@jom", "@jom"),
        ("", ""),
    ],
)
def test_a_list_shows_what_is_said_and_not_to_whom(text, said):
    assert words.gist(text) == said
