"""R33, R44, R49: words a force has banned, what some people cannot read or hear, and what is not finished."""

import re
from collections.abc import Iterator

from api.policy.read import Read
from api.policy.values import Context, Hit, Level

MOST_EMOJI, SHOUTING = 3, 0.35
_EMOJI = re.compile(
    r"[\U0001F1E6-\U0001F1FF]{2}|[\U0001F300-\U0001FAFF\u2600-\u27BF\u2B00-\u2BFF\u203C\u2049](?:\uFE0F)?(?:[\U0001F3FB-\U0001F3FF])?(?:\u200d[\U0001F300-\U0001FAFF\u2600-\u27BF]\uFE0F?)*"
)
_HASHTAG = re.compile(r"#(\w+)")
_SHOUTED = re.compile(r"\b[A-Z][A-Z'’]+\b")
_KNOWN_SHORT = frozenset({
    "PCSO", "PCSOS", "ASB", "CCTV", "ANPR", "MOT", "NHS", "RNLI", "RSPB", "RSPCA", "UK", "BSL", "QR", "DVLA", "SORN", "VC", "HGV", "LED", "USB", "GPS", "WI", "BBC", "ROAD", "NEWS", "PD", "PC", "SGT", "DC", "FGM", "STI", "NPT", "HQ", "CPS", "DVSA", "RAF", "VIN", "IMEI", "PIN", "BMX", "SUV", "AGM", "CSI", "DNA",
})  # fmt: skip
_PLACEHOLDER = re.compile(
    r"\[(?!sic\b|\d)(?:[\w'’/:-]+ ?){0,4}\]|\{[^}\n]{0,60}\}|<[a-z][^>\n]{0,40}>|\b_{3,}\b|_{4,}|\bx{4,}\b|(?<=\w )\?{2,} ?(?=[a-z])|\(\s*\)|%\w+%|\bXX+\b|\b\d?X[:.]XX\b|\bDD/MM\b|£X+\b|\b(?:am|pm)/(?:am|pm)\b",
    re.I,
)
_CHOICE = re.compile(
    r"\b(?:Mr|Mrs|Miss|Ms|Dr|man|woman|male|female|boy|girl|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|is|was|has)(?:/(?:Mr|Mrs|Miss|Ms|Dr|man|woman|male|female|boy|girl|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|are|were|have)\b)+",
    re.I,
)
_NOTE = re.compile(
    r"\((?:insert|add\b|check (?:this|with|spelling|date|time|name)|nb\b|todo|to do|confirm|ask (?:jo|sarge|comms)|need(?:s)? |is this|not sure|delete|spelling|sp\?|date\?|time\?|name\?|who\?|where\?|link|tbc)[^)]*\)|\*{2}[^*]+\*{2}|^(?:draft\b|version \d|v\d\b)",
    re.I | re.M,
)
_BLANK = re.compile(
    r"(?:^|\n)\s*(?:when|where|what|date|time|place|venue|contact|ref|reference|location|who|cost)\s*:\s*(?=\n|$)|\b(?:ref|reference|on|at|call|number)\s*[:#]?\s*(?:\.\.\.|…|-{2,}|_+)",
    re.I,
)


def banned_words(read: Read, context: Context) -> Iterator[Hit]:
    low = read.text.casefold()
    for word in context.known.banned:
        for match in re.finditer(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", low):
            yield Hit(match.start(), match.end(), Level.BLOCK)


def hard_to_read(read: Read, context: Context) -> Iterator[Hit]:
    text = read.text
    yield from _shouting(text)
    yield from _hashtags(text)
    emoji = list(_EMOJI.finditer(text))
    listed = sum(1 for line in text.splitlines() if _EMOJI.match(line.strip())) if "\n" in text else 0
    if len(emoji) - listed > MOST_EMOJI:
        yield Hit(emoji[0].start(), emoji[-1].end())
    for picture in context.media:
        if not picture.alt.strip():
            yield Hit(0, 0, what="a picture without words")
        elif _words_in_picture(picture.alt, text):
            yield Hit(0, 0, what=picture.alt)
        if picture.video and picture.captions is False:
            yield Hit(0, 0, what="a video without captions")


def _shouting(text: str) -> Iterator[Hit]:
    """A third of a text and more; letters that stand for names, tags and links do not count."""
    spoken = re.sub(r"#\w+|https?://\S+", lambda found: " " * len(found[0]), text)
    words = list(re.finditer(r"[A-Za-z][A-Za-z'’]*", spoken))
    loud = [
        word for word in words if len(word[0]) > 2 and _SHOUTED.fullmatch(word[0]) and not _stands_for_a_name(word[0])
    ]
    if len(loud) >= 3 and len(loud) / len(words) > SHOUTING:
        yield Hit(loud[0].start(), loud[-1].end())


def _stands_for_a_name(word: str) -> bool:
    return word in _KNOWN_SHORT or word.rstrip("S") in _KNOWN_SHORT


def _hashtags(text: str) -> Iterator[Hit]:
    for match in _HASHTAG.finditer(text):
        if _runs_together(match[1]):
            yield Hit(match.start(), match.end())


def _runs_together(tag: str) -> bool:
    """Several words that a screen reader says as one."""
    if len(tag) > 10 and not re.search(r"[a-z0-9][A-Z]", tag) and not tag.isdigit():
        return True
    return bool(re.match(r"[a-z]+[A-Z]{2}", tag)) or (len(tag) > 16 and len(re.findall(r"[A-Z]", tag)) == 1)


def _words_in_picture(alt: str, text: str) -> bool:
    """A poster or list whose own words stand neither here nor in its description."""
    named = re.search(r"\b(?:poster|infographic|flyer|leaflet|screenshot|graphic|timetable|chart|slide)\b", alt, re.I)
    if not named or ":" in alt or re.search(r"\b(?:says|reads|saying|reading|with the words)\b", alt, re.I):
        return False
    return len(alt.split()) < 14 and len(text.split()) < 40


def unfinished(read: Read, context: Context) -> Iterator[Hit]:
    for shape in (_PLACEHOLDER, _CHOICE, _NOTE, _BLANK):
        for match in shape.finditer(read.text):
            if match[0].strip() and not re.fullmatch(r"x+", match[0]):
                yield Hit(match.start(), match.end())
