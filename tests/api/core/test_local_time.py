"""Every change of the clocks in the United Kingdom from 2020 to 2039."""

from datetime import UTC, datetime, timedelta

import pytest

from api.core.clock import LONDON
from api.core.errors import Invalid
from api.core.local_time import HappensTwice, NoSuchHour, from_form

YEARS = range(2020, 2040)


def last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 31)  # noqa: DTZ001 - the point is a wall clock
    return day - timedelta(days=(day.weekday() + 1) % 7)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_an_hour_that_does_not_exist_in_spring_is_refused(year: int, minute: int) -> None:
    skipped = last_sunday(year, 3).replace(hour=1, minute=minute)
    with pytest.raises(NoSuchHour, match="does not exist"):
        from_form(skipped.isoformat())
    with pytest.raises(NoSuchHour):
        from_form(skipped.isoformat(), fold=1)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_an_hour_that_comes_twice_in_autumn_is_asked_about(year: int, minute: int) -> None:
    doubled = last_sunday(year, 10).replace(hour=1, minute=minute)
    with pytest.raises(HappensTwice) as asked:
        from_form(doubled.isoformat())
    first, second = asked.value.options
    assert (first.name, second.name) == ("BST", "GMT")
    assert second.at - first.at == timedelta(hours=1)
    assert from_form(doubled.isoformat(), fold=0) == first.at == doubled.replace(tzinfo=UTC) - timedelta(hours=1)
    assert from_form(doubled.isoformat(), fold=1) == second.at == doubled.replace(tzinfo=UTC)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("month", [3, 10])
@pytest.mark.parametrize(("hour", "minute"), [(0, 59), (2, 0), (12, 0)])
def test_the_hours_around_a_change_mean_what_the_clock_shows(year: int, month: int, hour: int, minute: int) -> None:
    wall = last_sunday(year, month).replace(hour=hour, minute=minute)
    moment = from_form(wall.isoformat())
    assert moment.tzinfo is UTC
    assert moment.astimezone(LONDON).replace(tzinfo=None) == wall


def test_summer_is_an_hour_ahead_and_winter_is_not() -> None:
    assert from_form("2026-07-01T12:00") == datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert from_form("2026-12-01T12:00") == datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01T10:00", "2026-12-01T12:00Z", "0001-01-01T00:00"])
def test_what_is_not_a_clock_time_is_refused_with_words(text: str) -> None:
    with pytest.raises(Invalid, match="Give a day and a time"):
        from_form(text)
