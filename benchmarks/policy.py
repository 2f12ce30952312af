"""How well the check finds what harms and leaves alone what does not: `python -m benchmarks.policy [odd|even] [--write]`.

The lines are invented; odd ones were built with, even ones are only measured. `--write` puts the table into
docs/policy-check.md.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.policy.check import check
from api.policy.rulebook import rules
from api.policy.values import Context, Kind, Level, Picture

LINES = Path(__file__).parent.parent / "tests" / "data" / "policy"
PAGE = Path(__file__).parent.parent / "docs" / "policy-check.md"
WRITTEN_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MARKS = "<!-- measured: begin -->", "<!-- measured: end -->"


def lines(part: str) -> Iterator[dict[str, Any]]:
    for path in sorted(LINES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            if (int(told["id"][-2:]) % 2 == 1) == (part == "odd"):
                yield told


def context_of(told: dict[str, Any]) -> Context:
    about = told["context"]
    due = about.get("scheduled_for")
    return Context(
        now=WRITTEN_AT,
        kind=Kind(about["kind"]),
        platform=about["platform"],
        media=tuple(Picture(alt=each.get("alt", "")) for each in about.get("media", ())),
        links=tuple(about.get("links", ())),
        scheduled_for=datetime.fromisoformat(due) if due else None,
    )


@dataclass
class Score:
    hit: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    near: int = 0
    near_alarmed: int = 0
    clean: int = 0
    clean_stopped: int = 0
    seconds: float = 0
    characters: int = 0

    def add(self, told: dict[str, Any]) -> None:
        begun = time.process_time()
        verdict = check(told["text"], context_of(told))
        self.seconds += time.process_time() - begun
        self.characters += len(told["text"])
        found, expected = {each.rule for each in verdict.findings}, set(told["expect"])
        self.hit.update(found & expected)
        self.missed.update(expected - found)
        self.false.update(found - expected)
        if told["id"].startswith("cln"):
            self.clean += 1
            self.clean_stopped += verdict.level in (Level.HOLD, Level.BLOCK)
        elif not expected:
            self.near += 1
            self.near_alarmed += bool(found)

    def recall(self) -> float:
        return self.hit.total() / max(1, self.hit.total() + self.missed.total())


def measured(part: str) -> Score:
    score = Score()
    check("Warm", Context(now=WRITTEN_AT))
    for told in lines(part):
        score.add(told)
    return score


def table(score: Score) -> str:
    rows = ["| rule | | found | of | precision |", "|---|---|---:|---:|---:|"]
    for rule in rules().values():
        hit, expected = score.hit[rule.id], score.hit[rule.id] + score.missed[rule.id]
        if expected:
            precision = f"{hit / (hit + score.false[rule.id]):.2f}" if hit else "–"
            rows.append(f"| {rule.id} | {rule.title} | {hit} | {expected} | {precision} |")
    rows += [
        "",
        f"Found of all that is broken: **{score.recall():.0%}** ({score.hit.total()} of "
        f"{score.hit.total() + score.missed.total()}). Near-misses with any finding: **{score.near_alarmed} of "
        f"{score.near}** ({score.near_alarmed / max(1, score.near):.1%}). Clean posts held or blocked: "
        f"**{score.clean_stopped} of {score.clean}** ({score.clean_stopped / max(1, score.clean):.1%}). "
        f"Time: {score.seconds * 1e6 / max(1, score.characters):.1f} ms of one core for 1,000 characters.",
    ]
    return "\n".join(rows)


def write(words: str) -> None:
    begin, end = MARKS
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{words}\n{end}", page, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    asked = "odd" if "odd" in sys.argv else "even"
    shown = table(measured(asked))
    print(f"The {asked} lines\n\n{shown}")
    if "--write" in sys.argv and asked == "even":
        write(shown)
