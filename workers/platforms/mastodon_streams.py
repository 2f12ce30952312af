"""What arrives at an account, page by page and without a gap.

Ids are never parsed or compared for size: they are numbers on some servers and letters on others.
The order of things is the order in which the server lists them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.platforms.errors import NotSent
from api.platforms.values import Address, Batch, Exchange, RawItem, Stream, Token
from workers.platforms.mastodon_calls import ask_page, get, items
from workers.platforms.payload import child, moment, text_of

Entry = dict[str, Any]
MOST_PAGES = 250
FIRST_PAGES = 10


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
    """Newest first, as the server sent it. `newest` and `oldest` are the ids to go on from."""

    entries: list[Entry]
    newest: str = ""
    oldest: str = ""


def poll(address: Address, token: Token, stream: Stream, cursor: str | None) -> Exchange[Batch]:
    """The next things after the cursor, oldest first; without one, the newest few pages."""
    if cursor is None:
        return (yield from _newest(address, token, stream))
    source = SOURCES[stream]
    page = yield from _page(address, token, source, {"min_id": cursor})
    entries, reached = _until(page.entries, source, cursor)
    if entries and not reached:
        entries += yield from _older(address, token, source, page.oldest, cursor)
    return Batch(_statuses(source, entries), page.newest if entries else cursor, more=bool(entries))


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
    return Batch(_statuses(source, entries), first.newest or None, more=False)


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
    return Batch(_statuses(source, entries), first.newest or None, more=False)


def _older(address: Address, token: Token, source: Source, oldest: str, cursor: str) -> Exchange[list[Entry]]:
    """What lies between the cursor and a page that may have skipped it.

    A server that knows min_id has nothing there. One that takes it for since_id, or does not know it,
    sent its newest page instead, and what it left out would never be seen.
    """
    between: list[Entry] = []
    for _ in range(MOST_PAGES):
        page = yield from _page(address, token, source, {"max_id": oldest, "since_id": cursor})
        entries, reached = _until(page.entries, source, cursor)
        fresh = _unseen(between, entries, source)
        between += fresh
        if reached or not fresh:
            return between
        oldest = page.oldest
    raise NotSent("The server's list goes back further than can be read at once.")


def _page(address: Address, token: Token, source: Source, where: Mapping[str, str]) -> Exchange[Page]:
    request = get(address, source.path, token, [*source.query, *where.items()])
    entries, around = yield from ask_page(request)
    entries = [entry for entry in entries if source.mark(entry)]
    if not entries:
        return Page([])
    newest, oldest = source.mark(entries[0]), source.mark(entries[-1])
    return Page(entries, around.get("newer", newest), around.get("older", oldest))


def _until(entries: list[Entry], source: Source, cursor: str) -> tuple[list[Entry], bool]:
    """What is newer than the cursor, and whether the cursor itself was in sight."""
    marks = [source.mark(entry) for entry in entries]
    return (entries[: marks.index(cursor)], True) if cursor in marks else (entries, False)


def _unseen(seen: list[Entry], entries: list[Entry], source: Source) -> list[Entry]:
    known = {source.mark(entry) for entry in seen}
    return [entry for entry in entries if source.mark(entry) not in known]


def _before(entry: Entry, source: Source, since: datetime) -> bool:
    status = child(entry, source.status)
    made = moment(entry.get("created_at")) or moment(status.get("created_at"))
    return made is not None and made < since


def _statuses(source: Source, newest_first: Iterable[Entry]) -> tuple[RawItem, ...]:
    return items([child(entry, source.status) for entry in reversed(list(newest_first))])
