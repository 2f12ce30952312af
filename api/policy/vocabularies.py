"""Every vocabulary: the lists in `vocabulary/*.toml`, each made ready once."""

import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

from api.policy.patterns import Pattern, Reading, Searcher, entries, sequence

FOLDER = Path(__file__).parent / "vocabulary"
Layer = tuple[Searcher, dict[Pattern, list[str]]]


@cache
def layers() -> list[Layer]:
    """Those of plain words first, then in their order those that are made of others."""
    plain: list[tuple[str, str]] = []
    made: list[list[tuple[str, str]]] = []
    for path in sorted(FOLDER.glob("*.toml")):
        for name, block in tomllib.loads(path.read_text(encoding="utf-8")).items():
            lines = [(name, line) for line in entries(block)]
            plain += [each for each in lines if "@" not in each[1]]
            if composed := [each for each in lines if "@" in each[1]]:
                made.append(composed)
    return [_layer(lines) for lines in (plain, *made)]


def _layer(lines: list[tuple[str, str]]) -> Layer:
    owners: dict[Pattern, list[str]] = defaultdict(list)
    for name, line in lines:
        owners[sequence(line)].append(name)
    return Searcher(owners), owners


def read_into(reading: Reading) -> None:
    for searcher, owners in layers():
        for found, spans in searcher.find(reading).items():
            for start, end in spans:
                for name in owners[found]:
                    reading.note(name, start, end)
