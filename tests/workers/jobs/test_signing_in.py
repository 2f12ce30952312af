"""Connecting with a handle and an app password: pages in front, a network of handed answers behind."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from api.accounts import by_password, service
from api.core.clock import Clock, now
from api.core.errors import Forbidden, Invalid, NotFound
from api.core.runtime import Runtime
from api.identity.door import Door
from api.models import (
    Account,
    AccountState,
    AuditEntry,
    Connection,
    ConnectionState,
    DeliveryState,
    IdempotencyKey,
    Secret,
    SecretKind,
    Viewer,
)
from api.platforms.errors import NotSent
from api.platforms.values import Platform, Request, Response
from tests.api.outbox.test_routes import token_of
from tests.support.factories import Cast, an_account, count_of
from tests.support.reader import Reader
from tests.support.rest import a_client, bearing
from tests.support.stage import QUICK, Stage
from tests.workers.platforms.bluesky_fake import jwt, no, put, sent
from tests.workers.platforms.fake import query, reply
from web.main import asgi, create_app
from workers.context import Context
from workers.jobs import connect
from workers.jobs.signing_in import TOO_OFTEN
from workers.platforms import CONNECTORS
from workers.platforms.bluesky_session import NEEDS_CODE, NO_SUCH, WRONG
from workers.vault import Vault

PASSWORD = "abcd-efgh-ijkl-mnop"
HANDLE = "sandford.example"
DID = "did:plc:sandford"
KEEPER = "https://keeper.example"
PRESS = "Connect it"


@dataclass
class Network:
    """A resolver, a directory and one account server. What was asked where is kept, and with which password."""

    asked: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    answers: dict[str, Response] = field(default_factory=dict)
    away: int = 0
    did: str = DID

    async def send(self, request: Request) -> Response:
        url = urlsplit(request.url)
        name = url.path.rpartition(".")[2]
        self.asked.append(f"{url.netloc} {name if '/xrpc/' in url.path else url.path}")
        if url.netloc == "keeper.example" and self.away:
            self.away -= 1
            raise NotSent("The server could not be reached.")
        return self.answers.get(name) or self._answer(request, name)

    def _answer(self, request: Request, name: str) -> Response:
        document = {"service": [{"id": "#atproto_pds", "serviceEndpoint": KEEPER}]}
        me = {"did": self.did, "handle": HANDLE, "active": True, "didDoc": document}
        match name:
            case "resolveHandle":
                return reply({"did": self.did}) if query(request)["handle"] == HANDLE else no("InvalidRequest")
            case "createSession":
                self.passwords.append(sent(request)["password"])
                return reply(me | {"accessJwt": jwt(), "refreshJwt": "fresh"})
            case "getSession":
                return reply(me)
            case "getProfile":
                return reply({"did": self.did, "displayName": "Sandford Police"})
            case "putRecord":
                return put(request)
        return reply(document)


@dataclass
class Desk:
    runtime: Runtime
    network: Network
    cast: Cast
    vault: Vault

    @property
    def context(self) -> Context:
        return Context(self.runtime, self.network, CONNECTORS, self.vault)

    async def begins(
        self, viewer: Viewer, handle: str = HANDLE, password: str = PASSWORD, server: str = ""
    ) -> Connection:
        async with self.runtime.unit_of_work() as session:
            return await by_password.begin(
                session, self.vault.sealer, viewer, self.cast.team.id, Platform.BLUESKY, handle, password, server,
                settings=self.runtime.settings,
            )  # fmt: skip

    async def connects(self, viewer: Viewer, **typed: str) -> Connection:
        connection = await self.begins(viewer, **typed)
        await connect.connect(self.context, str(connection.id))
        return await self.of(connection)

    async def of(self, connection: Connection) -> Connection:
        async with self.runtime.read() as session:
            return await session.get_one(Connection, connection.id)

    async def account(self) -> Account:
        async with self.runtime.read() as session:
            return (await session.execute(select(Account))).scalar_one()

    async def secrets(self) -> list[Secret]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Secret))).scalars())


@pytest.fixture
def desk(runtime: Runtime, cast: Cast) -> Desk:
    vault = Vault([bytes(range(32))])
    runtime.sealer = vault.sealer
    return Desk(runtime, Network(), cast, vault)


@pytest.fixture
async def ellie(desk: Desk) -> AsyncIterator[Reader]:
    async def as_her(_: object) -> Viewer:
        return desk.cast.ellie

    door = Door(desk.runtime)
    reader = Reader(asgi(create_app(desk.runtime, door, as_her)))
    yield reader
    await reader.close()
    await door.close()


async def test_a_handle_and_an_app_password_connect_an_account_wherever_it_lives(desk: Desk, ellie: Reader) -> None:
    page = await ellie.open("/accounts/connect")
    assert "/accounts/connect/app-password" in page.links.values()
    page = await ellie.open("/accounts/connect/app-password")
    assert "Where an app password is made" in page.words
    page = await ellie.press(PRESS, team=str(desk.cast.team.id), handle=f"@{HANDLE.title()}", app_password=PASSWORD)
    assert "Signing in to Bluesky" in page.words
    await connect.sweep(desk.context)
    page = await ellie.open(str(ellie.answer.url.path))
    assert f"@{HANDLE} is connected" in page.words
    account = await desk.account()
    assert (account.platform, account.instance, account.remote_id) == (Platform.BLUESKY, KEEPER, DID)
    assert (account.handle, account.name, account.team_id) == (HANDLE, "Sandford Police", desk.cast.team.id)
    assert account.state is AccountState.ACTIVE
    assert desk.network.asked[:3] == [
        "bsky.social resolveHandle", f"plc.directory /{DID}", "keeper.example createSession",
    ]  # fmt: skip
    assert desk.network.passwords == [PASSWORD]


async def test_the_password_is_sealed_at_the_door_used_once_and_kept_nowhere(desk: Desk, ellie: Reader) -> None:
    connection = await desk.begins(desk.cast.ellie)
    (box,) = await desk.secrets()
    assert box.kind is SecretKind.APP_PASSWORD
    assert PASSWORD.encode() not in box.box
    assert json.loads(desk.vault.open(box.key_id, box.box)) == {"handle": HANDLE, "password": PASSWORD}
    await connect.connect(desk.context, str(connection.id))
    (kept,) = await desk.secrets()
    assert kept.kind is SecretKind.ACCESS_TOKEN
    assert PASSWORD not in desk.vault.open(kept.key_id, kept.box).decode()
    async with desk.runtime.read() as session:
        entries = (await session.execute(select(AuditEntry))).scalars().all()
    assert entries
    assert PASSWORD not in str([entry.model_dump() for entry in entries])
    assert PASSWORD not in (await desk.of(connection)).model_dump_json()


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("createSession", no("AuthenticationRequired", 401, "Invalid identifier or password"), WRONG),
        ("createSession", no("AuthFactorTokenRequired", 401), NEEDS_CODE),
        ("createSession", no("AccountTakedown", 401), "The server has disabled this account."),
        ("createSession", no("RateLimitExceeded", 429), TOO_OFTEN),
        ("resolveHandle", no("InvalidRequest", 400, "Unable to resolve handle"), NO_SUCH),
    ],
)
async def test_what_went_wrong_is_said_in_words_and_what_was_typed_is_dropped(
    desk: Desk, ellie: Reader, name: str, answer: Response, words: str
) -> None:
    desk.network.answers[name] = answer
    failed = await desk.connects(desk.cast.ellie)
    assert failed.state is ConnectionState.FAILED
    assert failed.error.startswith(words)
    assert await desk.secrets() == []
    page = await ellie.open(f"/accounts/connect/{failed.id}")
    assert words in page.words
    assert page.links["Start again"] == "/accounts/connect/app-password"
    assert await count_of(desk.runtime.database, Account) == 0


async def test_a_server_that_is_away_is_asked_a_few_times_and_then_it_is_said(desk: Desk) -> None:
    desk.network.away = 2
    connection = await desk.begins(desk.cast.ellie)
    for _ in range(2):
        await connect.sweep(desk.context)
        assert (await desk.of(connection)).state is ConnectionState.ASKED
    await connect.sweep(desk.context)
    assert (await desk.of(connection)).state is ConnectionState.DONE
    desk.network.away = 99
    connection = await desk.begins(desk.cast.ellie)
    for _ in range(service.TRIES):
        await connect.sweep(desk.context)
    failed = await desk.of(connection)
    assert failed.error.startswith("The server could not be reached.")
    assert [each.kind for each in await desk.secrets()] == [SecretKind.ACCESS_TOKEN]


async def test_a_worker_that_dies_signing_in_leaves_a_try_that_ends_by_itself(
    desk: Desk, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await desk.begins(desk.cast.ellie)

    async def dies(request: Request) -> Response:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(desk.network, "send", dies)
        with pytest.raises(KeyboardInterrupt):
            await connect.sweep(desk.context)
    await connect.sweep(desk.context)
    assert (await desk.of(connection)).state is ConnectionState.ANSWERED
    moved_clock.pass_time(seconds=service.SECONDS_TO_EXCHANGE + 1)
    await connect.sweep(desk.context)
    assert (await desk.of(connection)).error == connect.INTERRUPTED
    assert await desk.secrets() == []
    assert desk.network.passwords == []


async def test_a_server_of_our_own_is_asked_itself_and_nobody_else(desk: Desk) -> None:
    done = await desk.connects(desk.cast.ellie, server="keeper.example")
    assert done.state is ConnectionState.DONE
    assert desk.network.asked[0] == "keeper.example createSession"
    assert not any("bsky.social" in each or "plc" in each for each in desk.network.asked)


async def test_connected_again_it_is_the_same_account_although_it_moved(desk: Desk) -> None:
    async with desk.runtime.unit_of_work() as session:
        old = await an_account(session, desk.cast.force, desk.cast.team, HANDLE, instance="https://bsky.social")
        old.platform, old.remote_id, old.state = Platform.BLUESKY, DID, AccountState.NEEDS_RECONNECT
        old.send_after = now() + timedelta(hours=1)
    done = await desk.connects(desk.cast.ellie)
    assert done.account_id == old.id
    account = await desk.account()
    assert (account.instance, account.state, account.send_after) == (KEEPER, AccountState.ACTIVE, None)


@pytest.mark.parametrize(
    ("did", "document"),
    [
        ("did:web:sandford.example", "sandford.example /.well-known/did.json"),
        ("did:web:sandford.example%3A8443", "sandford.example:8443 /.well-known/did.json"),
    ],
)
async def test_an_identity_that_is_a_domain_is_asked_there(desk: Desk, did: str, document: str) -> None:
    desk.network.did = did
    assert (await desk.connects(desk.cast.ellie)).state is ConnectionState.DONE
    assert desk.network.asked[1] == document


@pytest.mark.parametrize("did", ["did:web:a.example/../../x", "did:web:a@b", "did:key:z6Mk", "", "plc.directory"])
async def test_an_identity_that_leads_nowhere_is_followed_nowhere(desk: Desk, did: str) -> None:
    desk.network.did = did
    assert (await desk.connects(desk.cast.ellie)).state is ConnectionState.FAILED
    assert len(desk.network.asked) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"handle": "sandford"}, "handle"),
        ({"handle": "sandford.example/x"}, "handle"),
        ({"handle": ""}, "handle"),
        ({"password": "the account's own password"}, "app_password"),
        ({"password": ""}, "app_password"),
        ({"server": "http://keeper.example"}, "instance"),
    ],
)
async def test_what_cannot_be_right_is_said_before_anything_is_kept(
    desk: Desk, typed: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        await desk.begins(desk.cast.ellie, **typed)
    assert error.value.field == field
    assert await desk.secrets() == []


async def test_a_form_that_comes_back_shows_what_was_typed_but_never_the_password(desk: Desk, ellie: Reader) -> None:
    await ellie.open("/accounts/connect/app-password")
    page = await ellie.press(PRESS, team=str(desk.cast.team.id), handle=HANDLE, app_password="my own password 1")
    assert ellie.answer.status_code == 422
    assert "Never type the account’s own password here" in page.words
    assert "my own password 1" not in ellie.answer.text
    assert HANDLE in ellie.answer.text
    assert await desk.secrets() == []


async def test_what_is_copied_along_with_a_handle_is_left_out() -> None:
    assert by_password.handle_from(" @\u2068Sandford.example\u2069 ") == HANDLE


async def test_it_is_for_communications_and_administrators_with_their_second_step(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await desk.begins(desk.cast.alice)
    for stranger in (desk.cast.charlie, desk.cast.ivy):
        with pytest.raises(NotFound):
            await desk.begins(stranger)
    ellie = desk.cast.ellie
    plain = Viewer(ellie.person_id, ellie.force_id, ellie.name, ellie.roles)
    for server in ("", "keeper.example"):
        with pytest.raises(Forbidden, match="second step"):
            await desk.begins(plain, server=server)
    hosts = frozenset({"127.0.0.1:8003"})
    practice = {"allow_private_hosts": hosts, "practice_hosts": hosts}
    desk.runtime.settings = desk.runtime.settings.model_copy(update=practice)
    assert await desk.begins(plain, server="http://127.0.0.1:8003")


async def test_over_rest_it_is_the_same_and_the_answer_holds_no_secret(desk: Desk) -> None:
    token = await token_of(desk.runtime, desk.cast.ellie, ["accounts:read", "accounts:write"])
    stranger = await token_of(desk.runtime, desk.cast.ivy, ["accounts:read", "accounts:write"])
    asked = {"platform": "bluesky", "handle": HANDLE, "app_password": PASSWORD, "team_id": str(desk.cast.team.id)}
    hosts = frozenset({"127.0.0.1:8003"})
    desk.runtime.settings = desk.runtime.settings.model_copy(
        update={"allow_private_hosts": hosts, "practice_hosts": hosts}
    )
    asked["instance"] = "http://127.0.0.1:8003"
    async with a_client(desk.runtime) as client:
        refused = await client.post("/api/v1/accounts", headers=bearing(stranger), json=asked)
        assert refused.status_code == 404
        keyed = bearing(token, **{"Idempotency-Key": "once"})
        begun = await client.post("/api/v1/accounts", headers=keyed, json=asked)
        assert begun.status_code == 202
        assert PASSWORD not in begun.text
        wrong = await client.post("/api/v1/accounts", headers=bearing(token), json=asked | {"app_password": "mine"})
        assert wrong.status_code == 422
        assert "mine" not in wrong.text
        without = {name: value for name, value in asked.items() if name != "app_password"}
        assert (await client.post("/api/v1/accounts", headers=bearing(token), json=without)).status_code == 422
        await connect.sweep(desk.context)
        done = (await client.get(f"/api/v1/connections/{begun.json()['id']}", headers=bearing(token))).json()
        assert (done["state"], done["error"]) == ("done", None)
    async with desk.runtime.read() as session:
        stored = (await session.execute(select(IdempotencyKey))).scalars().all()
    assert PASSWORD not in str([row.model_dump() for row in stored])


async def test_a_mastodon_account_is_not_connected_this_way(desk: Desk) -> None:
    with pytest.raises(Invalid, match="page of its own server"):
        async with desk.runtime.unit_of_work() as session:
            await by_password.begin(
                session, desk.vault.sealer, desk.cast.ellie, desk.cast.team.id, Platform.MASTODON, HANDLE, PASSWORD,
                settings=desk.runtime.settings,
            )  # fmt: skip


async def test_a_bluesky_account_without_a_password_is_sent_to_where_one_is_typed(desk: Desk, ellie: Reader) -> None:
    with pytest.raises(Invalid, match="app password"):
        async with desk.runtime.unit_of_work() as session:
            await service.begin_connection(
                session, desk.cast.ellie, desk.cast.team.id, Platform.BLUESKY, "https://social.example",
                settings=desk.runtime.settings,
            )  # fmt: skip
    await desk.connects(desk.cast.ellie)
    account = await desk.account()
    page = await ellie.open(f"/accounts/connect?account={account.id}")
    assert f"Again: @{HANDLE}" in page.words
    assert ellie.answer.url.path == "/accounts/connect/app-password"


async def test_one_sign_in_serves_every_post(desk: Desk) -> None:
    """The platform lets an account sign in thirty times in five minutes: we do it once."""
    desk.runtime.settings = desk.runtime.settings.model_copy(update=QUICK)
    await desk.connects(desk.cast.ellie)
    account = await desk.account()
    stage = Stage(desk.runtime, desk.cast, desk.network, desk.vault)  # type: ignore[arg-type]
    for number in range(3):
        await stage.queue(account, f"Number {number}", now() + timedelta(milliseconds=number))
    stage.start()
    assert [each.state for each in await stage.settled()] == [DeliveryState.SENT] * 3
    await stage.stop()
    assert [each for each in desk.network.asked if each.endswith("createSession")] == ["keeper.example createSession"]
