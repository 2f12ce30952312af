"""How much a platform still lets us ask, as its answers say: pure, and deaf to nonsense."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache

Headers = Mapping[str, str]

LONGEST_WAIT = 24 * 3600.0
HIGHEST = 10**9
"""More than any limit; above it, a reset is a moment since 1970 and not a number of seconds."""
MILLISECONDS = 10**11
ROUND = 4
"""Requests that one reading of a feed takes, about."""


class Call(StrEnum):
    """What is asked. Platforms count these apart, and the first must never wait for the last."""

    PUBLISH = "publish"
    MEDIA = "media"
    CHANGE = "change"
    """Takes down, changes, likes, renews: whatever writes and is not something new to read."""
    READ = "read"


@dataclass(frozen=True, slots=True)
class Window:
    """So many calls until then. `limit` 0: the platform did not say how many there are in all."""

    limit: int
    remaining: int
    resets_at: datetime

    @property
    def reserve(self) -> int:
        """What reading leaves alone, so that a post or a reply never waits for it."""
        return -(-self.limit // 10)

    def rest(self, at: datetime) -> float:
        """Seconds until the next reading, so that all but the reserve lasts to the end of the window."""
        seconds = (self.resets_at - at).total_seconds()
        left = self.remaining - self.reserve
        if seconds <= 0:
            return 0.0
        return seconds if left <= 0 else min(seconds, seconds * ROUND / left)


@dataclass(frozen=True, slots=True)
class Names:
    """The headers of one dialect. Their reset is ISO 8601, seconds or milliseconds since 1970, or seconds from now."""

    limit: str
    remaining: str
    reset: str
    policy: str = ""
    """`3000;w=300`: as many in so many seconds."""


FORMATS = (
    Names("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),  # Mastodon, GoToSocial, Pleroma
    Names("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"),  # Bluesky
    Names("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"),  # X
)
WAITS = ("retry-after", *(names.reset for names in FORMATS))

_NUMBER = re.compile(r"\s*(\d{1,10})\s*(?:[,;].*)?\Z")
_SPAN = re.compile(r";\s*w=(\d{1,8})\b")
_PARTS = re.compile(r"(?:^|[;,\s])(limit|remaining|reset|q|r|t)\s*=\s*(\d{1,10})\b")
_SHORT = {"q": "limit", "r": "remaining", "t": "reset"}


def level(headers: Headers) -> tuple[int, int] | None:
    """Limit and what remains of it, as fast as can be: asked of every answer."""
    for names in FORMATS:
        remaining = headers.get(names.remaining)
        if remaining is not None:
            return _level(headers.get(names.limit, ""), remaining)
    return None


def window(headers: Headers, at: datetime) -> Window | None:
    """The window that an answer tells of, by our own clock; None where it tells of none, or makes no sense."""
    for names in FORMATS:
        if names.remaining in headers:
            return _window(_level(headers.get(names.limit, ""), headers[names.remaining]), _end(headers, names, at), at)
    return _structured(headers, at) if "ratelimit" in headers else None


def asked(headers: Headers, at: datetime) -> float | None:
    """Seconds to wait: Retry-After in seconds or as a date, else whatever says when a window ends."""
    there = server_time(headers, at)
    for name in WAITS:
        wait = seconds(headers.get(name, "").strip(), there)
        if wait is not None:
            return min(max(wait, 0.0), LONGEST_WAIT)
    return None


def server_time(headers: Headers, at: datetime) -> datetime:
    """The server's own clock where it shows it: its times are meant by that one, not by ours."""
    said = headers.get("date")
    return (moment(said) if said else None) or at


def seconds(value: str, there: datetime) -> float | None:
    """From now until what a header says, in whichever way it says it."""
    if not value:
        return None
    number = None if "T" in value else _float(value)  # what looks like ISO 8601 is not tried as a number first
    if number is None:
        said = moment(value)
        return None if said is None else (said - there).total_seconds()
    if number != number or number in (float("inf"), float("-inf")):
        return None
    if number > MILLISECONDS:
        number /= 1000
    return number - there.timestamp() if number > HIGHEST else number


@lru_cache(256)  # many answers of one second carry the same
def moment(value: str) -> datetime | None:
    """ISO 8601 or an HTTP date; without a zone it is UTC."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            said = read(value)
        except (ValueError, TypeError, IndexError):
            continue
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    return None


def _float(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _level(limit: str, remaining: str) -> tuple[int, int] | None:
    # Plain digits are what nearly every answer has.
    said = int(limit) if limit.isdecimal() and len(limit) < 10 else _number(limit)
    left = int(remaining) if remaining.isdecimal() and len(remaining) < 10 else _number(remaining)
    return (said, left) if said and left is not None and left <= said else None


def _number(text: str) -> int | None:
    found = _NUMBER.match(text)
    return int(found[1]) if found and int(found[1]) < HIGHEST else None


def _end(headers: Headers, names: Names, at: datetime) -> float | None:
    wait = seconds(headers.get(names.reset, "").strip(), server_time(headers, at))
    if wait is None and (span := _SPAN.search(headers.get(names.policy, ""))):
        return float(span[1])  # no later than this
    return wait


def _window(said: tuple[int, int] | None, wait: float | None, at: datetime) -> Window | None:
    if said is None or wait is None or not 0 <= wait <= LONGEST_WAIT:
        return None
    return Window(*said, at + timedelta(seconds=wait))


def _structured(headers: Headers, at: datetime) -> Window | None:
    """All in one header: `limit=100, remaining=5, reset=30`, or `"name";r=5;t=30` beside a policy with `q=100`."""
    said = {_SHORT.get(name, name): int(number) for name, number in _PARTS.findall(headers["ratelimit"])}
    for name, number in _PARTS.findall(headers.get("ratelimit-policy", "")):
        said.setdefault(_SHORT.get(name, name), int(number))
    if not {"limit", "remaining", "reset"} <= said.keys() or not 0 <= said["remaining"] <= said["limit"] < HIGHEST:
        return None
    return _window((said["limit"], said["remaining"]), float(said["reset"]), at) if said["limit"] else None


def tighter(ours: Window | None, theirs: Window) -> Window:
    """Of two accounts of one window what is less; of two windows the later one."""
    if ours is None or theirs.resets_at - ours.resets_at > timedelta(seconds=2):
        return theirs
    if ours.resets_at - theirs.resets_at > timedelta(seconds=2):
        return ours
    return replace(ours, remaining=min(ours.remaining, theirs.remaining))
