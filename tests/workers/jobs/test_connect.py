"""Connecting an account by OAuth: a person presses Authorise in the practice town, everything else is ours."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from api.accounts import queries, secrets, service
from api.core.clock import Clock
from api.core.database import Database
from api.core.errors import Conflict, Forbidden, NotFound
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.models import Account, AccountState, Connection, ConnectionState, PlatformApp, Secret, SecretKind, Viewer
from api.platforms.values import Platform, Request, Response, Token
from tests.support.factories import Cast, count_of
from tests.support.town import RunningTown, running_town
from workers.context import Context
from workers.jobs import connect, limits
from workers.platforms import CONNECTORS
from workers.platforms.http import HttpxCarrier
from workers.vault import Keyring, LiveVault


@pytest.fixture
async def town() -> AsyncIterator[RunningTown]:
    async with running_town() as town:
        yield town


@pytest.fixture
async def context(settings: Settings, database: Database, town: RunningTown) -> AsyncIterator[Context]:
    hosts = frozenset({f"127.0.0.1:{town.port}"})
    settings = settings.model_copy(update={"allow_private_hosts": hosts, "practice_hosts": hosts})
    ring = Keyring(settings.keys)
    ring.load_or_generate()
    vault, carrier = LiveVault(ring), HttpxCarrier(settings.private_hosts, timeout=5)
    yield Context(runtime=Runtime(settings, database), carrier=carrier, connectors=CONNECTORS, vault=vault)
    await carrier.aclose()


class Person:
    """Somebody with a browser, who begins, goes to the town, chooses an account and comes back."""

    def __init__(self, context: Context, town: RunningTown, viewer: Viewer) -> None:
        self.context, self.town, self.viewer = context, town, viewer

    async def begins(self, team_id: UUID | None, instance: str = "") -> UUID:
        async with self.context.runtime.unit_of_work() as session:
            connection = await service.begin_connection(
                session, self.viewer, team_id, Platform.MASTODON, instance or self.town.url,
                settings=self.context.runtime.settings,
            )  # fmt: skip
        return connection.id

    async def sees(self, connection_id: UUID) -> Connection:
        async with self.context.runtime.read() as session:
            return await queries.get_connection(session, self.viewer, connection_id)

    async def presses(self, decision: str, address: str, account: str = "sandfordnorth") -> dict[str, str]:
        """What stands in the address that the town sends the browser back to."""
        asked = dict(parse_qsl(urlsplit(address).query))
        async with httpx.AsyncClient() as browser:
            page = await browser.get(address)
            answer = await browser.post(
                f"{self.town.url}/oauth/authorize", data=asked | {"account": account, "decision": decision}
            )
        assert page.status_code == 200
        assert answer.headers["location"].startswith("http://127.0.0.1:8000/oauth/mastodon/callback?")
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    async def comes_back(self, said: dict[str, str]) -> UUID:
        async with self.context.runtime.unit_of_work() as session:
            connection = await service.answer_connection(
                session, self.context.vault.sealer, self.viewer, said["state"], said["code"]
            )
        return connection.id

    async def connects(self, team_id: UUID | None, account: str = "sandfordnorth") -> Connection:
        connection_id = await self.begins(team_id)
        await connect.connect(self.context, str(connection_id))
        ready = await self.sees(connection_id)
        assert ready.state is ConnectionState.READY, ready.error
        await self.comes_back(await self.presses("authorise", ready.authorize_url, account))
        await connect.connect(self.context, str(connection_id))
        return await self.sees(connection_id)


@pytest.fixture
def ellie(context: Context, town: RunningTown, cast: Cast) -> Person:
    return Person(context, town, cast.ellie)


async def test_an_account_is_connected_and_its_token_opens_in_the_vault_only(
    ellie: Person, cast: Cast, context: Context
) -> None:
    done = await ellie.connects(cast.team.id)
    assert (done.state, done.error, done.authorize_url) == (ConnectionState.DONE, "", "")
    async with context.runtime.read() as session:
        account = await queries.get_account(session, cast.alice, done.account_id or UUID(int=0))
        token = await secrets.get(session, account.id, SecretKind.ACCESS_TOKEN)
        left = (await session.execute(select(Secret.kind))).scalars().all()
    assert (account.handle, account.practice) == ("sandfordnorth@town.example", True)
    assert account.state is AccountState.ACTIVE
    assert queries.limits_of(account).max_length == 500
    assert token is not None
    assert len(context.vault.open(token.key_id, token.box)) > 20
    assert sorted(left) == [SecretKind.ACCESS_TOKEN, SecretKind.CLIENT_SECRET]


async def test_a_second_account_of_the_same_server_uses_the_same_registration(
    ellie: Person, cast: Cast, context: Context
) -> None:
    await ellie.connects(cast.team.id)
    await ellie.connects(None, "sandfordvale")
    assert await count_of(context.runtime.database, PlatformApp) == 1
    assert await count_of(context.runtime.database, Account) == 2


async def test_an_answer_works_once_and_for_its_own_person_only(ellie: Person, cast: Cast, context: Context) -> None:
    connection_id = await ellie.begins(cast.team.id)
    await connect.sweep(context)
    said = await ellie.presses("authorise", (await ellie.sees(connection_id)).authorize_url)
    for other in (cast.sam, cast.charlie, cast.ivy):
        with pytest.raises(NotFound):
            await Person(context, ellie.town, other).comes_back(said)
        with pytest.raises(NotFound):
            await Person(context, ellie.town, other).sees(connection_id)
    with pytest.raises(NotFound):
        await ellie.comes_back(said | {"state": "made-up"})
    await ellie.comes_back(said)
    with pytest.raises(Conflict):
        await ellie.comes_back(said)


async def test_a_no_at_the_server_ends_the_try(ellie: Person, cast: Cast, context: Context) -> None:
    connection_id = await ellie.begins(cast.team.id)
    await connect.sweep(context)
    said = await ellie.presses("deny", (await ellie.sees(connection_id)).authorize_url)
    assert said["error"] == "access_denied"
    async with context.runtime.unit_of_work() as session:
        await service.decline_connection(session, cast.ellie, said["state"])
    failed = await ellie.sees(connection_id)
    assert (failed.state, failed.authorize_url) == (ConnectionState.FAILED, "")
    assert "Nothing was changed" in failed.error


async def test_a_try_that_nobody_finishes_ends_by_itself(
    ellie: Person, cast: Cast, context: Context, moved_clock: Clock
) -> None:
    connection_id = await ellie.begins(cast.team.id)
    await connect.sweep(context)
    said = await ellie.presses("authorise", (await ellie.sees(connection_id)).authorize_url)
    moved_clock.pass_time(minutes=16)
    with pytest.raises(Conflict, match="too long"):
        await ellie.comes_back(said)
    await connect.sweep(context)
    assert (await ellie.sees(connection_id)).error == connect.TOO_LONG


class LosesItsLife:
    """A worker that is killed right after it has asked for the token."""

    def __init__(self, carrier: HttpxCarrier) -> None:
        self.carrier, self.exchanges = carrier, 0

    async def send(self, request: Request) -> Response:
        response = await self.carrier.send(request)
        if request.url.endswith("/oauth/token"):
            self.exchanges += 1
            raise KeyboardInterrupt
        return response


async def test_after_a_crash_in_the_exchange_the_person_is_told_and_the_code_not_used_again(
    ellie: Person, cast: Cast, context: Context, moved_clock: Clock
) -> None:
    connection_id = await ellie.begins(cast.team.id)
    await connect.sweep(context)
    await ellie.comes_back(await ellie.presses("authorise", (await ellie.sees(connection_id)).authorize_url))
    killed = LosesItsLife(context.carrier)  # type: ignore[arg-type]
    fragile = Context(runtime=context.runtime, carrier=killed, connectors=context.connectors, vault=context.vault)
    with pytest.raises(KeyboardInterrupt):
        await connect.sweep(fragile)
    await connect.sweep(fragile)
    assert (await ellie.sees(connection_id)).state is ConnectionState.ANSWERED
    moved_clock.pass_time(seconds=service.SECONDS_TO_EXCHANGE + 1)
    await connect.sweep(fragile)
    assert (await ellie.sees(connection_id)).error == connect.INTERRUPTED
    assert killed.exchanges == 1
    again = await ellie.connects(cast.team.id)
    assert again.state is ConnectionState.DONE


async def test_a_server_that_is_not_there_is_said_after_a_few_tries(
    ellie: Person, cast: Cast, context: Context, town: RunningTown
) -> None:
    await town.stop()
    connection_id = await ellie.begins(cast.team.id)
    for _ in range(service.TRIES):
        assert (await ellie.sees(connection_id)).state is ConnectionState.ASKED
        await connect.sweep(context)
    failed = await ellie.sees(connection_id)
    assert failed.state is ConnectionState.FAILED
    assert failed.error.startswith("The server could not be reached.")


async def test_a_server_that_forgot_us_is_introduced_to_us_again(
    ellie: Person, cast: Cast, context: Context, town: RunningTown
) -> None:
    await ellie.connects(cast.team.id)
    await town.reset()
    connection_id = await ellie.begins(cast.team.id)
    await connect.sweep(context)
    async with httpx.AsyncClient() as browser:
        assert (await browser.get((await ellie.sees(connection_id)).authorize_url)).status_code != 200
    async with context.runtime.unit_of_work() as session:
        gone = await session.get_one(Connection, connection_id)
        await service.fail_connection(session, gone, "It did not work.")
    assert (await ellie.connects(cast.team.id)).state is ConnectionState.DONE


async def test_only_communications_and_administrators_connect_and_a_real_account_needs_the_second_step(
    context: Context, town: RunningTown, cast: Cast
) -> None:
    with pytest.raises(Forbidden):
        await Person(context, town, cast.alice).begins(cast.team.id)
    with pytest.raises(NotFound):
        await Person(context, town, cast.ivy).begins(cast.team.id)
    plain = Viewer(cast.ellie.person_id, cast.ellie.force_id, cast.ellie.name, cast.ellie.roles)
    assert await Person(context, town, plain).begins(cast.team.id)
    with pytest.raises(Forbidden, match="second step"):
        await Person(context, town, plain).begins(cast.team.id, "https://social.example")


async def test_letting_go_gives_the_permission_back(
    ellie: Person, cast: Cast, context: Context, town: RunningTown
) -> None:
    done = await ellie.connects(cast.team.id)
    assert done.account_id is not None
    async with context.runtime.read() as session:
        sealed = await secrets.get(session, done.account_id, SecretKind.ACCESS_TOKEN)
    assert sealed is not None
    token = Token(context.vault.open(sealed.key_id, sealed.box).decode())
    async with httpx.AsyncClient(base_url=town.url, headers={"Authorization": f"Bearer {token.secret}"}) as client:
        assert (await client.get("/api/v1/accounts/verify_credentials")).status_code == 200
        async with context.runtime.unit_of_work() as session:
            await service.disconnect(session, cast.ellie, done.account_id)
        await connect.connect(context, "")
        assert (await client.get("/api/v1/accounts/verify_credentials")).status_code == 401
    async with context.runtime.read() as session:
        assert await secrets.get(session, done.account_id, SecretKind.ACCESS_TOKEN) is None


async def test_limits_are_read_again_after_a_day_and_not_before(
    ellie: Person, cast: Cast, context: Context, moved_clock: Clock
) -> None:
    done = await ellie.connects(cast.team.id)
    async with context.runtime.unit_of_work() as session:
        account = await session.get_one(Account, done.account_id)
        account.limits = {"max_length": 7}
    await limits.refresh(context)
    async with context.runtime.read() as session:
        assert queries.limits_of(await session.get_one(Account, done.account_id)).max_length == 7
    moved_clock.pass_time(hours=25)
    await limits.refresh(context)
    async with context.runtime.read() as session:
        assert queries.limits_of(await session.get_one(Account, done.account_id)).max_length == 500
