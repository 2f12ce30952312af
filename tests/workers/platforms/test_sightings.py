"""Addresses that people paste: only what the account itself wrote is ours, whatever the address claims."""

from typing import Any

import pytest

from tests.workers.platforms import bluesky_fake
from tests.workers.platforms.bluesky_fake import HERE, Server, no
from tests.workers.platforms.fake import TOKEN, TOWN, drive, path, reply
from workers.platforms import bluesky, mastodon

ADDRESS = "https://town.example/@hartwell/1000"


def a_status(**more: Any) -> dict[str, Any]:
    return {
        "id": "1000", "url": ADDRESS, "uri": "https://town.example/users/hartwell/statuses/1000",
        "created_at": "2026-11-24T09:00:00.000Z", "account": {"id": "7"}, **more,
    }  # fmt: skip


def seen(url: str, status: dict[str, Any] | None, code: int = 200) -> Any:
    return drive(mastodon.sighted(TOWN, TOKEN, url), lambda _: reply(status or {"error": "gone"}, code))


def test_our_own_server_says_what_it_is_and_when_it_was_made() -> None:
    found = seen(f"{ADDRESS}?utm=1", a_status())
    assert (found.remote_id, found.url, found.created_at.hour) == ("1000", ADDRESS, 9)


def test_only_our_own_server_is_ever_asked() -> None:
    asked: list[str] = []

    def answer(request: Any) -> Any:
        asked.append(request.url)
        return reply(a_status())

    assert drive(mastodon.sighted(TOWN, TOKEN, "https://elsewhere.example/@x/1000"), answer) is None
    assert asked == ["https://town.example/api/v1/statuses/1000"]


@pytest.mark.parametrize(
    "status",
    [a_status(account={"id": "8"}), a_status(account={}), a_status(reblog={"id": "1"}), a_status(created_at=None)],
)
def test_what_somebody_else_wrote_or_nobody_knows_is_not_ours(status: dict[str, Any]) -> None:
    assert seen(ADDRESS, status) is None


def test_what_is_gone_is_not_there() -> None:
    assert seen(ADDRESS, None, 404) is None


@pytest.mark.parametrize(
    "url", ["https://town.example/", "https://town.example/@a/..%2f..%2fadmin", "https://town.example/@a/1%201"]
)
def test_an_address_that_names_nothing_asks_nobody(url: str) -> None:
    assert drive(mastodon.sighted(TOWN, TOKEN, url), lambda _: pytest.fail("asked")) is None


RECORD = {"value": {"$type": "app.bsky.feed.post", "text": "Road closed", "createdAt": "2026-11-24T09:00:00Z"}}


@pytest.mark.parametrize(
    "url",
    [
        "https://bsky.app/profile/sandford.example/post/3kabc",
        "https://bsky.app/profile/did:plc:us/post/3kabc",
        "https://bsky.app/profile/did%3Aplc%3Aus/post/3kabc/",
        "at://did:plc:us/app.bsky.feed.post/3kabc",
    ],
)
def test_a_bluesky_post_is_looked_for_in_our_own_list(url: str) -> None:
    server = Server(getRecord=reply(RECORD))
    found = drive(bluesky.sighted(HERE, bluesky_fake.TOKEN, url), server)
    assert found is not None
    assert found.remote_id == "at://did:plc:us/app.bsky.feed.post/3kabc"
    assert "repo=did%3Aplc%3Aus" in server.asked[0].url
    assert path(server.asked[0]).endswith("getRecord")


@pytest.mark.parametrize(
    "url",
    [
        "https://bsky.app/profile/somebody.example/post/3kabc",
        "https://bsky.app/profile/sandford.example/lists/3kabc",
        "at://did:plc:us/app.bsky.feed.like/3kabc",
        "https://bsky.app/",
    ],
)
def test_what_lies_in_no_list_of_ours_asks_nobody(url: str) -> None:
    assert drive(bluesky.sighted(HERE, bluesky_fake.TOKEN, url), Server()) is None


def test_a_bluesky_post_that_is_gone_is_not_there() -> None:
    server = Server(getRecord=no("RecordNotFound"))
    assert drive(bluesky.sighted(HERE, bluesky_fake.TOKEN, "at://did:plc:us/app.bsky.feed.post/3k"), server) is None
