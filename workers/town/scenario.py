"""What the files in scenarios/ say, as frozen values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Person:
    handle: str
    name: str
    kind: str = "resident"
    area: str = ""
    voice: str = "lower"
    note: str = ""


@dataclass(frozen=True)
class Past:
    """Something somebody wrote before the town was opened."""

    id: str
    at: datetime
    who: str
    kind: str
    thread: str
    text: str = ""  # nothing, with a picture
    account: str = ""
    to: str = ""
    lang: str = "en"
    media: str = ""
    tier: str = ""  # for the trainer; the town never shows it
    result: str = ""


@dataclass(frozen=True)
class Change:
    id: str
    after_minutes: int
    text: str = ""
    delete: bool = False


@dataclass(frozen=True)
class Line:
    text: str
    who: str = ""
    account: str = "sandfordnorth"
    reply: str = ""  # what another resident says under it
    reply_who: str = ""
    edit: str = ""
    delete: bool = False
    lang: str = "en"


@dataclass(frozen=True)
class Beat:
    """One thing in a rehearsal, a number of minutes after its start."""

    minute: float
    who: str
    text: str
    kind: str = "mention"  # mention | direct | post | reply (under the newest thing the named one wrote)
    account: str = "sandfordnorth"
    to: str = ""


@dataclass(frozen=True)
class Scenario:
    name: str
    history: tuple[Past, ...] = ()
    changes: tuple[Change, ...] = ()
    kinds: Mapping[str, tuple[Line, ...]] | None = None  # the endless round of the demo
    beats: tuple[Beat, ...] = ()


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(
        resources.files("workers.town").joinpath("scenarios", f"{name}.toml").read_text("utf-8")
    )


def people() -> list[Person]:
    return [Person(**row) for row in _read("people")["people"]]


def answers() -> list[Line]:
    return [Line(**row) for row in _read("answers")["answers"]]


def voices() -> dict[str, Any]:
    return _read("voices")


def load(name: str) -> Scenario:
    """An unknown name is refused, so that a slip of the pen doesn't open an empty town."""
    if name == "empty":
        return Scenario(name)
    if name == "week":
        week, live = _read("week"), _read("live")
        return Scenario(
            name,
            tuple(Past(**row) for row in week["history"]),
            tuple(Change(**row) for row in week["changes"]),
            {kind: tuple(Line(**row) for row in rows) for kind, rows in live.items()},
        )
    rehearsals = _read("rehearsals")
    if name not in rehearsals:
        raise ValueError(f"There is no scenario called {name!r}: try week, empty, {', '.join(rehearsals)}.")
    return Scenario(name, beats=tuple(Beat(**row) for row in rehearsals[name]))
