"""What arrives at an account, page by page and without a gap.

Ids are never parsed or compared for size: they are numbers on some servers and letters on others.
The order of things is the order in which the server lists them, unless their times say that it is none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from api.platforms.errors import NotSent
from api.platforms.values import Address, Batch, Exchange, RawItem, Stream, Token
from workers.platforms.mastodon_calls import ask_list, get, items
from workers.platforms.payload import child, listed, moment, text_of

Entry = dict[str, Any]
MOST_PAGES = 250
FIRST_PAGES = 10
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stream is listed, and under which id the server pages through it."""

    path: str
    query: tuple[tuple[str, str | int], ...]
    status: str
    mark: Callable[[Entry], str]


SOURCES = {
    Stream.MENTIONS: Source(
        path="/api/v1/notifications",
        # Strangers' mentions may have been filtered out of sight: they are the public, so we ask for them.
        query=(("types[]", "mention"), ("include_filtered", "true"), ("limit", 80)),
        status="status",
        mark=lambda entry: text_of(entry, "id"),
    ),
    Stream.DIRECT: Source(
        path="/api/v1/conversations",
        query=(("limit", 40),),
        status="last_status",
        # Conversations are paged by their newest status, not by their own id.
        mark=lambda entry: text_of(child(entry, "last_status"), "id") or text_of(entry, "id"),
    ),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first, and as it was sent. `newest` and `oldest` are the ids to go on from."""

    entries: list[Entry]
    newest: str = ""
    oldest: str = ""
    sent: list[Entry] = field(default_factory=list)


def poll(address: Address, token: Token, stream: Stream, cursor: str | None) -> Exchange[Batch]:
    """The next things after the cursor, oldest first; without one, the newest few pages."""
    if cursor is None:
        return (yield from _newest(address, token, stream))
    source = SOURCES[stream]
    page = yield from _page(address, token, source, {"min_id": cursor})
    entries, reached = _until(page, source, cursor)
    if entries and not reached:
        entries += yield from _older(address, token, source, page.oldest, cursor)
    after = page.newest if entries else cursor
    return Batch(_statuses(address, source, entries), after, more=after != cursor)


def backfill(address: Address, token: Token, stream: Stream, since: datetime) -> Exchange[Batch]:
    """Everything back to `since`, oldest first, for an account that was just connected."""
    source = SOURCES[stream]
    page = first = yield from _page(address, token, source, {})
    entries: list[Entry] = []
    for _ in range(MOST_PAGES):
        fresh = _unseen(entries, page.entries, source)
        entries += [entry for entry in fresh if not _before(entry, source, since)]
        if not fresh or all(_before(entry, source, since) for entry in fresh):
            break
        page = yield from _page(address, token, source, {"max_id": page.oldest})
    return Batch(_statuses(address, source, entries), first.newest or None, more=False)


def _newest(address: Address, token: Token, stream: Stream) -> Exchange[Batch]:
    source = SOURCES[stream]
    page = first = yield from _page(address, token, source, {})
    entries: list[Entry] = []
    for _ in range(FIRST_PAGES):
        fresh = _unseen(entries, page.entries, source)
        entries += fresh
        if not fresh:
            break
        page = yield from _page(address, token, source, {"max_id": page.oldest})
    return Batch(_statuses(address, source, entries), first.newest or None, more=False)


def _older(address: Address, token: Token, source: Source, oldest: str, cursor: str) -> Exchange[list[Entry]]:
    """What lies between the cursor and a page that may have skipped it.

    A server that knows min_id has nothing there. One that takes it for since_id, or does not know it,
    sent its newest page instead, and what it left out would never be seen.
    """
    between: list[Entry] = []
    for _ in range(MOST_PAGES):
        page = yield from _page(address, token, source, {"max_id": oldest, "since_id": cursor})
        entries, reached = _until(page, source, cursor)
        fresh = _unseen(between, entries, source)
        between += fresh
        if reached or not fresh:
            return between
        oldest = page.oldest
    raise NotSent("The server's list goes back further than can be read at once.")


def _page(address: Address, token: Token, source: Source, where: Mapping[str, str]) -> Exchange[Page]:
    request = get(address, source.path, token, [*source.query, *where.items()])
    page = yield from ask_list(request)
    sent = [entry for entry in page.entries if source.mark(entry)]
    if not sent:
        return Page([])
    entries = _newest_first(sent, source)
    newest, oldest = source.mark(entries[0]), source.mark(entries[-1])
    return Page(entries, page.around.get("newer", newest), page.around.get("older", oldest), sent)


def _newest_first(entries: list[Entry], source: Source) -> list[Entry]:
    """As they were sent, if that can be an order; else by their times."""
    made = [_made(entry, source) for entry in entries]
    times = [time for time in made if time is not None]
    if len(times) < len(made) or all(later >= time for later, time in pairwise(times)):
        return entries
    return sorted(entries, key=lambda entry: _made(entry, source) or EPOCH, reverse=True)


def _until(page: Page, source: Source, cursor: str) -> tuple[list[Entry], bool]:
    """What is newer than the cursor, and whether the cursor itself was in sight.

    In a list without order, both its place and its time may make a thing newer: it comes twice rather than never.
    """
    marks = [source.mark(entry) for entry in page.entries]
    if cursor not in marks:
        return page.entries, False
    at = marks.index(cursor)
    if page.entries is page.sent:
        return page.entries[:at], True
    time = _made(page.entries[at], source) or EPOCH
    above = page.sent[: [source.mark(entry) for entry in page.sent].index(cursor)]
    newer = [entry for entry in page.entries if (_made(entry, source) or time) >= time or entry in above]
    return [entry for entry in newer if source.mark(entry) != cursor], True


def _unseen(seen: list[Entry], entries: list[Entry], source: Source) -> list[Entry]:
    known = {source.mark(entry) for entry in seen}
    return [entry for entry in entries if source.mark(entry) not in known]


def _before(entry: Entry, source: Source, since: datetime) -> bool:
    made = _made(entry, source)
    return made is not None and made < since


def _made(entry: Entry, source: Source) -> datetime | None:
    return moment(entry.get("created_at")) or moment(child(entry, source.status).get("created_at"))


def _statuses(address: Address, source: Source, newest_first: Iterable[Entry]) -> tuple[RawItem, ...]:
    wanted = [entry for entry in newest_first if _is_said_to_us(address, entry)]
    return items([_status(entry, source) for entry in reversed(wanted)])


def _status(entry: Entry, source: Source) -> Entry:
    """With its author: a notification names them beside the status too, and some servers only there."""
    status, author = child(entry, source.status), child(entry, "account")
    return {**status, "account": author} if status and author and not child(status, "account") else status


def _is_said_to_us(address: Address, entry: Entry) -> bool:
    """Some send every kind of notification, whatever was asked for. A kind nobody knows counts if it names us."""
    if text_of(entry, "type") in ("", "mention"):
        return True
    status = child(entry, "status")
    named = {text_of(child({"mention": each}, "mention"), "id") for each in listed(status, "mentions")}
    return address.remote_id in named and text_of(child(status, "account"), "id") != address.remote_id
