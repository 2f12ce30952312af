"""Against Bluesky's own servers: what is said there once, read back, answered and taken away again."""

import asyncio
import base64
import hashlib
import hmac
import json
import struct
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import clock, now
from api.core.ids import new_id
from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.intake import feeds
from api.models import Account, Conversation, Delivery, DeliveryState, Message, Post, SecretKind
from api.outbox import service as outbox
from api.platforms.errors import Expired, PlatformError, RateLimited, Refusal, Refused, Unknown
from api.platforms.facts import FACTS
from api.platforms.splitting import split
from api.platforms.text import counter
from api.platforms.values import (
    App,
    Card,
    Draft,
    Exchange,
    Incoming,
    Picture,
    Platform,
    Request,
    Response,
    Stream,
    Token,
    Video,
)
from tests.support import bluesky as servers
from tests.support.bluesky import Network, Somebody, running_network
from tests.support.command import beatline
from tests.support.factories import Cast, an_account
from tests.support.stage import QUICK, Stage
from workers.context import Context
from workers.jobs import connect
from workers.jobs.poll import LEASE, Poller
from workers.jobs.read import Reader
from workers.platforms import CONNECTORS, bluesky
from workers.platforms.http import Carrier, HttpxCarrier, carry
from workers.vault import Vault

T = TypeVar("T")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(servers.missing()), reason=servers.missing() or "-"),
]

UNTIL_SHOWN = 15.0
FILM = Path(__file__).parents[1] / "api" / "media" / "film.mp4"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@dataclass
class Person:
    """Somebody on the network, with a session of an app password and the words they say."""

    who: Somebody
    token: Token
    carrier: Carrier

    @property
    def handle(self) -> str:
        return self.who.address.handle

    async def ask(self, exchange: Exchange[T]) -> T:
        return await carry(self.carrier, exchange)

    async def say(self, text: str, answering: str | None = None, **more: Any) -> str:
        draft = Draft(str(new_id()), text, in_reply_to=answering, **more)
        return (await self.ask(bluesky.publish(self.who.address, self.token, draft))).remote_id

    async def say_and_wait(self, text: str) -> str:
        uri = await self.say(text)
        await self.seen(uri)
        return uri

    async def seen(self, uri: str) -> None:
        """By everybody. An answer that their servers come across before it is never told of."""
        async with asyncio.timeout(UNTIL_SHOWN):
            while not await self._everybody_sees(uri):  # noqa: ASYNC110 - another server's time
                await asyncio.sleep(0.1)

    async def _everybody_sees(self, uri: str) -> bool:
        somebody_else = replace(self.who.address, remote_id="did:plc:nobody")
        return await self.ask(bluesky.status(somebody_else, self.token, uri)) is not None

    async def record(self, uri: str) -> dict[str, Any]:
        """As the server holds it."""
        item = await self.ask(bluesky.status(self.who.address, self.token, uri))
        assert item is not None
        record = item.payload["record"]
        assert isinstance(record, dict)
        return record

    async def new(self, cursor: str | None = None) -> tuple[list[Incoming], str | None]:
        batch = await self.ask(bluesky.poll(self.who.address, self.token, Stream.MENTIONS, cursor))
        return [bluesky.read(self.who.address, item) for item in batch.items], batch.cursor

    async def shown(self, count: int) -> list[Incoming]:
        """Notifications are some time behind."""
        async with asyncio.timeout(UNTIL_SHOWN):
            while len((await self.new())[0]) < count:  # noqa: ASYNC110 - another server's time
                await asyncio.sleep(0.2)
        return (await self.new())[0]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with running_network(tmp_path_factory.mktemp("bluesky")) as network:
        yield network


@pytest.fixture
def reading(network: Network) -> Network:
    if not network.reads:
        pytest.skip("Bluesky's reading half needs BEATLINE_TEST_DATABASE_URL and BEATLINE_TEST_REDIS_URL")
    return network


@pytest.fixture
async def carrier(network: Network) -> AsyncIterator[HttpxCarrier]:
    carrier = HttpxCarrier(frozenset({network.host}), 20, 20)
    yield carrier
    await carrier.aclose()


Arrive = Callable[[str], Any]


