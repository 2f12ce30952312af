"""Each rule finds plainly what it is for, and leaves alone what stands right beside it."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.policy.check import check
from api.policy.values import Context, Kind

PLAIN = tomllib.loads((Path(__file__).parents[2] / "data" / "policy" / "plain.toml").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def found(text: str, kind: Kind = Kind.POST) -> set[str]:
    return {each.rule for each in check(text, Context(now=NOW, kind=kind)).findings}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, each in PLAIN.items() for text in each["breaks"]])
def test_what_breaks_a_rule_is_found(rule: str, text: str) -> None:
    assert rule in found(text)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, each in PLAIN.items() for text in each["fine"]])
def test_what_is_fine_raises_nothing_at_all(rule: str, text: str) -> None:
    assert found(text) == set()
