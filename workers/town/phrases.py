"""Finding words that nobody has used within the hour."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from workers.town import scenario
from workers.town.scenario import Line
from workers.town.world import Town

HOUR_MS = 3_600_000
STREETS = (
    "Mill Lane",
    "Kestrel Way",
    "Orchard Road",
    "Fairmile Road",
    "Quay Street",
    "Weir Road",
    "Bell Lane",
    "Church Street",
    "Saxon Way",
    "Ridgeway Drive",
    "Brindle Road",
    "Northgate Parade",
)
WHENS = (
    "just now",
    "ten minutes ago",
    "about half an hour ago",
    "this morning",
    "last night",
    "around teatime yesterday",
)
OPENERS = (
    "Hello again. ",
    "Me again. ",
    "One more thing. ",
    "Sorry to go on. ",
    "As before: ",
    "Still here. ",
)


def _filled(text: str, chance: Random) -> str:
    return text.replace("{street}", chance.choice(STREETS)).replace("{when}", chance.choice(WHENS))


def is_fresh(town: Town, text: str) -> bool:
    said = town.store.value("SELECT at_ms FROM spoken WHERE words = ?", text)
    return said is None or said < town.now() - HOUR_MS


def take(town: Town, text: str) -> str:
    """Notes that it has been said."""
    town.store.run("INSERT OR REPLACE INTO spoken VALUES (?, ?)", text, town.now())
    return text


def _tries(lines: Sequence[Line], start: int, chance: Random) -> Iterator[tuple[Line, str]]:
    turned = [lines[(start + place) % len(lines)] for place in range(len(lines))]
    for line in turned:
        for _ in range(4 if "{" in line.text else 1):
            yield line, _filled(line.text, chance)
    for opener in chance.sample(OPENERS, len(OPENERS)):
        for line in turned:
            yield line, opener + _filled(line.text, chance)
    for number in range(2, 10_000):
        yield turned[0], f"{_filled(turned[0].text, chance)} ({number})"


def choose(town: Town, lines: Sequence[Line], start: int, chance: Random) -> tuple[Line, str]:
    """The line whose turn it is, or the next that is not worn out."""
    for line, text in _tries(lines, start, chance):
        if is_fresh(town, text):
            return line, take(town, text)
    raise AssertionError("Nobody can have said ten thousand things in an hour.")


def voiced(town: Town, voice: str, groups: Sequence[str], chance: Random) -> str:
    """What somebody of this voice would say: the first group that has words."""
    voices: dict[str, Any] = scenario.voices()
    own, anyone = voices.get(voice, {}), voices["anyone"]
    texts: list[str] = next(found for group in groups if (found := own.get(group) or anyone.get(group)))
    lines = [Line(text) for text in texts]
    return choose(town, lines, chance.randrange(len(lines)), chance)[1]
