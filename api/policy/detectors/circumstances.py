"""Rules on what surrounds the words: pictures, replies, time, elections, pauses, who wrote it. What nobody said is no hit."""

import re
from collections.abc import Iterator
from datetime import timedelta

from api.policy.read import Read
from api.policy.values import Context, Hit, Kind

STALE = timedelta(hours=12)
_PEOPLE_SHOWN = re.compile(
    r"\b(?:face|faces|number plate|plate|reg|registration|screen|monitor|whiteboard|briefing|document|letter|form|passport|licence|driving licence|label|address|house number|door number|door plate|bank card|name badge|jumper and|tattoo|cctv|still from|screenshot|bodycam|body worn|mugshot|custody photo|youth|handcuffed)\b",
    re.I,
)
_HARMLESS = re.compile(
    r"\b(?:clean plates|no people|face down|turned|blank|poster|police car|our own|face paint|clock face|typeface|cliff face|drystone|says|toy|drawing|painting|cartoon|surface|empty|dinner)\b",
    re.I,
)
_CASE = re.compile(
    r"\b(?:arrest\w*|in custody|on bail|witness\w*|missing|appeal for|incident at|collision|cordon|burgl\w*|robber\w*|assault\w*|stabb\w*|charged with)\b",
    re.I,
)
_POLITICS = re.compile(
    r"\b(?:cllr|councillor|mp|mayor|pcc|commissioner|consultation|have your say|survey|new officers|funded|funding|minister|candidate)\b",
    re.I,
)


def recognisable(read: Read, context: Context) -> Iterator[Hit]:
    """Somebody said yes to the question, or the description itself says so; a noted consent answers both."""
    for picture in context.media:
        if picture.consent or picture.recognisable is False:
            continue
        shown = _PEOPLE_SHOWN.search(picture.alt)
        if picture.recognisable or (shown and not _HARMLESS.search(picture.alt) and _is_private_thing(picture.alt)):
            yield Hit(0, 0, what=picture.alt or "a picture")


def _is_private_thing(alt: str) -> bool:
    return bool(
        re.search(
            r"\b(?:briefing|screen|monitor|whiteboard|document|custody|mugshot|handcuffed|bodycam|body worn|youth|driving licence|passport|bank card)\b",
            alt,
            re.I,
        )
    )


def replies_open(read: Read, context: Context) -> Iterator[Hit]:
    charged = [*read.places("charged")]
    if context.replies_open and context.kind is Kind.POST and charged:
        yield charged[0]


def may_have_moved_on(read: Read, context: Context) -> Iterator[Hit]:
    match = _CASE.search(read.text)
    if (
        context.scheduled_for
        and context.scheduled_for - context.now > STALE
        and match
        and not re.search(r"\b(?:sentenced|convicted|reported stolen|advice|if you|museum)\b", read.text, re.I)
    ):
        yield Hit(match.start(), match.end())


def election_window(read: Read, context: Context) -> Iterator[Hit]:
    match = _POLITICS.search(read.text)
    if context.election_window and match:
        yield Hit(match.start(), match.end())


def others_work(read: Read, context: Context) -> Iterator[Hit]:
    for picture in context.media:
        if picture.others_work and not picture.rights:
            yield Hit(0, 0, what=picture.alt or "a picture")


def too_long_or_repeated(read: Read, context: Context) -> Iterator[Hit]:
    if context.limit is not None and context.used is not None and context.used > context.limit:
        yield Hit(0, len(read.text), what=f"{context.used} of {context.limit}")
    if _plain(read.text) in {_plain(each) for each in context.sent_lately}:
        yield Hit(0, len(read.text), what="the same words as before")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def no_welsh(read: Read, context: Context) -> Iterator[Hit]:
    if context.known.welsh and context.has_welsh is False and context.kind is Kind.POST:
        yield Hit(0, 0, what="English only")


def nothing_may_leave(read: Read, context: Context) -> Iterator[Hit]:
    for stopped, what in (
        (context.paused, "posting is paused"),
        (context.account_stopped, "the account is stopped"),
        (context.author_stopped, "you may not publish at the moment"),
    ):
        if stopped:
            yield Hit(0, 0, what=what)


def unconfirmed(read: Read, context: Context) -> Iterator[Hit]:
    if context.machine_written:
        yield Hit(0, 0, what="made by a machine")
