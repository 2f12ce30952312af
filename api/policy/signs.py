"""Signs: lines that say which words, near each other, show that a rule is being broken.

@suspect + @job            both, within reach of each other
@arrest + again - @animal  and nothing of the last kind in the text
reply: it was him          only in a reply; `post:` only in a post
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.policy.patterns import Pattern, sequence

REACH, CLOSE = 45, 12
"""Words between the parts of a sign at most; words that are marked together at most."""
Span = tuple[int, int]
Found = Mapping[Pattern, list[Span]]


@dataclass(frozen=True, slots=True)
class Sign:
    wanted: tuple[Pattern, ...]
    unwanted: tuple[Pattern, ...] = ()
    kind: str = ""

    def seen(self, found: Found, kind: str) -> Iterator[Span]:
        """The place of its first part, once for each that has all the others near."""
        if (self.kind and self.kind != kind) or any(each in found for each in self.unwanted):
            return
        first, *others = (found.get(each, ()) for each in self.wanted)
        if not all(others):
            return
        for span in first:
            if all(any(_near(span, other) for other in spans) for spans in others):
                yield span

    def shown(self, found: Found, span: Span) -> Span:
        """From the first to the last of its parts, when they stand close enough to be read as one."""
        start, end = span
        for each in self.wanted[1:]:
            closest = min(found[each], key=lambda other: max(other[0] - span[1], span[0] - other[1]))
            start, end = min(start, closest[0]), max(end, closest[1])
        return (start, end) if end - start <= CLOSE else span


def _near(one: Span, other: Span) -> bool:
    """Within reach, and not the very same words seen twice."""
    if one[0] < other[1] and other[0] < one[1]:
        return False
    return other[0] - one[1] < REACH and one[0] - other[1] < REACH


def sign(line: str) -> Sign:
    kind, _, rest = line.partition(":") if line.startswith(("reply:", "post:")) else ("", "", line)
    wanted: list[Pattern] = []
    unwanted: list[Pattern] = []
    for part in rest.replace(" - ", " + -").split(" + "):
        (unwanted if part.startswith("-") else wanted).append(sequence(part.strip().removeprefix("-")))
    return Sign(tuple(wanted), tuple(unwanted), kind)


def signs(block: str) -> Sequence[Sign]:
    return tuple(sign(line.strip()) for line in block.splitlines() if line.strip() and not line.strip().startswith("#"))
