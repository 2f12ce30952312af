"""The check: one text in its circumstances, read once, then put before every rule."""

from dataclasses import replace

from api.policy import detectors
from api.policy.own_ways import without_own_ways
from api.policy.patterns import Reading
from api.policy.read import Read
from api.policy.register import ALWAYS, like_news
from api.policy.rulebook import Rule, by_beginning, rules
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
    by_signs = _by_signs(read, context.kind)
    if like_news(read, context):
        by_signs = {rule_id: hits for rule_id, hits in by_signs.items() if rule_id in ALWAYS}
    for rule in rules().values():
        override = context.overrides.get(rule.id, Override())
        if not override.off:
            hits = [*by_signs.get(rule.id, ()), *detectors.hits(rule.id, read, context, by_signs)]
            hits = list(without_own_ways(rule.id, hits, read, context.known))
            findings += [_finding(rule, override, text, hit) for hit in _apart(hits)[:MOST]]
    findings.sort(key=lambda each: (-each.level.rank, each.start, each.rule))
    level = max((each.level for each in findings), key=lambda level: level.rank, default=Level.NONE)
    return Verdict(level, tuple(findings))


def _by_signs(read: Read, kind: Kind) -> dict[str, list[Hit]]:
    """Rule → what its signs saw; a rule whose `unless` was seen says nothing."""
    seen: dict[str, list[Hit]] = {}
    spared: set[str] = set()
    for first in read.found:
        for rule_id, part, each in by_beginning().get(first, ()):
            if rule_id in spared:
                continue
            spans = list(each.seen(read.found, kind))
            if spans and part == "unless":
                spared.add(rule_id)
            elif spans:
                level = Level.BLOCK if part == "severe" else None
                negated = rules()[rule_id].negated
                seen.setdefault(rule_id, []).extend(
                    replace(read.hit(*each.shown(read.found, span)), level=level)
                    for span in spans
                    if not (negated and _negated(read.reading, span))
                )
    return {rule_id: hits for rule_id, hits in seen.items() if rule_id not in spared}


def _negated(reading: Reading, span: Span) -> bool:
    words = reading.words
    return any(
        words[at].low in NEGATORS and words[at].sentence == words[span[0]].sentence
        for at in range(max(0, span[0] - BEFORE), span[0])
    )


def _apart(hits: list[Hit]) -> list[Hit]:
    """In the order of the text; what overlaps is one. Beside the text, each different thing is told once."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda each: (each.start, -each.end)):
        last = kept[-1] if kept else None
        if not hit.end and any(hit.what in each.what for each in kept):
            continue
        if last and hit.start < last.end:
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
