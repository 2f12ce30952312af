"""Who may be a person's name: capital letters, titles and first names, but not Smith Street, PD Rex or Labour Day."""

import re
from functools import cache
from pathlib import Path

from api.policy.patterns import Reading
from api.policy.words import Word

TITLES = {
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "sir",
    "lady",
    "lord",
    "rev",
    "revd",
    "reverend",
    "canon",
    "prof",
    "professor",
}
OFFICE = {
    "pc",
    "pcso",
    "pcs",
    "sgt",
    "sergeant",
    "dc",
    "ds",
    "di",
    "dci",
    "insp",
    "inspector",
    "constable",
    "wpc",
    "acc",
    "cllr",
    "chief",
    "superintendent",
    "cadet",
    "special",
    "sister",
    "father",
    "coach",
    "mayor",
}
PLACES = {
    "street", "st", "road", "rd", "lane", "ln", "avenue", "ave", "close", "drive", "court", "crescent", "terrace", "row", "way", "hill",
    "park", "green", "square", "place", "gardens", "garden", "grove", "bridge", "school", "primary", "academy", "college", "university",
    "hospital", "church", "chapel", "hall", "house", "farm", "wood", "woods", "common", "quay", "harbour", "bay", "point", "island", "river",
    "cross", "corner", "centre", "center", "station", "market", "estate", "inn", "arms", "hotel", "club", "day", "week", "cup", "united",
    "city", "town", "rovers", "athletic", "bank", "rise", "view", "walk", "mews", "yard", "mill", "lock", "reservoir", "moor", "tor",
    "fields", "field", "meadow", "meadows", "junction", "roundabout", "interchange", "library", "museum", "theatre", "cathedral", "castle",
    "leisure", "precinct", "parade", "wharf", "docks", "pier", "beach", "cove", "valley", "high", "juniors", "infants", "grammar", "protocol",
    "award", "awards", "trust", "foundation", "law", "act", "festival", "brewery", "bakery", "cafe", "café", "rooms", "institute", "tower",
    "towers", "flats", "buildings", "works", "heath", "bus", "line", "express", "show", "half", "trophy", "memorial", "fund", "code", "ward",
}  # fmt: skip
SURNAMES_TOO = {
    "hill",
    "green",
    "wood",
    "woods",
    "lane",
    "bridge",
    "church",
    "castle",
    "field",
    "mills",
    "cross",
    "banks",
    "day",
    "street",
}
"""Anna Hill is a person; `on Anna Hill` is a place."""
WHERE = {
    "in",
    "on",
    "at",
    "near",
    "along",
    "up",
    "down",
    "off",
    "to",
    "from",
    "of",
    "the",
    "via",
    "past",
    "outside",
    "behind",
    "and",
}
HELLO = {
    "hi",
    "hello",
    "hey",
    "hiya",
    "morning",
    "afternoon",
    "evening",
    "dear",
    "thanks",
    "thank",
    "cheers",
    "sorry",
    "yes",
    "no",
    "afraid",
    "ta",
    "ok",
    "okay",
    "right",
    "shwmae",
    "helo",
    "diolch",
    "wrong",
    "well",
    "that",
    "you",
    "booked",
    "ask",
    "understood",
    "correct",
    "question",
    "enough",
    "after",
    "much",
}
_FILE = Path(__file__).parent / "names.txt"
_GAP = re.compile(r"[\s'’]*")


@cache
def _known() -> tuple[frozenset[str], frozenset[str]]:
    """Names that are hardly anything else, and all names."""
    lines = [line for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    sure, unsure = " ".join(lines).split(" --- ")
    second = frozenset(unsure.split())
    return frozenset(sure.split()) - second, frozenset(sure.split()) | second


def note_names(reading: Reading, text: str, reply: bool) -> None:
    """`name`: somebody spoken of. `full_name`: with a surname or title. `officer_name`: one of ours. `called`: spoken to."""
    for at, word in enumerate(reading.words):
        if at and word.sentence == reading.words[at - 1].sentence and _capital(word) and word.low not in PLACES:
            reading.note("capital", at, at + 1)
            if (
                at
                and reading.words[at - 1].low == "the"
                and word.low.endswith("s")
                and len(word.raw) > 5
                and not _place(reading.words, at + 1, text)
            ):
                reading.note("plural_capital", at, at + 1)
    at = 0
    while at < len(reading.words):
        end, kind = _name_at(reading.words, at, text)
        if (kind == "name" or (reply and kind == "full_name")) and _spoken_to(reading.words, at, end, text, not reply):
            kind = "called"
        if kind:
            reading.note(kind, at, end)
            if kind == "full_name":
                reading.note("name", at, end)
        at = max(end, at + 1)


def _name_at(words: list[Word], at: int, text: str) -> tuple[int, str]:
    word = words[at]
    if not _capital(word):
        return at, ""
    if word.low in OFFICE and at + 1 < len(words) and _capital(words[at + 1]):
        end = _surnames(words, at + 1, text)
        return (end, "officer_name") if end > at + 1 else (at, "")
    if word.low in TITLES:
        end = _surnames(words, at + 1, text)
        return (end, "full_name" if end > at + 1 else "") if not _place(words, end, text) else (end, "")
    sure, every = _known()
    if word.low not in every:
        return at, ""
    end = _surnames(words, at + 1, text)
    if _place(words, end, text) or (
        at and (words[at - 1].low in ("st", "pd", "saint") or words[at - 1].raw in ("The",))
    ):
        return end, ""
    if end > at + 1:
        return end, "full_name"
    return (end, "name") if word.low in sure else (at, "")


def _surnames(words: list[Word], at: int, text: str) -> int:
    """Where a run of capitalised words that stand together ends."""
    while (
        at < len(words)
        and at > 0
        and _capital(words[at])
        and words[at].low not in OFFICE
        and text[words[at - 1].end : words[at].start] in (" ", "-", ". ", "'", "’")
        and not (text[words[at - 1].end : words[at].start] == ". " and len(words[at - 1].raw) > 2)
    ):
        at += 1
    return at


def _capital(word: Word) -> bool:
    raw = word.raw.lstrip("@#") if word.raw[0] not in "@#" else ""
    return bool(raw) and raw[0].isupper() and (len(raw) == 1 or not raw.isupper() or raw.istitle()) and raw != "I"


def _place(words: list[Word], end: int, text: str) -> bool:
    """Its last word, or the one after it, is that of a place, a club or a day."""
    last = words[end - 1].low if end else ""
    if last in SURNAMES_TOO and end > 1 and (end < 3 or words[end - 3].low not in WHERE):
        return False
    return last in PLACES or (end < len(words) and words[end].low in PLACES and _capital(words[end]))


def _spoken_to(words: list[Word], at: int, end: int, text: str, strict: bool = False) -> bool:
    """Named as one is when spoken to: after a greeting, or alone between commas."""
    before = text[words[at - 1].end : words[at].start] if at else ""
    after = text[words[end - 1].end : words[end - 1].end + 1]
    opens = at == 0 or words[at - 1].sentence != words[at].sentence
    if (
        at
        and words[at - 1].low in HELLO
        and (not strict or words[at - 1].low in ("hi", "hello", "dear", "hey", "hiya"))
    ):
        return True
    if opens and after in (",", "!") and not strict:
        return True
    closes = after in (".", "!", "?", ",", "") or not text[words[end - 1].end :].strip() or ord(after) > 0x2000
    return (
        closes
        and not strict
        and (
            before.strip() == ","
            or (end - at == 1 and not opens and after in (".", "!", "?", "") and "," not in before)
        )
    )
