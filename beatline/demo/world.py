"""What the files in beatline/world say, as frozen values."""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any

from api.core.clock import LONDON
from api.models import Issue, Role, Source

_DAY = re.compile(r"\{day\+(\d+)\}")


@dataclass(frozen=True)
class Human:
    id: str
    name: str
    roles: tuple[Role, ...]
    email: str
    in_team: bool = False
    shown: str = ""
    token: bool = False


@dataclass(frozen=True)
class Handle:
    handle: str
    team: bool
    ends_in_days: int | None = None
    """The permission ends then, as far as the register knows: something to be warned of."""


@dataclass(frozen=True)
class Service:
    """A force as it is invented."""

    name: str
    short_name: str
    police_uk_id: str
    team: str
    neighbourhoods: tuple[dict[str, str], ...]
    people: tuple[Human, ...]
    accounts: tuple[Handle, ...]
    register: dict[str, str]


@dataclass(frozen=True)
class Planned:
    who: str
    accounts: tuple[str, ...]
    text: str = ""
    standard: str = ""
    values: dict[str, str] = field(default_factory=dict)
    in_minutes: int | None = None
    in_days: int = 0
    at: str = ""

    def when(self, opened: datetime) -> datetime:
        if self.in_minutes is not None:
            return opened + timedelta(minutes=self.in_minutes)
        day = opened.astimezone(LONDON).date() + timedelta(days=self.in_days)
        return datetime.combine(day, time.fromisoformat(self.at), LONDON)


@dataclass(frozen=True)
class Adopted:
    neighbourhood: str
    issue: Issue
    title: str
    reason: str
    adopted_days_ago: int
    updates: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Asked:
    neighbourhood: str
    who: str
    text: str
    opened_days_ago: int
    closes_in_days: int
    posted_by: str
    posts_begin: str


@dataclass(frozen=True)
class Heard:
    source: Source
    who: str
    days_ago: int
    place: str
    issues: tuple[str, ...]
    text: str
    age_band: str | None = None


@dataclass(frozen=True)
class Hands:
    who: str
    days_ago: int
    place: str
    heads: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Week:
    posts: tuple[Planned, ...]
    drafts: tuple[Planned, ...]
    priorities: tuple[Adopted, ...]
    question: Asked
    answers: tuple[Heard, ...]
    tallies: tuple[Hands, ...]


def services() -> list[Service]:
    return [_service(row) for row in _read("forces")["forces"]]


def standard_posts() -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = _read("standard_posts")["posts"]
    return posts


def week() -> Week:
    read = _read("week")
    return Week(
        posts=tuple(Planned(**_tuples(row)) for row in read["posts"]),
        drafts=tuple(Planned(**_tuples(row)) for row in read["drafts"]),
        priorities=tuple(Adopted(**_tuples(row) | {"issue": Issue(row["issue"])}) for row in read["priorities"]),
        question=Asked(**read["question"]),
        answers=tuple(Heard(**_tuples(row) | {"source": Source(row["source"])}) for row in read["answers"]),
        tallies=tuple(Hands(**row) for row in read["tallies"]),
    )


def with_days(text: str, today: date) -> str:
    """{day+3} in words, as people say it: Friday 27 November."""

    def in_words(found: re.Match[str]) -> str:
        day = today + timedelta(days=int(found[1]))
        return f"{day:%A} {day.day} {day:%B}"

    return _DAY.sub(in_words, text)


def _service(row: dict[str, Any]) -> Service:
    row = dict(row)
    mail = row.pop("mail")
    people = tuple(_human(each, mail) for each in row.pop("people"))
    accounts = tuple(Handle(**each) for each in row.pop("accounts"))
    return Service(people=people, accounts=accounts, neighbourhoods=tuple(row.pop("neighbourhoods")), **row)


def _human(row: dict[str, Any], mail: str) -> Human:
    """First and last name make the address; a rank is no part of it."""
    row = dict(row)
    name = row.pop("email", ".".join(row["name"].lower().split()[-2:]))
    return Human(**row | {"roles": tuple(Role(role) for role in row["roles"]), "email": f"{name}@{mail}"})


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("beatline").joinpath("world", f"{name}.toml").read_text("utf-8"))
