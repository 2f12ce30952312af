"""Dates, times and numbers as a person says them. A time never stands without its day."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from api.core.clock import LONDON


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def full(at: datetime) -> str:
    """The whole date, for whoever hovers or listens."""
    local = at.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B %Y}, {local:%H:%M}"


def day(at: datetime, now: datetime) -> str:
    local, today = at.astimezone(LONDON), now.astimezone(LONDON)
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}"


def when_text(at: datetime, now: datetime) -> str:
    """10:42 today · Sun 07:41 (within the last week) · Wed 25 Nov, 08:30."""
    local, today = at.astimezone(LONDON), now.astimezone(LONDON)
    if local.date() == today.date():
        return f"{local:%H:%M} today"
    if timedelta() < today.date() - local.date() < timedelta(days=7):
        return f"{local:%a} {local:%H:%M}"
    return f"{day(at, now)}, {local:%H:%M}"


def to_the_second(at: datetime, now: datetime) -> str:
    """09:00:01 today · 09:00:01 on Sun · 09:00:01 on Wed 25 Nov."""
    local, today = at.astimezone(LONDON), now.astimezone(LONDON)
    if local.date() == today.date():
        return f"{local:%H:%M:%S} today"
    near = timedelta() < today.date() - local.date() < timedelta(days=7)
    return f"{local:%H:%M:%S} on {f'{local:%a}' if near else day(at, now)}"


def time_tag(at: datetime, words: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.astimezone(LONDON).isoformat(timespec="seconds"), full(at), words
    )


def when(at: datetime, now: datetime) -> Markup:
    return time_tag(at, when_text(at, now))


def for_input(at: datetime | None) -> str:
    """What a datetime-local field wants: London's wall clock."""
    return f"{at.astimezone(LONDON):%Y-%m-%dT%H:%M}" if at else ""


def hours(amount: timedelta) -> int:
    return max(0, int(amount.total_seconds() // 3600))


def span(amount: timedelta) -> str:
    """How long, in the largest unit that says enough: 1 second · 4 min · 3 h · 64 days."""
    seconds = max(0, int(amount.total_seconds()))
    if seconds < 60:
        return plural(seconds, "second")
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 72 * 3600:
        return f"{seconds // 3600} h"
    return plural(seconds // 86400, "day")


def lateness(milliseconds: int | None) -> str:
    """How late something went out, as a sentence would say it."""
    if milliseconds is None or milliseconds < 1000:
        return "on time"
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{plural(seconds, 'second')} late"
    return f"{seconds // 60} min {seconds % 60} s late"


def late_by(milliseconds: int | None) -> str:
    """The same to the tenth of a second, where somebody wants to know exactly."""
    if milliseconds is None:
        return "lateness not known"
    if milliseconds < 50:
        return "on time"
    return f"{seconds(milliseconds)} late" if milliseconds < 60_000 else lateness(milliseconds)


def seconds(milliseconds: int | None) -> str:
    """0.21 s · 4.1 s · 2 min 14 s; nothing where there is nothing."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds / 1000:.2f}\u00a0s"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f}\u00a0s"
    return f"{milliseconds // 60_000} min {milliseconds // 1000 % 60} s"


def greeting(now: datetime) -> str:
    hour = now.astimezone(LONDON).hour
    return "Good morning" if 5 <= hour < 12 else "Good afternoon" if 12 <= hour < 18 else "Good evening"


def first_line(text: str, length: int = 60) -> str:
    """A title for something that has none."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rsplit(" ", 1)[0] + "…"


ANSWER_WITHIN = timedelta(hours=72)
SOON = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Waited:
    """How long somebody has waited of the 72 hours that the team promises."""

    words: str
    share: int
    tone: str | None


def waited(since: datetime, now: datetime) -> Waited:
    amount = now - since
    share = min(100, max(0, round(amount / ANSWER_WITHIN * 100)))
    tone = "red" if amount >= ANSWER_WITHIN else "amber" if amount >= SOON else None
    over = ", too long" if amount >= ANSWER_WITHIN else ""
    return Waited(f"{hours(amount)} h of 72{over}", share, tone)


NAMED_FIRST = re.compile(r"^(?:@[\w.-]+(?:@[\w.-]+)?[,:]?\s+)+")


def gist(text: str, length: int = 72) -> str:
    """What a message says, in one line: without the names that replies begin with."""
    line = " ".join(text.split())
    return first_line(NAMED_FIRST.sub("", line) or line, length)
