"""R39: numbers that are on nobody's list. The national ones are known; a force adds its own."""

import re
from collections.abc import Iterator

from api.policy.read import Read
from api.policy.values import Context, Hit, Known

EMERGENCY = (
    "999",
    "112",
    "101",
    "105",
    "111",
    "119",
    "159",
    "55",
    "18000",
    "18001",
    "7726",
    "61016",
    "85258",
    "116000",
    "116111",
    "116123",
)
HELPLINES = (
    "0800 1111",  # Childline
    "0800 555 111",  # Crimestoppers
    "0800 789 321",  # anti-terrorist hotline
    "0800 40 50 40",  # British Transport Police
    "0800 111 999",  # gas emergencies
    "0800 80 70 60",  # environment incidents
    "0345 988 1188",  # Floodline
    "0300 123 2040",  # Report Fraud
    "08000 121 700",  # Modern Slavery & Exploitation Helpline
    "0808 16 89 111",  # Victim Support
    "0808 2000 247",  # National Domestic Abuse Helpline
    "0808 80 10 800",  # Live Fear Free, Wales
    "0808 801 0327",  # Men's Advice Line
    "0808 500 2222",  # Rape and Sexual Abuse Support Line
    "0808 800 5000",  # NSPCC
    "0800 068 4141",  # Papyrus
    "0800 58 58 58",  # CALM
    "0808 223 1133",  # Citizens Advice consumer helpline
    "0800 144 8848",  # Citizens Advice, England
    "0800 702 2020",  # Citizens Advice, Wales
    "0300 1234 999",  # RSPCA
)
NATIONAL = frozenset(EMERGENCY) | {each.replace(" ", "") for each in HELPLINES}
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
