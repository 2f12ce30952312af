"""Nothing that arrives is left out, on servers that page in each of the ways they do."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.platforms.errors import NotSent
from api.platforms.values import Request, Response, Stream
from tests.workers.platforms.fake import TOKEN, TOWN, drive, path, query, reply
from workers.platforms import mastodon

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
STYLES = ["min_id", "since_id", "ignored"]


def notification(number: int) -> dict[str, Any]:
    made = (NOW + timedelta(minutes=number)).isoformat()
    return {
        # Letters whose order says nothing: only the place in the list counts.
        "id": f"{(number * 7919) % 10007:05}N",
        "type": "mention",
        "created_at": made,
        "status": {"id": f"S{number}", "created_at": made},
    }


@dataclass
class Server:
    """A stream, newest first. `style` is what it makes of min_id."""

    entries: list[dict[str, Any]]
    style: str = "min_id"
    size: int = 80
    link: bool = True
    deleted: frozenset[str] = frozenset()
    asked: list[dict[str, str]] = field(default_factory=list)

    def mark(self, entry: dict[str, Any]) -> str:
        return str(entry["id"])

    def __call__(self, request: Request) -> Response:
        asked = query(request)
        self.asked.append(asked)
        marks = [self.mark(entry) for entry in self.entries]
        start = marks.index(asked["max_id"]) + 1 if "max_id" in asked else 0
        end = len(marks)
        if self.style != "ignored":
            for name in ("min_id", "since_id"):
                end = min(end, marks.index(asked[name]) if name in asked else end)
        window = [entry for entry in self.entries[start:end] if self.mark(entry) not in self.deleted]
        size = min(self.size, int(asked["limit"]))
        page = window[-size:] if "min_id" in asked and self.style == "min_id" else window[:size]
        if not (self.link and page):
            return reply(page)
        older, newer = self.mark(page[-1]), self.mark(page[0])
        inner = "https://inner.example/api"
        return reply(page, link=f'<{inner}?max_id={older}>; rel="next", <{inner}?min_id={newer}>; rel="prev"')


class Conversations(Server):
    def mark(self, entry: dict[str, Any]) -> str:
        return str(entry["last_status"]["id"])


def read_on(server: Server, stream: Stream, cursor: str | None) -> tuple[list[str], str | None]:
    seen: list[str] = []
    for _ in range(250):
        batch = drive(mastodon.poll(TOWN, TOKEN, stream, cursor), server)
        seen += [item.remote_id for item in batch.items]
        cursor = batch.cursor
        if not batch.more:
            return seen, cursor
    raise AssertionError("never done")


@settings(max_examples=150, deadline=None)
@given(
    style=st.sampled_from(STYLES),
    size=st.integers(1, 80),
    old=st.integers(1, 60),
    fresh=st.integers(0, 200),
    link=st.booleans(),
)
def test_everything_after_the_cursor_arrives_once_in_order(
    style: str, size: int, old: int, fresh: int, link: bool
) -> None:
    entries = [notification(n) for n in range(old + fresh)][::-1]
    server = Server(entries, style, size, link)
    seen, cursor = read_on(server, Stream.MENTIONS, notification(old - 1)["id"])
    assert seen == [f"S{n}" for n in range(old, old + fresh)]
    assert cursor == entries[0]["id"]


@pytest.mark.parametrize("style", ["min_id", "since_id"])
def test_a_cursor_whose_message_was_deleted_loses_nothing(style: str) -> None:
    cursor = notification(30)["id"]
    server = Server([notification(n) for n in range(100)][::-1], style, 20, deleted=frozenset({cursor}))
    seen, _ = read_on(server, Stream.MENTIONS, cursor)
    assert seen == [f"S{n}" for n in range(31, 100)]


def test_a_cursor_that_a_forgetful_server_no_longer_knows_reads_too_much_not_too_little() -> None:
    entries = [notification(n) for n in range(100) if n != 30][::-1]
    server = Server(entries, "ignored", 20)
    seen, _ = drive_once(server, notification(30)["id"])
    assert seen == [f"S{n}" for n in range(100) if n != 30]


def drive_once(server: Server, cursor: str) -> tuple[list[str], str | None]:
    batch = drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, cursor), server)
    return [item.remote_id for item in batch.items], batch.cursor


def test_nothing_new_keeps_the_cursor_and_costs_one_request() -> None:
    server = Server([notification(1)])
    seen, cursor = read_on(server, Stream.MENTIONS, notification(1)["id"])
    assert (seen, cursor) == ([], notification(1)["id"])
    assert len(server.asked) == 1


def test_strangers_that_the_server_filtered_are_asked_for() -> None:
    server = Server([notification(1)])
    drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, None), server)
    assert server.asked[0] == {"types[]": "mention", "include_filtered": "true", "limit": "80"}


def test_a_first_poll_reads_what_is_there_oldest_first() -> None:
    server = Server([notification(n) for n in range(100)][::-1], size=30)
    batch = drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, None), server)
    assert [item.remote_id for item in batch.items] == [f"S{n}" for n in range(100)]
    assert batch.cursor == notification(99)["id"]
    assert not batch.more


def test_an_empty_stream_has_no_cursor_yet() -> None:
    batch = drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, None), Server([]))
    assert (batch.items, batch.cursor, batch.more) == ((), None, False)


@settings(max_examples=50, deadline=None)
@given(size=st.integers(1, 80), total=st.integers(0, 150), back=st.integers(0, 150))
def test_a_backfill_reads_back_to_its_day_and_no_further(size: int, total: int, back: int) -> None:
    server = Server([notification(n) for n in range(total)][::-1], size=size)
    since = NOW + timedelta(minutes=max(total - back, 0))
    batch = drive(mastodon.backfill(TOWN, TOKEN, Stream.MENTIONS, since), server)
    assert [item.remote_id for item in batch.items] == [f"S{n}" for n in range(max(total - back, 0), total)]
    assert batch.cursor == (notification(total - 1)["id"] if total else None)


def conversation(number: int) -> dict[str, Any]:
    status = {"id": f"D{number}", "created_at": (NOW + timedelta(minutes=number)).isoformat()}
    return {"id": f"C{number % 3}", "unread": True, "accounts": [], "last_status": status}


@pytest.mark.parametrize("style", STYLES)
def test_direct_messages_are_paged_by_their_newest_status(style: str) -> None:
    server = Conversations([conversation(n) for n in range(90)][::-1], style, 20)
    seen, cursor = read_on(server, Stream.DIRECT, "D9")
    assert seen == [f"D{n}" for n in range(10, 90)]
    assert cursor == "D89"


def test_entries_without_a_status_are_passed_over() -> None:
    broken = {"id": "x", "type": "mention", "status": None}
    batch = drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, None), Server([broken, notification(1)]))
    assert [item.remote_id for item in batch.items] == ["S1"]
    assert batch.cursor == "x"


def test_a_stream_without_an_end_is_given_up_loudly() -> None:
    count = iter(range(10**6))

    def endless(request: Request) -> Response:
        assert path(request) == "/api/v1/notifications"
        return reply([{"id": f"e{next(count)}", "status": {"id": "1"}}])

    with pytest.raises(NotSent):
        drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, "gone"), endless)


@pytest.mark.parametrize("body", [{}, "x", None, 3])
def test_what_is_no_list_is_asked_for_again(body: Any) -> None:
    with pytest.raises(NotSent):
        drive(mastodon.poll(TOWN, TOKEN, Stream.MENTIONS, "1"), lambda request: reply(body))
