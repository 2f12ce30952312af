"""Mastodon's relatives, each with habits of its own: the whole loop runs against every one. No double, no gap."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from api.core.ids import new_id
from api.platforms.errors import PlatformError, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Address, Draft, Exchange, Incoming, Platform, Published, Stream, Token, Visibility
from tests.support.town import RunningTown, running_town
from workers.platforms import mastodon
from workers.platforms.http import HttpxCarrier, carry

T = TypeVar("T")

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVERS: dict[str, dict[str, Any]] = {
    "Mastodon": {},
    "takes no notice of keys": {"idempotency": False},
    "ids are ULIDs": {"ids": "ulid"},
    "ids are FlakeIds": {"ids": "flake"},
    "ids are numbers": {"number_ids": True},
    "no v2 at all": {"no_v2": True},
    "a web app where v2 would be": {"v2_is_a_page": True, "old_instance": True},
    "describes itself as of old": {"no_v2": True, "old_instance": True},
    "takes min_id for since_id": {"ignore_min_id": True},
    "sends every kind of notification": {"ignore_types": True, "odd_notifications": True},
    "its own list is late": {"lag_seconds": 0.4},
    "no Link headers": {"links": "none"},
    "Link headers lead elsewhere": {"links": "elsewhere"},
    "words are null": {"content": "null"},
    "words are absent": {"content": "absent"},
    "words are not HTML": {"content": "plain"},
    "words are made to look nice": {"content": "typographic"},
    "times without fractions": {"times": "whole"},
    "times of another zone": {"times": "offset"},
    "its clock is ten minutes behind": {"clock_behind": 600.0},
    "its clock is a minute ahead": {"clock_behind": -60.0},
    "no rate limit headers": {"limit_headers": "none"},
    "rate limits in seconds since 1970": {"limit_headers": "epoch"},
    "errors are pages": {"errors": "html"},
    "errors say nothing": {"errors": "empty"},
    "errors are wrapped": {"errors": "nested"},
    "errors are lists": {"errors": "list"},
    "refuses whoever does not say who they are": {"refuse_empty_user_agent": True},
    "pages of two": {"most": 2},
    "refuses to be asked for more than twenty": {"refuse_limit_over": 20},
    "the oldest first": {"order": "oldest_first"},
    "lists in no order": {"order": "mixed"},
    "in no order, and no Link headers": {"order": "mixed", "links": "none"},
    "what is pinned stands on top": {"pinned_first": True, "links": "none"},
    "null where there is nothing": {"nulls": True},
    "202 for what it makes": {"created": 202},
    "hardly says who we are": {"thin_account": True},
    "direct messages are not in its own list": {"hide_direct": True},
    "replies are not in its own list": {"hide_replies": True, "hide_direct": True},
    "much of this at once": {
        "idempotency": False, "ids": "flake", "no_v2": True, "old_instance": True, "ignore_min_id": True,
        "ignore_types": True, "odd_notifications": True, "links": "none", "order": "mixed", "nulls": True,
        "times": "whole", "errors": "html", "limit_headers": "none", "lag_seconds": 0.2, "most": 20,
        "hide_direct": True, "thin_account": True, "created": 202,
    },
}  # fmt: skip
LATE = 15.0
WORDS = "Don't use Mill Lane - it's **closed**... https://roads.example/a/1?b=c"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[RunningTown]:
    async with running_town(data=":memory:") as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def carrier(running: RunningTown) -> AsyncIterator[HttpxCarrier]:
    carrier = HttpxCarrier(frozenset({("127.0.0.1", running.port)}), 10, 10)
    yield carrier
    await carrier.aclose()


@dataclass
class Server:
    """One of the family, and our account there."""

    town: RunningTown
    habits: dict[str, Any]
    carrier: HttpxCarrier
    address: Address
    token: Token

    async def ask(self, exchange: Exchange[T]) -> T:
        return await carry(self.carrier, exchange)

    async def breaks(self, *rules: dict[str, Any], **more: Any) -> None:
        await self.town.faults(*rules, **{**self.habits, **more})

    def draft(self, text: str, answers: str | None = None, visibility: Visibility = Visibility.PUBLIC) -> Draft:
        return Draft(str(new_id()), text, visibility, answers)

    async def find(self, draft: Draft, started_at: datetime) -> Published | None:
        return await self.ask(mastodon.find(self.address, self.token, draft, started_at, frozenset()))

    async def lose(self, draft: Draft) -> datetime:
        """Says it, and never hears that it was said."""
        await self.breaks({"kind": "lost_answer", "next": 1, "method": "POST", "path": "/api/v1/statuses"})
        started_at = datetime.now(UTC)
        with pytest.raises(Unknown):
            await self.ask(mastodon.publish(self.address, self.token, draft))
        return started_at

    async def there(self, draft: Draft) -> list[str]:
        return [post["id"] for post in await self.town.posts("sandfordnorth", "api") if post["text"] == draft.text]

    async def heard(self, stream: Stream, cursor: str | None) -> tuple[list[Incoming], str | None]:
        """All there is, as the poller asks for it."""
        found: list[Incoming] = []
        for _ in range(60):
            batch = await self.ask(mastodon.poll(self.address, self.token, stream, cursor))
            found += [mastodon.read(self.address, item) for item in batch.items]
            cursor = batch.cursor
            if not batch.more:
                return found, cursor
        raise AssertionError("It never says that this is all.")


@pytest_asyncio.fixture(params=SERVERS.values(), ids=SERVERS.keys(), loop_scope="module")
async def server(request: pytest.FixtureRequest, running: RunningTown, carrier: HttpxCarrier) -> Server:
    await running.reset()
    await running.faults(**request.param)
    server = Server(running, request.param, carrier, Address(Platform.MASTODON, running.url), Token(""))
    server.token = await connected(server)
    who = await server.ask(mastodon.whoami(server.address, server.token))
    server.address = replace(server.address, remote_id=who.remote_id, handle=who.handle)
    return server


async def connected(server: Server) -> Token:
    """Through the page of the server's own, as a person would."""
    back, verifier = "https://beatline.example/connections/back", "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    app = await server.ask(mastodon.register_app(server.address, back))
    asked = parse_qs(urlsplit(mastodon.authorize_url(server.address, app.client_id, back, "s", challenge)).query)
    form = {name: values[0] for name, values in asked.items()}
    async with server.town.client() as person:
        said_yes = {**form, "account": "sandfordnorth", "decision": "authorise"}
        answer = await person.post("/oauth/authorize", data=said_yes, headers={"User-Agent": "A browser"})
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    return await server.ask(mastodon.exchange_code(server.address, app, code, back, verifier))


