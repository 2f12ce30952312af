"""Reading back: a post that is there is found, whatever the list looks like; one that is not is not."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.platforms.errors import NotSent, Unknown
from api.platforms.values import Draft, Published, Request, Response, Visibility
from tests.workers.platforms.fake import DRAFT, TOKEN, TOWN, drive, path, query, reply
from workers.platforms import mastodon

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
NONE: frozenset[str] = frozenset()


def status(number: int, made: datetime, **changes: Any) -> dict[str, Any]:
    usual = {
        "id": f"01J{number:06}",
        "url": f"https://town.example/@hartwell/{number}",
        "created_at": made.isoformat(),
        "account": {"id": "7"},
        "content": "<p>Road closed at Lower Mill Lane.</p>",
        "visibility": "public",
        "in_reply_to_id": None,
        "spoiler_text": "",
    }
    return {**usual, **changes}


def other(number: int, made: datetime) -> dict[str, Any]:
    return status(number, made, content=f"<p>Something else, {number}</p>")


@dataclass
class OwnList:
    """An account's list, newest first, whose pages are as long as it likes, and which grows while it is read."""

    statuses: list[dict[str, Any]]
    sizes: list[int] = field(default_factory=lambda: [40])
    arriving: list[dict[str, Any]] = field(default_factory=list)
    link: bool = False
    requests: int = 0

    def __call__(self, request: Request) -> Response:
        assert path(request) == "/api/v1/accounts/7/statuses"
        assert not {"exclude_replies", "pinned", "only_media"} & set(query(request))
        size = self.sizes[self.requests % len(self.sizes)]
        self.requests += 1
        before = query(request).get("max_id")
        ids = [entry["id"] for entry in self.statuses]
        rest = self.statuses[ids.index(before) + 1 :] if before else self.statuses
        page = rest[:size]
        if self.arriving:
            self.statuses = [self.arriving.pop(), *self.statuses]
        if self.link and page:
            return reply(page, link=f'<https://inner.example/x?max_id={page[-1]["id"]}>; rel="next"')
        return reply(page)


def find(server: Any, draft: Draft = DRAFT, linked: frozenset[str] = NONE) -> Published | None:
    return drive(mastodon.find(TOWN, TOKEN, draft, START, linked), server)


@settings(max_examples=150, deadline=None)
@given(
    newer=st.integers(0, 120),
    older=st.integers(0, 60),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    arriving=st.integers(0, 5),
    skew=st.integers(-119, 300),
    link=st.booleans(),
)
def test_a_post_that_is_there_is_always_found(
    newer: int, older: int, sizes: list[int], arriving: int, skew: int, link: bool
) -> None:
    ours = status(1000, START + timedelta(seconds=skew))
    above = [other(2000 - n, START + timedelta(seconds=400)) for n in range(newer)]
    below = [other(900 - n, START - timedelta(seconds=200 + n)) for n in range(older)]
    incoming = [other(3000 + n, START + timedelta(seconds=500)) for n in range(arriving)]
    found = find(OwnList([*above, ours, *below], sizes, incoming, link))
    assert found is not None
    assert found.remote_id == ours["id"]


@settings(max_examples=50, deadline=None)
@given(newer=st.integers(0, 100), older=st.integers(0, 60), sizes=st.lists(st.integers(1, 40), min_size=1))
def test_a_post_that_is_not_there_is_not_found(newer: int, older: int, sizes: list[int]) -> None:
    above = [other(2000 - n, START + timedelta(seconds=5)) for n in range(newer)]
    below = [status(900 - n, START - timedelta(seconds=121 + n)) for n in range(older)]
    assert find(OwnList([*above, *below], sizes)) is None


