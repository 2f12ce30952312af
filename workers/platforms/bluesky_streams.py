"""What arrives at an account. The list is newest first and knows no "since": it is paged back to what was seen."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.platforms.errors import NotSent
from api.platforms.values import Address, Batch, Exchange, Stream, Token
from workers.platforms import bluesky_chat
from workers.platforms.bluesky_calls import ask, get
from workers.platforms.bluesky_read import Entry, items
from workers.platforms.payload import listed, moment, text_of

REASONS = ("mention", "reply", "quote")
MOST_PAGES = 250
FIRST_PAGES = 10
# A post stands where its author says it was written, up to so long before it was seen at all.
OVERLAP = timedelta(hours=1)
MOST_SEEN = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """How far we have read: the newest moment, and what stood shortly before it, by short marks."""

    newest: str = ""
    marks: tuple[str, ...] = ()

    @classmethod
    def of(cls, cursor: str | None) -> "Seen":
        newest, *marks = (cursor or "").split(" ")
        return cls(newest, tuple(marks))

    @property
    def horizon(self) -> datetime | None:
        newest = moment(self.newest)
        return newest - OVERLAP if newest else None

    def after(self, entries: Sequence[Entry]) -> "Seen":
        """Entries are newest first, as the server lists them."""
        newest = max([self.newest, *(text_of(entry, "indexedAt") for entry in entries)], key=_sortable)
        horizon = Seen(newest).horizon
        recent = [mark(entry) for entry in entries if not _before(entry, horizon)]
        return Seen(newest, tuple(dict.fromkeys([*recent, *self.marks]))[:MOST_SEEN])

    def __str__(self) -> str:
        return " ".join([self.newest, *self.marks])


def mark(entry: Entry) -> str:
    return hashlib.sha256(text_of(entry, "uri").encode()).hexdigest()[:10]


def poll(address: Address, token: Token, stream: Stream, cursor: str | None) -> Exchange[Batch]:
    """Everything that was not there before, oldest first; without a cursor, the newest few pages."""
    if stream is Stream.DIRECT:
        return (yield from bluesky_chat.poll(address, token, cursor))
    seen = Seen.of(cursor)
    entries = yield from _back_to(address, token, seen.horizon, FIRST_PAGES if seen.horizon is None else MOST_PAGES)
    fresh = [entry for entry in entries if mark(entry) not in seen.marks]
    after = str(seen.after(entries)) if entries else cursor
    return Batch(items(fresh[::-1]), after, more=False)


def backfill(address: Address, token: Token, stream: Stream, since: datetime) -> Exchange[Batch]:
    """Everything back to `since`, oldest first, for an account that was just connected."""
    if stream is Stream.DIRECT:
        return (yield from bluesky_chat.backfill(address, token, since))
    entries = yield from _back_to(address, token, since, MOST_PAGES)
    return Batch(items(entries[::-1]), str(Seen().after(entries)) if entries else None, more=False)


def _back_to(address: Address, token: Token, horizon: datetime | None, most: int) -> Exchange[list[Entry]]:
    """Newest first, without what stands twice because the list grew while it was read."""
    found: dict[str, Entry] = {}
    at = ""
    for _ in range(most):
        page, following = yield from _page(address, token, at)
        for entry in page:
            if not _before(entry, horizon) and text_of(entry, "reason") in REASONS:
                found.setdefault(text_of(entry, "uri"), entry)
        ended = not following or following == at
        if ended or (page and all(_before(entry, horizon) for entry in page)):
            return list(found.values())
        at = following
    if horizon is None:
        return list(found.values())
    raise NotSent("The server's list goes back further than can be read at once.")


def _page(address: Address, token: Token, at: str) -> Exchange[tuple[list[Entry], str]]:
    query = [*(("reasons", reason) for reason in REASONS), ("limit", "100"), *([("cursor", at)] if at else [])]
    said = yield from ask(get(address, token, "app.bsky.notification.listNotifications", query))
    entries = [entry for entry in listed(said, "notifications") if isinstance(entry, dict) and text_of(entry, "uri")]
    return entries, text_of(said, "cursor")


def _before(entry: Entry, horizon: datetime | None) -> bool:
    """What has no time is looked at, never taken for something old."""
    seen = moment(entry.get("indexedAt"))
    return horizon is not None and seen is not None and seen < horizon


def _sortable(value: str) -> float:
    at = moment(value)
    return at.timestamp() if at else 0.0
