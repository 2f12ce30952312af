"""Nothing that arrives is left out or handed on twice, in a list that is newest first and knows no "since"."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.platforms.errors import Expired, NotSent
from api.platforms.values import Request, Response, Stream
from tests.workers.platforms.bluesky_fake import HERE, TOKEN, no
from tests.workers.platforms.fake import drive, page_of_html, query, reply
from workers.platforms import bluesky
from workers.platforms.bluesky_streams import MOST_SEEN

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def notification(name: str, minute: float, reason: str = "reply") -> dict[str, Any]:
    at = (NOW + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    return {"uri": f"at://did:plc:jo/app.bsky.feed.post/{name}", "reason": reason, "indexedAt": at, "record": {}}


@dataclass
class Server:
    """Its cursor is an offset, as if the list stood still; `size` is how much it gives at once."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    size: int = 100
    knows_reasons: bool = True
    asked: int = 0

    def add(self, *entries: dict[str, Any]) -> None:
        self.entries = sorted([*self.entries, *entries], key=lambda entry: entry["indexedAt"], reverse=True)

    def __call__(self, request: Request) -> Response:
        self.asked += 1
        wanted = ("reply", "mention", "quote")
        listed = [entry for entry in self.entries if not self.knows_reasons or entry["reason"] in wanted]
        start = int(query(request).get("cursor", "0"))
        end = start + min(self.size, int(query(request)["limit"]))
        more = {"cursor": str(end)} if end < len(listed) else {}
        return reply({"notifications": listed[start:end], **more})


def poll(server: Server, cursor: str | None) -> tuple[list[str], str | None]:
    batch = drive(bluesky.poll(HERE, TOKEN, Stream.MENTIONS, cursor), server)
    assert not batch.more
    return [item.remote_id.rpartition("/")[2] for item in batch.items], batch.cursor


def test_what_is_new_comes_once_and_oldest_first() -> None:
    server = Server()
    server.add(notification("a", 1), notification("b", 2))
    names, cursor = poll(server, None)
    assert names == ["a", "b"]
    assert poll(server, cursor) == ([], cursor)
    server.add(notification("c", 3), notification("d", 4))
    names, cursor = poll(server, cursor)
    assert names == ["c", "d"]
    assert poll(server, cursor) == ([], cursor)


def test_an_account_that_nobody_has_written_to_has_nothing() -> None:
    server = Server()
    assert poll(server, None) == ([], None)
    server.add(notification("a", 1))
    assert poll(server, None)[0] == ["a"]


def test_what_was_written_before_and_seen_later_is_not_missed() -> None:
    server = Server()
    server.add(notification("a", 60))
    _, cursor = poll(server, None)
    server.add(notification("late", 20))
    names, cursor = poll(server, cursor)
    assert names == ["late"]
    assert poll(server, cursor) == ([], cursor)


def test_two_of_the_same_moment_are_two() -> None:
    server = Server()
    server.add(notification("a", 1))
    _, cursor = poll(server, None)
    server.add(notification("b", 1))
    assert poll(server, cursor)[0] == ["b"]


def test_only_as_far_back_as_what_was_seen() -> None:
    server = Server(size=10)
    server.add(*(notification(f"n{number}", number * 10) for number in range(200)))
    _, cursor = poll(server, None)
    server.asked = 0
    server.add(notification("new", 2000))
    assert poll(server, cursor)[0] == ["new"]
    assert server.asked == 2


def test_likes_of_a_server_that_does_not_sort_them_out_hide_nothing() -> None:
    server = Server(size=5, knows_reasons=False)
    server.add(notification("first", 0), *(notification(f"l{number}", number + 1, "like") for number in range(30)))
    names, cursor = poll(server, None)
    assert names == ["first"]
    server.add(notification("second", 5), *(notification(f"m{number}", number + 40, "like") for number in range(30)))
    assert poll(server, cursor)[0] == ["second"]


def test_a_post_that_is_listed_twice_comes_once() -> None:
    server = Server()
    server.add(notification("a", 1, "mention"), notification("a", 1, "reply"))
    assert poll(server, None)[0] == ["a"]


def test_history_is_read_back_to_its_beginning_and_polling_goes_on_from_there() -> None:
    server = Server(size=7)
    server.add(*(notification(f"n{number}", number) for number in range(50)))
    batch = drive(bluesky.backfill(HERE, TOKEN, Stream.MENTIONS, NOW + timedelta(minutes=20)), server)
    assert [item.remote_id.rpartition("/")[2] for item in batch.items] == [f"n{number}" for number in range(20, 50)]
    server.add(notification("new", 51))
    assert [name for name in poll(server, batch.cursor)[0] if name not in {f"n{n}" for n in range(20)}] == ["new"]


def test_a_list_that_repeats_itself_for_ever_ends() -> None:
    page = reply({"notifications": [notification("a", 1)], "cursor": "same"})
    batch = drive(bluesky.poll(HERE, TOKEN, Stream.MENTIONS, None), lambda request: page)
    assert len(batch.items) == 1


def test_what_cannot_be_read_is_trouble_and_never_an_empty_list() -> None:
    for answer, error in ((page_of_html(200), NotSent), (no("ExpiredToken"), Expired), (page_of_html(502), NotSent)):
        with pytest.raises(error):
            drive(bluesky.poll(HERE, TOKEN, Stream.MENTIONS, None), lambda request, answer=answer: answer)  # type: ignore[misc]


def test_the_cursor_stays_short() -> None:
    server = Server()
    server.add(*(notification(f"n{number}", number / 100) for number in range(2000)))
    _, cursor = poll(server, None)
    assert cursor is not None
    assert len(cursor) < 12 * MOST_SEEN


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), max_size=12), max_size=8), st.integers(2, 20))
def test_in_whatever_order_things_turn_up_each_comes_once(rounds: list[list[int]], size: int) -> None:
    """Each round adds things of up to fifty minutes before the newest moment there is."""
    server, cursor, seen, made = Server(size=size), None, list[str](), list[str]()
    for number, minutes in enumerate(rounds):
        for minute in minutes:
            made.append(f"r{number}x{len(made)}")
            server.add(notification(made[-1], number * 5 + 50 - minute))
        names, cursor = poll(server, cursor)
        seen += names
    assert sorted(seen) == sorted(made)
