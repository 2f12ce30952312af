"""R43: links that are not safe to follow, and days that are over before the words go out."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from api.policy.read import Read
from api.policy.values import Context, Hit, Level

SHORTENERS = frozenset({
    "bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "shorturl.at", "tiny.cc", "rb.gy",
    "t.ly", "lnkd.in", "fb.me", "youtu.be", "amzn.to", "linktr.ee", "dlvr.it", "ift.tt", "trib.al", "short.io", "bl.ink", "qrco.de", "v.gd", "shor.by", "x.gd", "tr.im", "spoti.fi", "wp.me", "mcaf.ee", "soo.gd", "clck.ru", "lnk.to", "bitly.com", "tiny.one", "urlz.fr", "adf.ly", "s.id", "snip.ly",
})  # fmt: skip
TRUSTED = (
    "police.uk", "gov.uk", "gov.wales", "gov.scot", "nhs.uk", "nhs.wales", "crimestoppers-uk.org", "samaritans.org", "childline.org.uk",
    "victimsupport.org.uk", "actionfraud.org.uk", "reportfraud.police.uk", "ourwatch.org.uk", "neighbourhoodwatch.net", "securedbydesign.com", "llyw.cymru", "citizensadvice.org.uk",
    "parliament.uk", "judiciary.uk", "ons.gov.uk", "rnli.org", "bikeregister.com", "immobilise.com", "askthe.police.uk", "fearless.org", "stopitnow.org.uk", "police.example", "llyw.cymru",
)  # fmt: skip
MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
WELSH = {
    "ionawr": 1,
    "chwefror": 2,
    "mawrth": 3,
    "ebrill": 4,
    "mai": 5,
    "mehefin": 6,
    "gorffennaf": 7,
    "awst": 8,
    "medi": 9,
    "hydref": 10,
    "tachwedd": 11,
    "rhagfyr": 12,
}
_DAY = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th)?(?: of)? (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ionawr|chwefror|mawrth|ebrill|mai|mehefin|gorffennaf|awst|medi|hydref|tachwedd|rhagfyr)[a-z]*(?: (20\d\d))?",
    re.I,
)
_UNTIL = re.compile(r"(?:to|until|till|[-–]|and)\s*$", re.I)
_CLOCK = re.compile(
    r"\b(\d{1,2})(?:[.:](\d{2}))?\s?(am|pm)\b|\b(\d{1,2})[:.](\d{2})\b(?!\s?%)|\bat (one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon)\b|\bhalf (past )?(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b|\bnoon\b",
    re.I,
)
HOURS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "noon": 12,
}
_TODAY = re.compile(r"\b(?:tonight|today|this (?:morning|afternoon|evening)|heno|heddiw)\b", re.I)
_BACKWARD = re.compile(
    r"\b(?:was|were|came|went|stolen|reported|seen|happened|thank|thanks|missed|raised|marked|found|between|remembered|last|overnight|yesterday|turned out|visited|stopped|arrested|charged|died|born|every|figures|ended|until|handed|taken|broke|collision|crash|damage|appeal|incident|witness\w*|ref|reference|since|ending|held on|launched|became|marks|anniversary|1\d\d\d)\b",
    re.I,
)
_FORWARD = re.compile(
    r"\b(?:join|come|see you|meet|meeting|who's for|doors|drop in|pop in|starts?|from|opens?|coffee|surgery|workshop|walk|book|tickets|free entry|dewch|noson|bring|open day|open night|fair|fete|parade|event|will be|there'll|this|next)\b",
    re.I,
)


def that_do_not_hold(read: Read, context: Context) -> Iterator[Hit]:
    yield from _links(read, context)
    if context.scheduled_for:
        yield from _over(read.text, context.scheduled_for)


def _links(read: Read, context: Context) -> Iterator[Hit]:
    seen = [(hit, read.text[hit.start : hit.end].rstrip(".,;:!?)”’'\"")) for hit in read.places("link")]
    written = " ".join(link for _, link in seen)
    seen += [(Hit(0, 0, what=link), link) for link in context.links if link.split("://")[-1].rstrip("/") not in written]
    for hit, link in seen:
        level = judged(link, context.known.links)
        if level is not Level.NONE:
            yield Hit(hit.start, hit.start + len(link) if hit.end else 0, level, hit.what)


def judged(link: str, own: frozenset[str]) -> Level:
    """Plain http and shorteners hide where they lead: block. Unknown over https: warn, to be added to the list."""
    address = urlsplit(link if "://" in link else f"https://{link}")
    host = (address.hostname or "").removeprefix("www.")
    if _listed(host, own) and address.scheme == "https":
        return Level.NONE
    if address.scheme != "https" or host in SHORTENERS:
        return Level.BLOCK
    return Level.NONE if _listed(host, frozenset(TRUSTED)) else Level.WARN


def _listed(host: str, hosts: frozenset[str]) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in hosts)


def _over(text: str, at: datetime) -> Iterator[Hit]:
    """Something announced that has begun and gone when the words leave; what is told as past may be past."""
    if _BACKWARD.search(text) and not _FORWARD.search(text):
        return
    days = [(match, day) for match in _DAY.finditer(text) if (day := _date(match, at)) is not None]
    if days:
        if max(day for _, day in days) < at.date() and not (
            _BACKWARD.search(text)
            and not re.search(r"\b(?:come|join|this|who's|see you|dewch|doors|bring)\b", text, re.I)
        ):
            yield Hit(days[0][0].start(), days[0][0].end(), Level.BLOCK)
        elif all(day == at.date() for _, day in days):
            yield from _hour_gone(text, at)
    elif _TODAY.search(text) and _FORWARD.search(text):
        yield from _hour_gone(text, at)


def _hour_gone(text: str, at: datetime) -> Iterator[Hit]:
    clocks = [(match, hour) for match in _CLOCK.finditer(text) if (hour := _hour(match)) is not None]
    if clocks and max(hour for _, hour in clocks) + 0.5 < at.hour + at.minute / 60:
        match = clocks[-1][0]
        yield Hit(match.start(), match.end(), Level.BLOCK)


def _date(match: re.Match[str], at: datetime) -> date | None:
    """The nearest year, when none is named."""
    month = MONTHS.get(match[2].casefold()) or WELSH.get(match[2].casefold(), 1)
    try:
        if match[3]:
            return date(int(match[3]), month, int(match[1]))
        near = [date(at.year + year, month, int(match[1])) for year in (-1, 0, 1)]
    except ValueError:
        return None
    return min(near, key=lambda day: abs(day - at.date() - timedelta(days=0)))


def _hour(match: re.Match[str]) -> float | None:
    if match[3]:
        return int(match[1]) % 12 + (12 if match[3].casefold() == "pm" else 0) + int(match[2] or 0) / 60
    if match[4]:
        return int(match[4]) + int(match[5]) / 60 if int(match[4]) < 24 else None
    word = (match[6] or match[8] or "noon").casefold()
    hour = HOURS[word] + (0.5 if match[8] else 0)
    return hour if hour >= 9 else hour + 12
