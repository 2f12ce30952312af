"""The little language in which vocabularies and signs are written, and the machine that looks for all of them at once.

ring|call 101            one word after another; | either of them
burgl*                   a beginning
in_an_hour|tonight       words that stand together, as one choice
@custody                 any entry of a vocabulary
tell us ..4 here         up to four words between; .. alone: three
(the) lads               a word that may be left out
^see owt $               the sentence begins, the sentence ends
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from api.policy.words import Word

SHORTEST, GAP = 2, 3
_ENDING = re.compile(r"([^@.]+)('(?:s|ve|re|ll|d|m))")


@dataclass(frozen=True, slots=True)
class Element:
    exact: frozenset[str]
    prefixes: tuple[str, ...]
    concepts: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    gap: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The same line is the same object, so that finding it again is quick."""

    elements: tuple[Element, ...]
    at_start: bool = False
    at_end: bool = False


@cache
def sequence(line: str) -> Pattern:
    """Reads one line of the language."""
    at_start, at_end, gap, elements = line.startswith("^"), line.endswith("$"), 0, []
    for part in _parted(line.removeprefix("^").removesuffix("$")):
        if part.startswith(".."):
            gap = int(part[2:] or GAP)
            continue
        optional = part.startswith("(") and part.endswith(")")
        choices = part.strip("()").casefold().split("|")
        elements.append(Element(
            frozenset(each for each in choices if each[:1] != "@" and each[-1:] != "*" and "_" not in each),
            tuple(each[:-1] for each in choices if each.endswith("*")),
            tuple(each[1:] for each in choices if each.startswith("@")),
            tuple(tuple(_parted(each.replace("_", " "))) for each in choices if "_" in each and each[:1] != "@"),
            gap,
            optional,
        ))  # fmt: skip
        gap = 0
    return Pattern(tuple(elements), at_start, at_end)


def _parted(line: str) -> list[str]:
    """An apostrophe's ending is a word of its own, as in the text; where only some choices have one, it may be left out."""
    parts: list[str] = []
    for part in line.split():
        choices = [None if "_" in choice else _ENDING.fullmatch(choice) for choice in part.split("|")]
        endings = sorted({found[2] for found in choices if found})
        if not endings:
            parts.append(part)
            continue
        bare = [found[1] if found else choice for found, choice in zip(choices, part.split("|"), strict=True)]
        parts += ["|".join(bare), "|".join(endings) if all(choices) else f"({'|'.join(endings)})"]
    return parts


@dataclass(slots=True)
class Reading:
    """One text with every vocabulary found in it."""

    words: list[Word]
    concepts: dict[int, dict[str, int]] = field(default_factory=dict)
    """At which word → which vocabularies have an entry beginning there → where it ends."""

    def note(self, name: str, start: int, end: int) -> None:
        """The longest entry that begins at a word counts."""
        here = self.concepts.setdefault(start, {})
        here[name] = max(end, here.get(name, 0))

    def ends(self, element: Element, at: int) -> Iterable[int]:
        low = self.words[at].low
        if low in element.exact or (element.prefixes and low.startswith(element.prefixes)):
            yield at + 1
        for phrase in element.phrases:
            end = at + len(phrase)
            if low == phrase[0] and tuple(word.low for word in self.words[at:end]) == phrase:
                yield end
        if element.concepts and (here := self.concepts.get(at)):
            for name in element.concepts:
                if name in here:
                    yield here[name]

    def match(self, wanted: Pattern, at: int) -> int | None:
        """Where the sequence ends if it begins here."""
        if wanted.at_start and at and self.words[at - 1].sentence == self.words[at].sentence:
            return None
        return self._rest(wanted, 0, at, self.words[at].sentence)

    def _rest(self, wanted: Pattern, number: int, at: int, sentence: int) -> int | None:
        if number == len(wanted.elements):
            return at if not wanted.at_end or self._is_end(at) else None
        element = wanted.elements[number]
        for here in range(at, min(at + element.gap + 1, len(self.words))):
            if self.words[here].sentence != sentence:
                break
            for end in self.ends(element, here):
                if (found := self._rest(wanted, number + 1, end, sentence)) is not None:
                    return found
        return self._rest(wanted, number + 1, at, sentence) if element.optional else None

    def _is_end(self, at: int) -> bool:
        """Nothing but a mark or a picture stands between here and the end of the sentence."""
        while at < len(self.words) and self.words[at].sentence == self.words[at - 1].sentence:
            if self.words[at].low[0].isalnum():
                return False
            at += 1
        return True


class Searcher:
    """Many sequences looked for in one walk over the words."""

    def __init__(self, sequences: Iterable[Pattern]) -> None:
        self._exact: dict[str, list[Pattern]] = defaultdict(list)
        self._prefix: dict[str, list[Pattern]] = defaultdict(list)
        self._concept: dict[str, list[Pattern]] = defaultdict(list)
        for each in dict.fromkeys(sequences):
            for first in _beginnings(each):
                for word in first.exact:
                    self._exact[word].append(each)
                for phrase in first.phrases:
                    self._exact[phrase[0]].append(each)
                for prefix in first.prefixes:
                    self._prefix[prefix].append(each)
                for name in first.concepts:
                    self._concept[name].append(each)

    def find(self, reading: Reading) -> Mapping[Pattern, list[tuple[int, int]]]:
        found: dict[Pattern, list[tuple[int, int]]] = defaultdict(list)
        for at, word in enumerate(reading.words):
            for each in dict.fromkeys(self._candidates(reading, at, word.low)):
                end = reading.match(each, at)
                if end is not None and end > at:
                    found[each].append((at, end))
        return found

    def _candidates(self, reading: Reading, at: int, low: str) -> Iterable[Pattern]:
        yield from self._exact.get(low, ())
        for length in range(SHORTEST, len(low) + 1):
            yield from self._prefix.get(low[:length], ())
        for name in reading.concepts.get(at, ()):
            yield from self._concept.get(name, ())


def _beginnings(wanted: Pattern) -> Iterable[Element]:
    """What it may begin with: the first word, and the next as long as those before may be left out."""
    for element in wanted.elements:
        yield element
        if not element.optional:
            return


def entries(block: str) -> Sequence[str]:
    """What a block of a vocabulary lists: lines and commas part the entries."""
    return [entry.strip() for line in block.splitlines() for entry in line.split(",") if entry.strip()]
