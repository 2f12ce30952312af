"""Whether a text reads like service news: links, helplines, dates and events, or like a story about somebody.

The same words mean different things in the two. Where a text reads like news, signs in the words alone are not enough;
what has a shape (a number plate, a link, an empty field) counts all the same. The weights are small whole numbers,
found once with a linear model over the odd lines and rounded so that they can be read and argued with.
"""

import re

from api.policy.read import Read
from api.policy.values import Context, Kind

LIKE_NEWS = -7
"""At this sum or below it reads like news."""
CUES = {
    "link": -10, "helpline": -8, "animal": -5, "awareness_event": -5, "declines": -5, "concluded": -4, "month": -4,
    "past": -4, "thanks": -3, "scam_word": -3, "general_public": -3, "uncertain_word": -3, "day": -3, "age": -2,
    "fiction": -2, "samaritans": -2,
    "him": 4, "guilty_noun": 3, "insult": 3, "job": 2, "moan": 2, "opinion": 2, "eval": 2, "family": 2, "place": 2,
}  # fmt: skip
"""Vocabularies and what each entry weighs, counted twice at most."""
TWICE, SHORT = 2, 12
FORMS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"\b101\b"), -4),
    (re.compile(r"\b999\b"), -2),
    (re.compile(r"\?"), -4),
    (re.compile(r"[\"“].+[\"”]", re.S), -4),
    (re.compile(r"^\w+[^.]{0,40}:"), -4),
    (re.compile(r"\b(?:library|hall|meeting|stall|drop-in|surgery|open day|workshop|talk|school|volunteers?|club|fete|festival|museum|training|free|tickets|cake|biscuits?|tea|coffee)\b", re.I), -4),
    (re.compile(r"\b(?:was|were|had|did)\b", re.I), 2),
    (re.compile(r"\b(?:i|i['’](?:m|ve|ll|d)|my|me)\b", re.I), 2),
    (re.compile(r"[\u2600-\U0001FAFF]"), 3),
)  # fmt: skip
ALWAYS = frozenset({"R06", "R07", "R26", "R33", "R36", "R37", "R38", "R39", "R42", "R43", "R44", "R49"})
"""Rules on shapes, single words, and on where people are sent: how the rest reads does not matter."""


def like_news(read: Read, context: Context) -> bool:
    counted: dict[str, int] = {}
    for here in read.reading.concepts.values():
        for name in here:
            if name in CUES:
                counted[name] = counted.get(name, 0) + 1
    total = sum(CUES[name] * min(number, TWICE) for name, number in counted.items())
    total += sum(weight for form, weight in FORMS if form.search(read.text))
    return total + (9 if len(read.reading.words) < SHORT else 0) - (1 if context.kind is Kind.REPLY else 0) <= LIKE_NEWS
