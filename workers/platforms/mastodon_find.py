"""Reading back what a draft became, on servers of every kind: their own list decides, however they tell it.

Never matching leads to a double, matching too easily to a gap. So words are compared exactly first, then without
what servers like to change; a status whose words a server does not show keeps the question open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from api.platforms.errors import NotSent, PlatformError, Refused, Unknown
from api.platforms.values import Address, Draft, Exchange, Published, Token
from workers.platforms.mastodon_calls import Listed, ask_list, ask_object, get, status_path
from workers.platforms.mastodon_match import Match, matches, same_words
from workers.platforms.mastodon_read import published
from workers.platforms.payload import listed, moment, text_of

CLOCK_SKEW = timedelta(seconds=120)
MOST_PAGES = 250
NOT_FAR_ENOUGH = "The server's list could not be read back far enough to know."
NO_WORDS = "The server does not show what was written, so nobody can tell whether it is there."

Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Search:
    address: Address
    token: Token
    draft: Draft
    started_at: datetime
    linked: frozenset[str]

    def candidates(self, statuses: list[Status], horizon: datetime) -> Iterator[tuple[Match, Status]]:
        for status in statuses:
            if since(status, horizon) and text_of(status, "id") not in self.linked:
                match = matches(self.address, self.draft, status)
                if match is not Match.NO:
                    yield match, status


def find(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """What the draft became, if its own list shows it: the earliest match that nothing else is linked to.

    The list is read back until it is older than the attempt. The newest page alone is not enough:
    with many sends in flight the post has left it before anybody looks.
    """
    search = Search(address, token, draft, started_at, linked)
    found = yield from _in_own_list(search)
    status = yield from _decided(search, found)
    if status is None and draft.in_reply_to:
        # Some leave replies, or direct messages, out of an account's own list.
        found = yield from _under_what_it_answers(search, draft.in_reply_to)
        status = yield from _decided(search, found)
    return published(status, started_at) if status is not None else None


def since(status: Status, horizon: datetime) -> bool:
    """A status without a time may be ours: it is looked at, never taken for an old one."""
    made = moment(status.get("created_at"))
    return made is None or made >= horizon


def _in_own_list(search: Search) -> Exchange[list[tuple[Match, Status]]]:
    """All that it may have become, the newest first."""
    path = f"/api/v1/accounts/{quote(search.address.remote_id, safe='')}/statuses"
    found: list[tuple[Match, Status]] = []
    seen: set[str] = set()
    page = yield from ask_list(get(search.address, path, search.token, {"limit": 40}))
    for _ in range(MOST_PAGES):
        horizon = _horizon(search, page)
        found += [each for each in search.candidates(page.entries, horizon) if text_of(each[1], "id") not in seen]
        if not page.entries or not any(since(status, horizon) for status in page.entries):
            return found
        seen.update(text_of(status, "id") for status in page.entries)
        for mark in _marks(page):
            page = yield from ask_list(get(search.address, path, search.token, {"limit": 40, "max_id": mark}))
            if not page.entries or not seen.issuperset(text_of(status, "id") for status in page.entries):
                break
        else:
            break
    raise Unknown(NOT_FAR_ENOUGH)


def _horizon(search: Search, page: Listed) -> datetime:
    """By the server's clock, if that is behind ours: what it wrote just now then looks old."""
    behind = datetime.now(UTC) - page.at if page.at else timedelta()
    return search.started_at - CLOCK_SKEW - max(behind, timedelta())


def _marks(page: Listed) -> list[str]:
    """Where the list may go on: where it says, or from its last; where that leads nowhere, from the oldest by its time.

    Not from that at once: what is pinned stands on top, however old it is.
    """
    last, oldest = page.entries[-1], min(page.entries, key=_made)
    return [page.around.get("older", text_of(last, "id")), text_of(oldest, "id")]


def _decided(search: Search, found: list[tuple[Match, Status]]) -> Exchange[Status | None]:
    """The surest of them, and of these the earliest."""
    ranked = sorted(enumerate(found), key=lambda each: (each[1][0], _made(each[1][1]), -each[0]))
    for _, (match, status) in ranked:
        if match is not Match.UNREADABLE or (yield from _was_written(search, status)):
            return status
    return None


def _made(status: Status) -> float:
    made = moment(status.get("created_at"))
    return made.timestamp() if made else 0.0


def _was_written(search: Search, status: Status) -> Exchange[bool]:
    """Asks for the words as they were typed; without them there is no saying."""
    request = get(search.address, status_path(text_of(status, "id"), "source"), search.token)
    try:
        said: Mapping[str, Any] = yield from ask_object(request)
    except (Refused, NotSent) as error:
        raise Unknown(NO_WORDS) from error
    if not isinstance(said.get("text"), str):
        raise Unknown(NO_WORDS)
    return same_words(search.draft.text, said["text"])


def _under_what_it_answers(search: Search, parent: str) -> Exchange[list[tuple[Match, Status]]]:
    try:
        said = yield from ask_object(get(search.address, status_path(parent, "context"), search.token))
    except PlatformError as error:
        if isinstance(error, Refused):  # what it answers is gone, and nothing stands under it
            return []
        raise
    below = [status for status in listed(said, "descendants") if isinstance(status, dict)]
    return list(search.candidates(below, search.started_at - CLOCK_SKEW))[::-1]
