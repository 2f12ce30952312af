"""What headers say about how much may still be asked, in every dialect, and what is done with nonsense."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from api.platforms.windows import Window, asked, level, tighter, window

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
THEN = NOW + timedelta(seconds=90)
EPOCH = int(THEN.timestamp())


def mastodon(reset: str, remaining: str = "12", limit: str = "300") -> dict[str, str]:
    return {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}


@pytest.mark.parametrize(
    "headers",
    [
        mastodon("2026-06-01T09:01:30.000Z"),
        mastodon("2026-06-01T09:01:30.019685Z"),
        mastodon("2026-06-01T10:01:30+01:00"),
        mastodon(str(EPOCH)),
        mastodon(str(EPOCH * 1000)),
        mastodon("90"),
        {"x-rate-limit-limit": "300", "x-rate-limit-remaining": "12", "x-rate-limit-reset": str(EPOCH)},
        {
            "ratelimit-limit": "300", "ratelimit-remaining": "12", "ratelimit-reset": str(EPOCH),
            "ratelimit-policy": "300;w=300",
        },
        {"ratelimit-limit": "300", "ratelimit-remaining": "12", "ratelimit-policy": "300;w=90"},
        {"ratelimit-limit": "300, 300;w=300", "ratelimit-remaining": "12", "ratelimit-reset": "90"},
        {"ratelimit": "limit=300, remaining=12, reset=90"},
        {"ratelimit": '"default";r=12;t=90', "ratelimit-policy": '"default";q=300;w=300'},
    ],
)  # fmt: skip
def test_every_dialect_tells_the_same_window(headers: dict[str, str]) -> None:
    found = window(headers, NOW)
    assert found is not None
    assert (found.limit, found.remaining) == (300, 12)
    assert abs(found.resets_at - THEN) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        mastodon("soon"),
        mastodon(""),
        mastodon("nan"),
        mastodon("inf"),
        mastodon("-5"),
        mastodon("2026-05-31T09:00:00Z"),
        mastodon(str(EPOCH + 40 * 86400)),
        mastodon("90", remaining="-1"),
        mastodon("90", remaining="many"),
        mastodon("90", remaining="301"),
        mastodon("90", limit="0", remaining="0"),
        mastodon("90", limit="9" * 40, remaining="1"),
        mastodon("90", remaining="²"),
        {"ratelimit": "limit=300"},
        {"ratelimit": "limit=10, remaining=12, reset=5"},
        {"ratelimit": "limit=0, remaining=0, reset=5"},
        {"ratelimit": "limit=99999999999999, remaining=1, reset=5"},
        {"x-ratelimit-remaining": "5"},
    ],
)
def test_nonsense_is_no_window(headers: dict[str, str]) -> None:
    assert window(headers, NOW) is None


def test_a_server_whose_clock_is_wrong_means_its_own_time() -> None:
    """It is an hour ahead: its window ends in 90 seconds all the same."""
    there = NOW + timedelta(hours=1)
    headers = mastodon((there + timedelta(seconds=90)).isoformat()) | {"date": format_datetime(there, usegmt=True)}
    found = window(headers, NOW)
    assert found is not None
    assert found.resets_at == THEN


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "90"}, 90),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": format_datetime(THEN, usegmt=True)}, 90),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "999999"}, 24 * 3600),
        ({"retry-after": "nan", "x-ratelimit-reset": "7"}, 7),
        ({"x-rate-limit-reset": str(EPOCH)}, 90),
        ({"ratelimit-reset": str(EPOCH), "retry-after": "5"}, 5),
        ({"retry-after": "next week"}, None),
        ({}, None),
    ],
)
def test_being_asked_to_wait_is_understood(headers: dict[str, str], wait: float | None) -> None:
    assert asked(headers, NOW) == wait


def test_the_quick_look_agrees_with_the_long_one() -> None:
    assert level(mastodon("90")) == (300, 12)
    assert level({"ratelimit-limit": "3000, 3000;w=300", "ratelimit-remaining": "7"}) == (3000, 7)
    assert level({}) is None
    assert level(mastodon("90", remaining="x")) is None


def test_reading_leaves_a_reserve_and_slows_down_before_it_is_reached() -> None:
    assert Window(300, 0, THEN).reserve == 30
    assert Window(15, 0, THEN).reserve == 2
    plenty, some, little = (Window(300, left, THEN).rest(NOW) for left in (290, 50, 31))
    assert plenty < 2
    assert plenty < some < little == 90
    assert Window(300, 30, THEN).rest(NOW) == 90
    assert Window(300, 0, NOW - timedelta(seconds=1)).rest(NOW) == 0


def test_of_two_reports_the_later_window_counts_and_within_one_the_smaller_number() -> None:
    ours, theirs = Window(300, 5, THEN), Window(300, 9, THEN + timedelta(seconds=1))
    assert tighter(ours, theirs).remaining == 5
    assert tighter(theirs, ours).remaining == 5
    later = Window(300, 299, THEN + timedelta(seconds=300))
    assert tighter(ours, later) == later
    assert tighter(later, ours) == later
    assert tighter(None, ours) == ours
