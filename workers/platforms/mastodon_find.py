"""Reading back what a draft became, on servers of every kind: their own list decides, however they tell it.

Never matching leads to a double, matching too easily to a gap. So words are compared exactly first, then without
what servers like to change; a status whose words a server does not show keeps the question open.
"""

from collections.abc import Callable, Mapping
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

    def match(self, status: Status) -> Match:
        """NO, too, for what another delivery already became."""
        if text_of(status, "id") in self.linked:
            return Match.NO
        return matches(self.address, self.draft, status)


def find(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """What the draft became, if its own list shows it: the earliest match that nothing else is linked to.

    The list is read back until it is older than the attempt. The newest page alone is not enough:
    with many sends in flight the post has left it before anybody looks.
    """
    search = Search(address, token, draft, started_at, linked)
    found = yield from own_list(address, token, started_at, lambda status: search.match(status) is not Match.NO)
    status = yield from _decided(search, found)
    if status is None and draft.in_reply_to:
        # Some leave replies, or direct messages, out of an account's own list.
        found = yield from _under_what_it_answers(search, draft.in_reply_to)
        status = yield from _decided(search, found)
    return published(status, lambda: started_at) if status is not None else None


def since(status: Status, horizon: datetime) -> bool:
    """A status without a time may be ours: it is looked at, never taken for an old one."""
    made = moment(status.get("created_at"))
    return made is None or made >= horizon


def own_list(
    address: Address, token: Token, started_at: datetime, wanted: Callable[[Status], bool], *, any_will_do: bool = False
) -> Exchange[list[Status]]:
    """What is wanted of an account's own list, read back past the start of an attempt; the newest first."""
    path = f"/api/v1/accounts/{quote(address.remote_id, safe='')}/statuses"
    found: list[Status] = []
    seen: set[str] = set()
    page = yield from ask_list(get(address, path, token, {"limit": 40}))
    for _ in range(MOST_PAGES):
        horizon = _horizon(started_at, page)
        recent = [status for status in page.entries if since(status, horizon)]
        found += [status for status in recent if text_of(status, "id") not in seen and wanted(status)]
        if not recent or (found and any_will_do):
            return found
        seen.update(text_of(status, "id") for status in page.entries)
        for mark in _marks(page):
            page = yield from ask_list(get(address, path, token, {"limit": 40, "max_id": mark}))
            if not page.entries or not seen.issuperset(text_of(status, "id") for status in page.entries):
                break
        else:
            break
    raise Unknown(NOT_FAR_ENOUGH)


def _horizon(started_at: datetime, page: Listed) -> datetime:
    """By the server's clock, if that is behind ours: what it wrote just now then looks old."""
    behind = datetime.now(UTC) - page.at if page.at else timedelta()
    return started_at - CLOCK_SKEW - max(behind, timedelta())


def _marks(page: Listed) -> list[str]:
    """Where the list may go on: where it says, or from its last; where that leads nowhere, from the oldest by its time.

    Not from that at once: what is pinned stands on top, however old it is.
    """
    last, oldest = page.entries[-1], min(page.entries, key=_made)
    return [page.around.get("older", text_of(last, "id")), text_of(oldest, "id")]


def _decided(search: Search, found: list[Status]) -> Exchange[Status | None]:
    """The surest of them, and of these the earliest."""
    judged = [(search.match(status), _made(status), -place, status) for place, status in enumerate(found)]
    for match, _, _, status in sorted(judged, key=lambda each: each[:3]):
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


def _under_what_it_answers(search: Search, parent: str) -> Exchange[list[Status]]:
    try:
        said = yield from ask_object(get(search.address, status_path(parent, "context"), search.token))
    except PlatformError as error:
        if isinstance(error, Refused):  # what it answers is gone, and nothing stands under it
            return []
        raise
    below = [status for status in listed(said, "descendants") if isinstance(status, dict)]
    horizon = search.started_at - CLOCK_SKEW
    return [status for status in below if since(status, horizon) and search.match(status) is not Match.NO][::-1]