@pytest.fixture
def arrive(network: Network, carrier: HttpxCarrier) -> Arrive:
    async def somebody(name: str) -> Person:
        who = await asyncio.to_thread(network.somebody, name)
        sign_in = bluesky.sign_in(who.address, who.address.handle, who.app_password)
        return Person(who, await carry(carrier, sign_in), carrier)

    return somebody


@pytest.fixture
async def us(arrive: Arrive) -> Person:
    person: Person = await arrive("sandford")
    return person


async def test_an_app_password_opens_a_session_that_says_who_it_is(us: Person, network: Network) -> None:
    identity = await us.ask(bluesky.whoami(us.who.address, us.token))
    assert (identity.remote_id, identity.handle) == (us.who.address.remote_id, us.handle)
    assert us.token.scopes == ("com.atproto.appPass",)
    assert json.loads(us.token.secret)["host"] == network.url
    with pytest.raises(Refused, match="did not take"):
        await us.ask(bluesky.sign_in(us.who.address, us.handle, "wrong-wrong-wrong-wrong"))


async def test_a_post_is_stored_as_it_was_written_with_its_marks(us: Person, arrive: Arrive) -> None:
    jo = await arrive("jo")
    text = f"£5 🌊 police.uk/x1 #Leeds @{jo.handle} @nobody.example"
    record = await us.record(await us.say(text, language="cy"))
    assert (record["text"], record["langs"]) == (text, ["cy"])
    marked = [text.encode()[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in record["facets"]]
    assert marked == ["police.uk/x1", "#Leeds", f"@{jo.handle}"]
    assert record["facets"][2]["features"][0]["did"] == jo.who.address.remote_id


async def test_the_same_key_is_the_same_post_however_often_it_is_sent(us: Person) -> None:
    draft = Draft(str(new_id()), "Road closed at Mill Lane")
    publish = [bluesky.publish(us.who.address, us.token, draft) for _ in range(5)]
    published = await asyncio.gather(*(us.ask(one) for one in publish))
    assert len({one.remote_id for one in published}) == 1
    found = await us.ask(bluesky.find(us.who.address, us.token, draft, now(), frozenset()))
    assert found is not None
    assert found.remote_id == published[0].remote_id


async def test_what_is_not_there_is_surely_not_there(us: Person) -> None:
    draft = Draft(str(new_id()), "Never sent")
    assert await us.ask(bluesky.find(us.who.address, us.token, draft, now(), frozenset())) is None


async def test_other_words_under_the_same_key_are_a_conflict_and_change_nothing(us: Person) -> None:
    draft = Draft(str(new_id()), "Road closed")
    uri = (await us.ask(bluesky.publish(us.who.address, us.token, draft))).remote_id
    with pytest.raises(Refused):
        await us.ask(bluesky.publish(us.who.address, us.token, replace(draft, text="Road open")))
    assert (await us.record(uri))["text"] == "Road closed"


async def test_a_lost_answer_is_found_by_its_name(us: Person) -> None:
    draft = Draft(str(new_id()), "Road closed, once")
    losing = Losing(us.carrier)
    with pytest.raises(Unknown):
        await carry(losing, bluesky.publish(us.who.address, us.token, draft))
    found = await us.ask(bluesky.find(us.who.address, us.token, draft, now(), frozenset()))
    assert found is not None
    again = await us.ask(bluesky.publish(us.who.address, us.token, draft))
    assert again == found


async def test_limits_are_counted_as_the_server_counts_them(us: Person) -> None:
    for fits in ("x" * 300, "ŵ" * 300, FAMILY * 120, "🇬🇧" * 300, "a\r\nb" * 75):
        assert (await us.record(await us.say(fits)))["text"] == fits
    for long in ("x" * 301, FAMILY * 121):
        with pytest.raises(Refused, match="too long") as error:
            await us.say(long)
        assert error.value.refusal is Refusal.INVALID


async def test_pictures_keep_the_words_that_describe_them(us: Person) -> None:
    picture = Picture(a_png(40, 30), "image/png", "A flooded lane", 40, 30)
    uri = await us.say("Mill Lane", pictures=(picture, replace(picture, alt="")))
    (first, second) = (await us.record(uri))["embed"]["images"]
    assert (first["alt"], first["aspectRatio"], second["alt"]) == ("A flooded lane", {"width": 40, "height": 30}, "")
    item = await us.ask(bluesky.status(us.who.address, us.token, uri))
    assert item is not None
    assert [each.alt for each in bluesky.read(us.who.address, item).attachments] == ["A flooded lane", ""]


async def test_a_film_and_what_was_brought_up_before_its_time(us: Person) -> None:
    film = Video(FILM.read_bytes(), "video/mp4", "A walk along the river", 96, 64)
    uri = await us.say("Come along", video=film)
    embed = (await us.record(uri))["embed"]
    assert (embed["$type"], embed["alt"]) == ("app.bsky.embed.video", "A walk along the river")
    assert (embed["video"]["mimeType"], embed["video"]["size"]) == ("video/mp4", len(film.data))
    picture = Picture(a_png(40, 30), "image/png", "A flooded lane", 40, 30)
    draft = Draft(key=str(new_id()), text="Mill Lane", pictures=(picture,))
    brought = await us.ask(bluesky.bring(us.who.address, us.token, draft))
    bare = replace(draft, pictures=(replace(picture, data=b""),), brought=brought)
    made = await us.ask(bluesky.publish(us.who.address, us.token, bare))
    again = await us.ask(bluesky.publish(us.who.address, us.token, bare))
    assert made.remote_id == again.remote_id
    assert (await us.record(made.remote_id))["embed"]["images"][0]["alt"] == "A flooded lane"


async def test_a_link_has_its_card(us: Person) -> None:
    thumb = Picture(a_png(4, 3), "image/png", "", 4, 3)
    uri = await us.say("Roads", card=Card("https://roads.example/1", "Roads today", "Closed", thumb))
    external = (await us.record(uri))["embed"]["external"]
    assert (external["uri"], external["title"], external["thumb"]["mimeType"]) == (
        "https://roads.example/1",
        "Roads today",
        "image/png",
    )


async def test_a_warning_comes_first_and_is_a_veil_over_pictures(us: Person) -> None:
    record = await us.record(await us.say("A collision", content_warning="injuries"))
    assert record["text"] == "injuries\n\nA collision"
    assert "labels" not in record
    picture = Picture(a_png(4, 3), "image/png", "A road", 4, 3)
    record = await us.record(await us.say("A collision", content_warning="injuries", pictures=(picture,)))
    assert record["labels"]["values"] == [{"val": "graphic-media"}]


@pytest.mark.parametrize("piece", ["Mind the gap. ", "ŵŷ £5 – “so”… ", "👩‍👩‍👧‍👦", "w"])
async def test_every_part_that_we_cut_is_one_that_the_server_takes(us: Person, piece: str) -> None:
    parts = split(
        piece * 120 if len(piece) > 1 else piece * 700, FACTS[Platform.BLUESKY].limits, counter(Platform.BLUESKY)
    )
    uri = None
    for part in parts:
        uri = await us.say(part, uri)
        assert (await us.record(uri))["text"] == part


async def test_a_thread_of_ours_hangs_together_at_once(us: Person) -> None:
    first = await us.say("1/3")
    second = await us.say("2/3", first)
    reply = (await us.record(await us.say("3/3", second)))["reply"]
    assert (reply["root"]["uri"], reply["parent"]["uri"]) == (first, second)


async def test_nothing_is_said_under_what_is_not_there(us: Person) -> None:
    with pytest.raises(Refused) as error:
        await us.say("Hello?", f"at://{us.who.address.remote_id}/app.bsky.feed.post/3mbd3542k2227")
    assert error.value.refusal is Refusal.NOT_FOUND


async def test_deleting_twice_is_deleting_once(us: Person) -> None:
    uri = await us.say("Road closed")
    await us.ask(bluesky.delete(us.who.address, us.token, uri))
    await us.ask(bluesky.delete(us.who.address, us.token, uri))
    assert await us.ask(bluesky.status(us.who.address, us.token, uri)) is None


async def test_shared_and_liked_once_and_taken_back(us: Person, arrive: Arrive) -> None:
    jo = await arrive("jo")
    uri, key = await jo.say("The bridge is open again"), str(new_id())
    for act in (bluesky.repost, bluesky.like):
        made = [await us.ask(act(us.who.address, us.token, key, uri)) for _ in range(2)]
        assert made[0].remote_id == made[1].remote_id
        assert (await us.record(made[0].remote_id))["subject"]["uri"] == uri
        await us.ask(bluesky.delete(us.who.address, us.token, made[0].remote_id))
        assert await us.ask(bluesky.status(us.who.address, us.token, made[0].remote_id)) is None


async def test_a_token_that_ran_out_is_told_apart_and_renewed(us: Person) -> None:
    with pytest.raises(Expired):
        await us.ask(bluesky.whoami(us.who.address, run_out(us.token)))
    with pytest.raises(Expired):
        await us.ask(bluesky.publish(us.who.address, run_out(us.token), Draft(str(new_id()), "x")))
    renewed = await us.ask(bluesky.refresh(us.who.address, run_out(us.token)))
    await us.ask(bluesky.whoami(us.who.address, renewed))
    # A lost answer: the old one still renews for a while, to the same session.
    again = await us.ask(bluesky.refresh(us.who.address, us.token))
    await us.ask(bluesky.whoami(us.who.address, again))


async def test_a_session_that_was_ended_is_over(us: Person) -> None:
    await us.ask(bluesky.revoke(us.who.address, App("", ""), us.token))
    await us.ask(bluesky.revoke(us.who.address, App("", ""), us.token))
    with pytest.raises(Refused) as error:
        await us.ask(bluesky.refresh(us.who.address, us.token))
    assert error.value.refusal is Refusal.TOKEN_REVOKED


async def test_being_asked_to_wait_says_for_how_long(us: Person) -> None:
    async def knock() -> PlatformError | None:
        try:
            await us.ask(bluesky.sign_in(us.who.address, us.handle, us.who.app_password))
        except PlatformError as error:
            return error
        return None

    errors = [await knock() for _ in range(40)]
    limited = [error for error in errors if isinstance(error, RateLimited)]
    assert limited
    assert all(error is None or error in limited for error in errors)
    assert 0 < (limited[0].retry_after or 0) <= 300


async def test_direct_messages_are_silent_where_the_app_password_does_not_open_them(us: Person) -> None:
    batch = await us.ask(bluesky.poll(us.who.address, us.token, Stream.DIRECT, None))
    assert (batch.items, batch.cursor) == ((), None)


async def test_who_names_answers_or_quotes_us_is_heard_once(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    post = await us.say_and_wait("What worries you on Mill Lane?")
    named = await jo.say(f"Hello @{us.handle}, £20 were stolen, see https://a.example/1")
    answer = await jo.say("Speeding", post)
    await jo.say("Nothing to do with anybody")
    heard = await us.shown(2)
    assert [one.remote_id for one in heard] == [named, answer]
    assert heard[0].mentions == (us.handle,)
    assert (heard[1].text, heard[1].in_reply_to) == ("Speeding", post)
    assert all(one.author.handle == jo.handle and not one.ours for one in heard)
    _, cursor = await us.new()
    assert (await us.new(cursor))[0] == []
    later = await jo.say("And parking", post)
    async with asyncio.timeout(UNTIL_SHOWN):
        while not (fresh := (await us.new(cursor))[0]):  # noqa: ASYNC110 - another server's time
            await asyncio.sleep(0.2)
    assert [one.remote_id for one in fresh] == [later]


async def test_a_long_history_is_read_to_its_beginning(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    post = await us.say_and_wait("Questions?")
    for number in range(120):
        await jo.say(f"Question {number}", post)
    heard = await us.shown(120)
    assert [one.text for one in heard] == [f"Question {number}" for number in range(120)]
    since = heard[100].occurred_at
    batch = await us.ask(bluesky.backfill(us.who.address, us.token, Stream.MENTIONS, since))
    assert [bluesky.read(us.who.address, item).text for item in batch.items] == [
        f"Question {n}" for n in range(100, 120)
    ]


async def test_a_thread_shows_what_came_before_and_after(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    post = await us.say_and_wait("Road closed")
    answer = await jo.say("Which road?", post)
    await us.shown(1)
    ours = await us.say("Mill Lane", answer)
    thread: list[str] = []
    async with asyncio.timeout(UNTIL_SHOWN):
        while len(thread) < 2:
            items = await us.ask(bluesky.context(us.who.address, us.token, answer))
            thread = [item.remote_id for item in items]
            await asyncio.sleep(0.1)
    assert thread == [post, ours]
    await jo.ask(bluesky.delete(jo.who.address, jo.token, answer))
    async with asyncio.timeout(UNTIL_SHOWN):
        while await us.ask(bluesky.status(us.who.address, us.token, answer)) is not None:  # noqa: ASYNC110 - theirs
            await asyncio.sleep(0.2)


async def test_the_same_post_reads_the_same_whichever_way_it_came(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    picture = Picture(a_png(4, 3), "image/png", "A bin", 4, 3)
    uri = await jo.say(f"@{us.handle} look", pictures=(picture,))
    (heard,) = await us.shown(1)
    item = await us.ask(bluesky.status(us.who.address, us.token, uri))
    assert item is not None
    assert bluesky.read(us.who.address, item) == heard
    assert [each.alt for each in heard.attachments] == ["A bin"]


async def test_from_a_post_to_an_answer_in_the_inbox_and_ours_to_that(
    us: Person, arrive: Arrive, reading: Network, runtime: Runtime, cast: Cast
) -> None:
    """The whole way, with a token that has run out when the post is due."""
    jo = await arrive("jo")
    desk = await Desk.at(us, runtime, cast)
    stage = Stage(runtime, cast, us.carrier, desk.context.vault)  # type: ignore[arg-type]
    delivery = await desk.queue("What worries you on Mill Lane?", cast)
    stage.start()
    post = await stage.is_in(delivery, DeliveryState.SENT, 20)
    assert post.remote_id is not None
    await us.seen(post.remote_id)
    answer = await jo.say("Speeding past the school", post.remote_id)
    await us.shown(1)
    await desk.poll()
    (talk,) = await desk.talks()
    assert (talk.contact_handle, talk.contact_remote_id) == (jo.handle, jo.who.address.remote_id)
    assert [message.text for message in await desk.messages()] == ["Speeding past the school"]
    async with runtime.unit_of_work() as session:
        message = await inbox.reply(session, cast.nadia, talk.id, "Thank you. We will be there at half past eight.")
    reply = await desk.sent(stage, message.id)
    await stage.stop()
    record = await us.record(reply.remote_id or "")
    assert record["reply"]["parent"]["uri"] == answer
    assert record["reply"]["root"]["uri"] == post.remote_id
    assert record["text"] == "Thank you. We will be there at half past eight."


def test_an_account_is_connected_on_the_command_line(network: Network, tmp_path: Path) -> None:
    who = network.somebody("wexley")

    private = ":".join(map(str, network.host))

    def run(*words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        return beatline(*words, "--data", tmp_path, given=given, BEATLINE_ALLOW_PRIVATE_HOSTS=private)

    run("migrate")
    run("force", "add", "--name", "Wexley Constabulary", "--short-name", "Wexley", "--police-uk-id", "wexley")
    connect = ("account", "connect", "bluesky", "--instance", network.url, "--token-stdin")
    done = run(*connect, given=f"{who.address.handle} {who.app_password}\n")
    assert (done.returncode, done.stdout) == (0, f"Connected {who.address.handle}.\n"), done.stderr
    wrong = run(*connect, given=f"{who.address.handle} wrong-wrong-wrong\n")
    assert wrong.returncode != 0
    assert "did not take this handle and app password" in wrong.stderr
    assert who.app_password not in done.stderr + wrong.stderr


async def test_a_permission_is_given_back_when_its_account_is_taken_off(
    us: Person, runtime: Runtime, cast: Cast
) -> None:
    desk = await Desk.at(us, runtime, cast)
    async with runtime.read() as session:
        secret = await secrets.get(session, desk.account.id, SecretKind.ACCESS_TOKEN)
    assert secret is not None
    await connect.give_back(desk.context, desk.account, secret)
    with pytest.raises(Refused):
        await us.ask(bluesky.refresh(us.who.address, us.token))


async def test_an_answer_that_is_quicker_than_the_servers_is_heard_all_the_same(
    us: Person, arrive: Arrive, reading: Network, runtime: Runtime, cast: Cast
) -> None:
    """They may come across it before what it answers, and then tell nobody: threads under our posts are read too."""
    jo = await arrive("jo")
    desk = await Desk.at(us, runtime, cast)
    stage = Stage(runtime, cast, us.carrier, desk.context.vault)  # type: ignore[arg-type]
    delivery = await desk.queue("What worries you on Mill Lane?", cast)
    stage.start()
    post = await stage.is_in(delivery, DeliveryState.SENT, 20)
    await jo.say("Speeding", post.remote_id)
    await jo.say("Bins", post.remote_id)
    await stage.stop()
    async with asyncio.timeout(2 * UNTIL_SHOWN):
        while len(await desk.messages()) < 2:
            await desk.poll()
            await asyncio.sleep(0.2)
    assert sorted(message.text for message in await desk.messages()) == ["Bins", "Speeding"]


class Losing:
    """A carrier that loses the answer of whatever creates something."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def send(self, request: Request) -> Response:
        response = await self._carrier.send(request)
        if request.creates:
            raise Unknown("The server's answer was lost.")
        return response


@dataclass
class Desk:
    """A team at its Bluesky account, with somebody who polls and reads when told."""

    runtime: Runtime
    context: Context
    account: Account

    @classmethod
    async def at(cls, us: Person, runtime: Runtime, cast: Cast) -> "Desk":
        runtime.settings = runtime.settings.model_copy(update={**QUICK, "request_timeout": 20.0})
        vault = Vault([bytes(range(32))])
        async with runtime.unit_of_work() as session:
            account = await an_account(session, cast.force, cast.team, us.handle, instance=us.who.address.instance)
            account.platform, account.remote_id = Platform.BLUESKY, us.who.address.remote_id
            sealed = vault.sealer.seal(run_out(us.token).secret.encode())
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealed)
        return cls(runtime, Context(runtime, us.carrier, CONNECTORS, vault), account)

    async def queue(self, text: str, cast: Cast) -> Delivery:
        async with self.runtime.unit_of_work() as session:
            post = Post(force_id=cast.force.id, team_id=cast.team.id, author_id=cast.alice.person_id, text=text)
            session.add(post)
            await session.flush()
            return await outbox.queue(
                session, cast.alice, self.account, text, now(), post_id=post.id, team_id=cast.team.id
            )

    async def poll(self) -> None:
        clock.pass_time(seconds=self.runtime.settings.poll_interval)
        async with self.runtime.unit_of_work() as session:
            row = await session.get_one(Account, self.account.id)
            row.next_poll_at = row.poll_lease_until = None
        async with self.runtime.unit_of_work() as session:
            (claimed,) = await feeds.claim(session, LEASE, 5)
        await Poller(self.context, Random(1)).read(claimed)
        await Reader(self.context).step()

    async def messages(self) -> list[Message]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Message).order_by(col(Message.sort_at)))).scalars())

    async def talks(self) -> list[Conversation]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Conversation))).scalars())

    async def sent(self, stage: Stage, message_id: UUID) -> Delivery:
        async with self.runtime.read() as session:
            rows = await session.execute(select(Delivery).where(col(Delivery.message_id) == message_id))
            delivery = rows.scalar_one()
        return await stage.is_in(delivery, DeliveryState.SENT, 20)


def run_out(token: Token) -> Token:
    """The same session with an access token whose time is over: the servers' signing key is known here."""
    held = json.loads(token.secret)
    head, claims, _ = held["access"].split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"exp": int(time.time()) - 60}
    signed = f"{head}.{_segment(json.dumps(said).encode())}"
    signature = _segment(hmac.new(b"jwt-secret", signed.encode(), hashlib.sha256).digest())
    return replace(token, secret=json.dumps({**held, "access": f"{signed}.{signature}"}))


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def a_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    lines = b"".join(b"\x00" + b"\x20\x40\x80" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
