"""R06: telephone numbers, addresses, postcodes and dates of birth that are not the team's own."""

import re
from collections.abc import Iterator

from api.policy.detectors.numbers import digits, is_public
from api.policy.read import Read
from api.policy.values import Context, Hit, Kind

MOBILE = re.compile(r"^(?:07|447)")
_PUBLIC_MAIL = re.compile(
    r"(?:police|gov\.uk|nhs|\.pnn\.|council|npt|team|office|enquir|info@|contact@|hello@|bookings?@|events@)", re.I
)
_REPLY_HOUSE = re.compile(
    r"^\s*(?:no\.? ?|number )?\d{1,3}[a-d]? [A-Z][\w'’]+ [A-Z]\w+|^\s*(?:flat|the flat|house|bungalow) (?:over|above|behind|opposite|next|with|at|on)\b",
    re.I,
)


def private_details(read: Read, context: Context) -> Iterator[Hit]:
    yield from _numbers(read, context)
    yield from _mails(read, context)
    yield from _addresses(read, context)


def _numbers(read: Read, context: Context) -> Iterator[Hit]:
    for hit in read.places("phone"):
        number = digits(read.text[hit.start : hit.end])
        if not is_public(number, context.known) and (MOBILE.match(number) or _of_somebody(read, hit)):
            yield hit


def _of_somebody(read: Read, hit: Hit) -> bool:
    """A landline is private when it stands beside home, a name or a relation."""
    before = read.text[max(0, hit.start - 90) : hit.start].casefold()
    return bool(
        re.search(
            r"\b(?:home|house|personal|private|his|her|their|mum|dad|wife|husband|son|daughter|brother|sister|nan|neighbour|organiser|owner)\b",
            before,
        )
    )


def _mails(read: Read, context: Context) -> Iterator[Hit]:
    for hit in read.places("mail"):
        address = read.text[hit.start : hit.end]
        if address.casefold() not in context.known.addresses and not _PUBLIC_MAIL.search(address):
            yield hit


def _addresses(read: Read, context: Context) -> Iterator[Hit]:
    public = read.has("public_building") or any(
        read.text[hit.start : hit.end].casefold() in context.known.addresses for hit in read.places("house")
    )
    if not public:
        yield from (hit for hit in read.places("house") if not _is_news(read, hit))
        yield from read.places("postcode")
    if context.kind is Kind.REPLY and not public:
        match = _REPLY_HOUSE.search(read.text)
        if match:
            yield Hit(match.start(), match.end())


def _is_news(read: Read, hit: Hit) -> bool:
    """Units 4 to 9 of Enterprise Way; the number 12 bus."""
    around = read.text[max(0, hit.start - 12) : hit.end + 12].casefold()
    return bool(
        re.search(
            r"\b(?:bus|units?|junction|platform|room|year|stall|cell|pitch|class|page|part|step|tip|gate|ward)\b",
            around,
        )
    )