async def test_it_says_who_we_are_and_what_it_allows(server: Server) -> None:
    assert server.address.handle == "sandfordnorth@town.example"
    limits = await server.ask(mastodon.limits(server.address))
    assert limits.max_length == (5000 if server.habits.get("old_instance") else 500)


async def test_a_post_is_said_once_though_its_answer_is_lost(server: Server) -> None:
    for number, words in enumerate((WORDS, "Road open again")):
        draft = server.draft(f"{words} {number}")
        assert await surely_not_there(server, draft)
        started_at = await server.lose(draft)
        await server.breaks(**small_pages(server))
        for other in range(5):
            later = server.draft(f"Something else {other}")
            await server.ask(mastodon.publish(server.address, server.token, later))
        found = await found_in_time(server, draft, started_at)
        assert await server.there(draft) == [found.remote_id]
        linked = frozenset({found.remote_id})
        again = server.draft(draft.text)
        nothing = mastodon.find(server.address, server.token, again, started_at, linked)
        assert await answer_or_doubt(server, nothing) is None


def small_pages(server: Server) -> dict[str, int]:
    """So that everything has to be read page by page."""
    return {"most": min(3, server.habits.get("most") or 3)}


async def surely_not_there(server: Server, draft: Draft) -> bool:
    """No server says that something is there which nobody sent."""
    return (
        await answer_or_doubt(
            server, mastodon.find(server.address, server.token, draft, datetime.now(UTC), frozenset())
        )
        is None
    )


async def answer_or_doubt(server: Server, exchange: Exchange[T]) -> T | None:
    try:
        return await server.ask(exchange)
    except Unknown:
        return None


async def found_in_time(server: Server, draft: Draft, started_at: datetime) -> Published:
    async with asyncio.timeout(LATE):
        while (found := await server.find(draft, started_at)) is None:  # noqa: ASYNC110 - another server's time
            await asyncio.sleep(0.05)
    return found


