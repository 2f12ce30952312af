"""The check: one text in its circumstances, read once, then put before every rule."""

from collections.abc import Iterator
from dataclasses import replace

from api.policy import detectors
from api.policy.patterns import Reading
from api.policy.read import Read
from api.policy.rulebook import Rule, rules
from api.policy.signs import Span
from api.policy.values import Context, Finding, Hit, Kind, Level, Override, Verdict

NEGATORS = frozenset({
    "don't", "dont", "not", "never", "no", "nobody", "won't", "wouldn't", "can't", "cannot", "isn't", "aren't", "without", "rather",
    "instead", "stop", "avoid", "peidiwch", "doesn't", "didn't", "nor", "neither", "needn't", "shouldn't",
})  # fmt: skip
BEFORE = 4
MOST = 4
"""Places shown of one rule: more would bury the others."""


def check(text: str, context: Context) -> Verdict:
    """Every rule that the words, their pictures or the circumstances break, the strictest first."""
    read = Read.of(text, context)
    findings: list[Finding] = []
    for rule in rules().values():
        override = context.overrides.get(rule.id, Override())
        if not override.off:
            hits = [*_by_signs(rule, read, context.kind), *detectors.hits(rule.id, read, context)]
            findings += [_finding(rule, override, text, hit) for hit in _apart(hits)[:MOST]]
    findings.sort(key=lambda each: (-each.level.rank, each.start, each.rule))
    level = max((each.level for each in findings), key=lambda level: level.rank, default=Level.NONE)
    return Verdict(level, tuple(findings))


def _by_signs(rule: Rule, read: Read, kind: Kind) -> Iterator[Hit]:
    if any(True for each in rule.unless for _ in each.seen(read.found, kind)):
        return
    for level, block in ((Level.BLOCK, rule.severe), (None, rule.signs)):
        for each in block:
            for span in each.seen(read.found, kind):
                if not (rule.negated and _negated(read.reading, span)):
                    yield replace(read.hit(*span), level=level)


def _negated(reading: Reading, span: Span) -> bool:
    words = reading.words
    return any(
        words[at].low in NEGATORS and words[at].sentence == words[span[0]].sentence
        for at in range(max(0, span[0] - BEFORE), span[0])
    )


def _apart(hits: list[Hit]) -> list[Hit]:
    """In the order of the text; what overlaps is one."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda each: (each.start, -each.end)):
        last = kept[-1] if kept else None
        if last and (hit.start < last.end or (hit.start, hit.end) == (last.start, last.end)):
            kept[-1] = replace(last, end=max(last.end, hit.end), level=_stricter(last.level, hit.level))
        else:
            kept.append(hit)
    return kept


def _stricter(one: Level | None, other: Level | None) -> Level | None:
    return max((each for each in (one, other) if each), key=lambda level: level.rank, default=None)


def _finding(rule: Rule, override: Override, text: str, hit: Hit) -> Finding:
    return Finding(
        rule=rule.id,
        level=override.level or hit.level or rule.level,
        start=hit.start,
        end=hit.end,
        words=hit.what or text[hit.start : hit.end],
        message=rule.message,
        suggestion=rule.suggestion,
        basis=rule.basis,
        policy_text=override.text,
        policy_link=override.link,
        read_on=override.read_on,
    )