@settings(max_examples=50, deadline=None)
@given(lag=st.integers(0, 6), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_a_lagging_list_finds_it_as_soon_as_it_shows_it(lag: int, sizes: list[int]) -> None:
    ours = status(1000, START + timedelta(seconds=1))
    base = [other(900 - n, START - timedelta(seconds=60 + 20 * n)) for n in range(30)]
    for attempt in range(lag + 1):
        shown = [ours, *base] if attempt == lag else list(base)
        found = find(OwnList(shown, sizes))
        assert (found is not None) == (attempt == lag)


def test_reading_stops_when_the_list_is_older_than_the_attempt() -> None:
    server = OwnList([other(900 - n, START - timedelta(hours=1 + n)) for n in range(400)])
    assert find(server) is None
    assert server.requests == 1


def test_the_earliest_match_that_nothing_else_is_linked_to_is_taken() -> None:
    third, second, first = (status(n, START + timedelta(seconds=n)) for n in (3, 2, 1))
    statuses = [third, second, first]
    for linked, expected in (([], first), ([first], second), ([first, second], third)):
        found = find(OwnList(list(statuses)), linked=frozenset(entry["id"] for entry in linked))
        assert found is not None
        assert found.remote_id == expected["id"]
    assert find(OwnList(list(statuses)), linked=frozenset(entry["id"] for entry in statuses)) is None


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('Fish & chips <today> "free"', "<p>Fish &amp; chips &lt;today&gt; &quot;free&quot;</p>"),
        ("One\n\nTwo\nThree", "<p>One</p><p>Two<br>Three</p>"),
        ("One\r\n  Two ", "<p>One<br/>Two</p>"),
        ("cafe\u0301 open", "<p>café open</p>"),
        (
            "See https://town.example/reports/1?a=1&b=2 now",
            '<p>See <a href="https://town.example/reports/1?a=1&amp;b=2"><span class="invisible">https://</span>'
            '<span class="ellipsis">town.example/rep</span></a> now</p>',
        ),
        ("See town.example/x", '<p>See <a href="http://town.example/x">town.example/x</a></p>'),
        (
            "@Amy@shire.example thank you #Flood",
            '<p><span class="h-card"><a href="https://shire.example/@amy" class="u-url mention">@<span>amy</span>'
            '</a></span> thank you <a href="https://town.example/tags/flood" class="mention hashtag">#<span>Flood'
            "</span></a></p>",
        ),
        (
            "@amy@shire.example thank you",
            '<p><a href="https://shire.example/@amy" class="mention">@amy@shire.example</a> thank you</p>',
        ),
    ],
)
def test_text_is_recognised_in_the_form_the_server_gives_it(text: str, content: str) -> None:
    assert find(OwnList([status(1, START, content=content)]), replace(DRAFT, text=text)) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"content": "<p>Road closed at Lower Mill Lane</p>"},
        {"in_reply_to_id": "99"},
        {"visibility": "direct"},
        {"visibility": "private"},
        {"account": {"id": "8"}},
        {"reblog": {"id": "1"}},
        {"spoiler_text": "flood"},
    ],
)
def test_what_differs_is_another_post(change: dict[str, Any]) -> None:
    assert find(OwnList([status(1, START, **change)])) is None


def test_a_direct_reply_is_found_and_a_limited_account_may_be_listed_less() -> None:
    direct = replace(DRAFT, visibility=Visibility.DIRECT, in_reply_to="55")
    assert find(OwnList([status(1, START, visibility="direct", in_reply_to_id="55")]), direct) is not None
    assert find(OwnList([status(1, START, visibility="unlisted")])) is not None


def test_fields_that_are_missing_do_not_hide_it() -> None:
    bare = {key: value for key, value in status(1, START).items() if key in ("id", "content", "visibility")}
    found = find(OwnList([bare, other(0, START - timedelta(hours=1))]))
    assert found is not None
    assert found.remote_id == bare["id"]


def test_a_list_that_shows_the_same_page_for_ever_is_not_believed() -> None:
    page = [other(n, START) for n in range(40)]
    with pytest.raises(Unknown):
        find(lambda request: reply(page))


def test_a_list_that_cannot_be_read_is_read_again_later() -> None:
    with pytest.raises(NotSent):
        find(lambda request: reply({"error": "x"}, 500))
