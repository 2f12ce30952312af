"""A text as words with their places: what every rule reads."""

import re
from dataclasses import dataclass

_WORD = re.compile(
    r"[#@]?\w+(?:['’](?!s\b|ve\b|re\b|ll\b|d\b|m\b)\w+)*|['’](?:s|ve|re|ll|d|m)\b|[?!]|[^\w\s.,;:()\"'’“”\-–—/&%£*+=<>]"
)
_NUMBER = re.compile(r"\d[\d.,:]*\d|\d")
_TOKEN = re.compile(rf"(?:{_NUMBER.pattern})(?:st|nd|rd|th|am|pm|yo|k|m|lb)?(?!\w)|{_WORD.pattern}")
_END = re.compile(r"[.!?]+(?=\s|$|[\"'”’)])|\n+|(?<=\s)/(?=\s)")


@dataclass(frozen=True, slots=True)
class Word:
    """`low` is compared; `start` and `end` count code points of the text."""

    low: str
    raw: str
    start: int
    end: int
    sentence: int


def split(text: str) -> list[Word]:
    """Words, emoji, question and exclamation marks; hyphens part words, an apostrophe's ending is a word."""
    ends = [match.end() for match in _END.finditer(text)]
    words, sentence = [], 0
    for match in _TOKEN.finditer(text):
        while sentence < len(ends) and match.start() >= ends[sentence]:
            sentence += 1
        raw = match[0]
        words.append(Word(raw.casefold().replace("’", "'"), raw, match.start(), match.end(), sentence))
    return words
