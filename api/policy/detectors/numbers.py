"""R39: numbers that are on nobody's list. The national ones are known; a force adds its own."""

import re
from collections.abc import Iterator

from api.policy.read import Read
from api.policy.values import Context, Hit, Known

NATIONAL = frozenset({
    "999", "101", "112", "105", "111", "119", "159", "18000", "18001", "7726", "55", "61016",
    "116123", "116000", "116111", "08001111", "0800555111", "08001234567", "03001232040", "08000121700", "08081689111", "08082000247",
    "08088010302", "08088020300", "08088010123", "0800111999", "0800405040", "0800328632", "03001234999", "03451434343", "08082231133",
    "03003303322", "08008021314", "0800068 4141".replace(" ", ""), "08000684141", "85258", "08000320204", "08088081677", "0300123999",
    "03457909090", "08007831234", "08002545454", "03001231110", "0808028 4844".replace(" ", ""), "03456050505", "03444111444", "08082020252", "08005999247",
    "08088010327", "08081688000", "08000487035", "0808 800 5000".replace(" ", ""), "08082022002", "03003230011", "08009174014", "08082231133", "02074940044",
})  # fmt: skip
"""Emergency, helplines and national services, as they publish them themselves."""
_SHORT = re.compile(r"(?<![\w£/.:-])(?:911|118\s?\d{3}|116\s?\d{3}|\d{5}(?= to (?:text|report))|7726)(?![\w/:%-])")


def digits(words: str) -> str:
    number = re.sub(r"\D", "", words)
    return "0" + number[2:] if number.startswith("44") else number


def is_public(number: str, known: Known) -> bool:
    return number in NATIONAL or number in known.numbers


def unknown_numbers(read: Read, context: Context) -> Iterator[Hit]:
    for hit in read.places("phone"):
        if not is_public(digits(read.text[hit.start : hit.end]), context.known):
            yield hit
    for match in _SHORT.finditer(read.text):
        number = digits(match[0])
        if not is_public(number, context.known) and not (number == "911" and not _is_dialled(read.text, match.start())):
            yield Hit(match.start(), match.end())


def _is_dialled(text: str, at: int) -> bool:
    return bool(re.search(r"(?:call|ring|dial|phone|text)\s+$", text[max(0, at - 8) : at], re.I))
