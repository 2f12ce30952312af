"""One long text as several short ones, each numbered: cut where a reader would pause, never inside what must stay whole."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

import regex

from api.platforms.values import Count, Limits

MOST_DIGITS = 3
# Spaces that may become the end of a part; those that hold words together (10 am) are not among them.
WORD = regex.compile(r"[^ \t\n\r\f\v]+")
# What must not be cut even in a word too long for a part: links, names, tags. All else may, between graphemes.
WHOLE = regex.compile(
    r"""https?://\S+|(?<![\w/@=])@\w[\w.-]*(?:@\w[\w.-]*)?|(?<![\w/&])[#＃][\w·]+|\X""", regex.IGNORECASE
)
PARAGRAPH = regex.compile(r"[ \t]*\n")
SENTENCE = regex.compile(r"""[.!?…]["'”’)\]]*$""")
GOOD_PARAGRAPH, GOOD_SENTENCE = 0.4, 0.3
"""A pause is worth ending a part early, but not with less than this share of what would fit."""


def split(text: str, limits: Limits, count: Count) -> tuple[str, ...]:
    """The parts in order, one if it fits. A link that is too long alone stays whole, in a part that is then too long."""
    text = text.replace("\r\n", "\n").strip()
    if count(text, limits) <= limits.max_length:
        return (text,)
    for digits in range(1, MOST_DIGITS + 1):
        parts = _cut(text, _fits(limits, count, suffix("9" * digits, "9" * digits)))
        if len(str(len(parts))) <= digits:
            break
    return tuple(part + suffix(number, len(parts)) for number, part in enumerate(parts, 1))


def suffix(part: int | str, parts: int | str) -> str:
    return f" ({part}/{parts})"


def _fits(limits: Limits, count: Count, ending: str) -> Callable[[str], bool]:
    return lambda part: count(part + ending, limits) <= limits.max_length


def _cut(text: str, fits: Callable[[str], bool]) -> list[str]:
    parts, words, at = [], [found.span() for found in WORD.finditer(text)], 0
    while words:
        ends = [end for _, end in words]
        most = _most(ends, _until(text, at, fits))
        end = _inside(text, at, ends[0], fits) if not most else _pause(text, at, ends[:most], len(ends))
        parts.append(text[at:end])
        words = words[bisect_right(ends, end) :]
        at = max(end, words[0][0]) if words else end
    return parts


def _until(text: str, at: int, fits: Callable[[str], bool]) -> Callable[[int], bool]:
    return lambda end: fits(text[at:end])


def _pause(text: str, at: int, ends: Sequence[int], words: int) -> int:
    """The best place to stop among the ends of words that fit: all of them, or after a paragraph, or a sentence."""
    last = ends[-1]
    if len(ends) == words:
        return last
    for stops, share in ((_ends_paragraph, GOOD_PARAGRAPH), (_ends_sentence, GOOD_SENTENCE)):
        end = next((end for end in reversed(ends) if stops(text, end)), at)
        if end - at >= share * (last - at):
            return end
    return last


def _ends_paragraph(text: str, end: int) -> bool:
    return PARAGRAPH.match(text, end) is not None


def _ends_sentence(text: str, end: int) -> bool:
    return SENTENCE.search(text, max(0, end - 8), end) is not None


def _inside(text: str, at: int, end: int, fits: Callable[[str], bool]) -> int:
    """In a word that is longer than a part: between graphemes, around what stays whole. Always further on than `at`."""
    pieces = [found.end() for found in WHOLE.finditer(text, at, end)]
    return pieces[max(1, _most(pieces, _until(text, at, fits))) - 1]


def _most(ends: Sequence[int], fits: Callable[[int], bool]) -> int:
    """How many of them fit. Counting grows with the text: ever longer steps until it does not, then halves."""
    low, high = 0, 1
    while high <= len(ends) and fits(ends[high - 1]):
        low, high = high, 2 * high
    high = min(high - 1, len(ends))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(ends[middle - 1]) else (low, middle - 1)
    return low
