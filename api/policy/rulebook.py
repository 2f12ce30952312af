"""The rules as data: what each says, how strict it is, and the signs by which it is seen."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from api.policy.patterns import Pattern, Searcher
from api.policy.signs import Sign, signs
from api.policy.values import Level

FOLDER = Path(__file__).parent / "rules"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    title: str
    level: Level
    message: str
    suggestion: str
    basis: str
    signs: tuple[Sign, ...] = ()
    severe: tuple[Sign, ...] = ()
    """Signs that make it a block whatever its level."""
    unless: tuple[Sign, ...] = ()
    absolute: bool = False
    """Nobody can release it."""
    negated: bool = True
    """A `not` just before makes it the opposite: advice, no breach."""

    def all_signs(self) -> Iterator[Sign]:
        yield from (*self.signs, *self.severe, *self.unless)


@cache
def rules() -> Mapping[str, Rule]:
    found: dict[str, Rule] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for name, told in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[name] = Rule(
                id=name,
                title=told["title"],
                level=Level(told["level"]),
                message=told["message"],
                suggestion=told["suggestion"],
                basis=told["basis"],
                signs=tuple(signs(told.get("signs", ""))),
                severe=tuple(signs(told.get("severe", ""))),
                unless=tuple(signs(told.get("unless", ""))),
                absolute=told.get("absolute", False),
                negated=told.get("negated", True),
            )
    return dict(sorted(found.items()))


@cache
def by_beginning() -> Mapping[Pattern, Sequence[tuple[str, str, Sign]]]:
    """The first part of a sign → the rules that have it, and as what: only what was seen need be looked at."""
    found: dict[Pattern, list[tuple[str, str, Sign]]] = {}
    for rule in rules().values():
        for part in ("signs", "severe", "unless"):
            for each in getattr(rule, part):
                found.setdefault(each.wanted[0], []).append((rule.id, part, each))
    return found


@cache
def searcher() -> Searcher:
    """Looks for every sequence of every sign at once."""
    return Searcher(_sequences())


def _sequences() -> Iterator[Pattern]:
    for rule in rules().values():
        for each in rule.all_signs():
            yield from (*each.wanted, *each.unwanted)