async def test_a_reply_and_a_direct_one_are_said_once_though_their_answers_are_lost(server: Server) -> None:
    for visibility in (Visibility.PUBLIC, Visibility.DIRECT):
        asked = await server.town.say("jom", "Is it open?", to="sandfordnorth", visibility=visibility.value)
        stream = Stream.DIRECT if visibility is Visibility.DIRECT else Stream.MENTIONS
        ((message,), _) = await server.heard(stream, None)
        assert (message.remote_id, message.author.handle) == (str(asked["id"]), "jom@town.example")
        draft = server.draft("@jom It is, since nine.", message.remote_id, visibility)
        started_at = await server.lose(draft)
        found = await found_in_time(server, draft, started_at)
        assert found.remote_id == (await server.there(draft))[-1]
        assert len(await server.there(draft)) == (1 if visibility is Visibility.PUBLIC else 2)
        around = await server.ask(mastodon.context(server.address, server.token, message.remote_id))
        assert found.remote_id in [item.remote_id for item in around]


async def test_every_mention_is_heard_page_by_page_however_many_come_at_once(server: Server) -> None:
    await server.breaks(**small_pages(server))
    first = await server.town.say("jom", "First", to="sandfordnorth")
    heard, cursor = await server.heard(Stream.MENTIONS, None)
    assert [one.remote_id for one in heard] == [str(first["id"])]
    said = [str((await server.town.say("lollylin", f"No. {n}", to="sandfordnorth"))["id"]) for n in range(8)]
    async with server.town.client("wexleytown") as somebody:
        for status_id in await ours(server):
            await somebody.post(f"/api/v1/statuses/{status_id}/favourite", headers={"User-Agent": "A browser"})
    heard, cursor = await server.heard(Stream.MENTIONS, cursor)
    fresh = [one.remote_id for one in heard if one.remote_id != str(first["id"])]
    assert set(fresh) == set(said)
    if server.habits.get("order") != "mixed":
        assert list(dict.fromkeys(fresh)) == said
    later = await server.town.say("jom", "Last", to="sandfordnorth")
    heard, _ = await server.heard(Stream.MENTIONS, cursor)
    assert str(later["id"]) in [one.remote_id for one in heard]


async def ours(server: Server) -> list[str]:
    published = await server.ask(mastodon.publish(server.address, server.token, server.draft("Anybody there?")))
    return [published.remote_id]


async def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_trouble(server: Server) -> None:
    published = await server.ask(mastodon.publish(server.address, server.token, server.draft("A slip of the pen")))
    for _ in range(2):
        await server.ask(mastodon.delete(server.address, server.token, published.remote_id))
    assert [post["deleted_at"] is not None for post in await server.town.posts("sandfordnorth", "api")] == [True]


async def test_being_asked_to_wait_and_being_turned_away_are_told_apart(server: Server) -> None:
    create = {"method": "POST", "path": "/api/v1/statuses", "next": 1}
    await server.breaks({"kind": "rate_limited", "style": "none", **create})
    with pytest.raises(RateLimited) as limited:
        await server.ask(mastodon.publish(server.address, server.token, server.draft("Wait")))
    assert (limited.value.retry_after or 0) <= 300
    await server.breaks({"kind": "token_revoked", **create})
    with pytest.raises(Refused) as refused:
        await server.ask(mastodon.publish(server.address, server.token, server.draft("No")))
    told = server.habits.get("errors") not in ("html", "empty")
    assert refused.value.refusal is (Refusal.TOKEN_REVOKED if told else Refusal.FORBIDDEN)
    assert await server.town.posts("sandfordnorth", "api") == []


async def mastodon_with(running: RunningTown, carrier: HttpxCarrier, **habits: Any) -> Server:
    await running.reset()
    address = Address(Platform.MASTODON, running.url)
    server = Server(running, habits, carrier, address, Token(running.tokens["sandfordnorth"]))
    who = await server.ask(mastodon.whoami(address, server.token))
    server.address = replace(address, remote_id=who.remote_id, handle=who.handle)
    return server


async def test_where_no_words_are_shown_nobody_guesses(running: RunningTown, carrier: HttpxCarrier) -> None:
    """A server that shows neither what a status says nor what was typed: a person has to look."""
    server = await mastodon_with(running, carrier, content="null", source=False)
    started_at = await server.lose(draft := server.draft("Road closed"))
    with pytest.raises(PlatformError, match="does not show"):
        await server.find(draft, started_at)


async def test_a_reply_is_found_though_what_it_answers_was_deleted_meanwhile(
    running: RunningTown, carrier: HttpxCarrier
) -> None:
    server = await mastodon_with(running, carrier)
    asked = await running.say("jom", "Is it open?", to="sandfordnorth")
    draft = server.draft("@jom It is.", asked["id"])
    started_at = await server.lose(draft)
    await running.delete(asked["id"])
    found = await server.find(draft, started_at)
    assert found is not None
    assert await server.there(draft) == [found.remote_id]
