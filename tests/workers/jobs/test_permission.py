"""A token that ran out is renewed by one, kept before it is used, and nobody else notices."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from api.accounts import secrets
from api.core.clock import Clock
from api.core.runtime import Runtime
from api.core.sealing import Sealed
from api.models import Account, AccountState, DeliveryState, SecretKind
from api.platforms.errors import NotSent, Refusal, Refused
from api.platforms.values import Address, Exchange, Platform, Request, Response, Token
from tests.support.factories import Cast, an_account
from tests.support.stage import QUICK, Stage
from tests.workers.platforms.bluesky_fake import KEPT_AT, method, no, put
from tests.workers.platforms.fake import reply
from workers.context import Context
from workers.jobs import permission
from workers.jobs.permission import Permission
from workers.platforms import CONNECTORS, bluesky
from workers.vault import Vault


@dataclass
class Keeper:
    """A server that knows one access token at a time; each renewal makes the next one."""

    current: int = 1
    renewals: int = 0
    slow: float = 0.0
    puts: list[str] = field(default_factory=list)
    refuses: Callable[[], Response | None] = lambda: None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, request: Request) -> Response:
        bearer = request.headers["Authorization"].removeprefix("Bearer ")
        if method(request).endswith("refreshSession"):
            return await self._renew(bearer)
        if bearer != f"access-{self.current}":
            return no("ExpiredToken")
        if method(request).endswith("putRecord"):
            self.puts.append(json.loads(request.body or b"")["record"]["text"])
            return put(request)
        return reply({"did": "did:plc:us", "handle": "sandford.example", "active": True})

    async def _renew(self, bearer: str) -> Response:
        self.renewals += 1
        self.asked.set()
        await asyncio.sleep(self.slow)
        refused = self.refuses()
        if refused is not None:
            return refused
        assert bearer == f"refresh-{self.current}", "an old token was used again"
        self.current += 1
        return reply({"accessJwt": f"access-{self.current}", "refreshJwt": f"refresh-{self.current}"})


@dataclass
class Holder:
    runtime: Runtime
    keeper: Keeper
    account: Account
    cast: Cast
    vault: Vault

    @property
    def context(self) -> Context:
        return Context(self.runtime, self.keeper, CONNECTORS, self.vault)

    async def sealed(self) -> Sealed:
        async with self.runtime.read() as session:
            secret = await secrets.get(session, self.account.id, SecretKind.ACCESS_TOKEN)
        assert secret is not None
        return Sealed(secret.key_id, secret.box)

    async def kept(self) -> str:
        sealed = await self.sealed()
        return str(json.loads(self.vault.open(sealed.key_id, sealed.box))["access"])

    async def permission(self) -> Permission:
        return Permission(self.context, self.account.id, self.address, await self.sealed())

    @property
    def address(self) -> Address:
        return Address(Platform.BLUESKY, KEPT_AT, "did:plc:us", "sandford.example")

    def who(self, token: Token) -> Exchange[object]:
        return bluesky.whoami(self.address, token)

    async def put(self, secret: str) -> None:
        async with self.runtime.unit_of_work() as session:
            sealed = self.vault.sealer.seal(secret.encode())
            await secrets.put(session, self.account.id, SecretKind.ACCESS_TOKEN, sealed)


def session_number(number: int) -> str:
    return json.dumps({"access": f"access-{number}", "refresh": f"refresh-{number}", "host": KEPT_AT})


@pytest.fixture
async def holder(runtime: Runtime, cast: Cast) -> Holder:
    runtime.settings = runtime.settings.model_copy(update=QUICK)
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandford.example", instance=KEPT_AT)
        account.platform, account.remote_id = Platform.BLUESKY, "did:plc:us"
    holder = Holder(runtime, Keeper(), account, cast, Vault([bytes(range(32))]))
    await holder.put(session_number(1))
    return holder


async def test_a_token_that_ran_out_is_renewed_and_the_question_answered(holder: Holder) -> None:
    holder.keeper.current = 2  # the access token we hold is an old one
    await holder.put(json.dumps({"access": "access-1", "refresh": "refresh-2", "host": KEPT_AT}))
    await (await holder.permission()).ask(holder.who)
    assert holder.keeper.renewals == 1
    assert await holder.kept() == "access-3"
    await (await holder.permission()).ask(holder.who)
    assert holder.keeper.renewals == 1


async def test_the_new_token_is_kept_before_it_is_used(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    kept_when_used: list[str] = []
    send = holder.keeper.send

    async def watching(request: Request) -> Response:
        if request.headers["Authorization"] == "Bearer access-2":
            kept_when_used.append(await holder.kept())
        return await send(request)

    holder.keeper.send = watching  # type: ignore[method-assign]
    await (await holder.permission()).ask(holder.who)
    assert set(kept_when_used) == {"access-2"}


async def test_many_who_find_it_run_out_have_it_renewed_once(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    holder.keeper.slow = 0.3
    held = [await holder.permission() for _ in range(8)]
    await asyncio.gather(*(each.ask(holder.who) for each in held))
    assert holder.keeper.renewals == 1


async def test_who_has_an_older_box_in_hand_takes_the_newer_one(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "gone", "host": KEPT_AT}))
    late = await holder.permission()
    await holder.put(session_number(1))
    await late.ask(holder.who)
    assert holder.keeper.renewals == 0
    assert late.sealed == await holder.sealed()


async def test_a_session_that_is_over_is_said_to_be(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    holder.keeper.refuses = lambda: no("ExpiredToken")
    with pytest.raises(Refused) as error:
        await (await holder.permission()).ask(holder.who)
    assert error.value.refusal is Refusal.TOKEN_REVOKED


async def test_trouble_while_renewing_leaves_it_to_the_next(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    holder.keeper.refuses = lambda: Response(502, {}, b"")
    with pytest.raises(NotSent):
        await (await holder.permission()).ask(holder.who)
    holder.keeper.refuses = lambda: None
    await (await holder.permission()).ask(holder.who)
    assert await holder.kept() == "access-2"


async def test_who_dies_while_renewing_holds_nobody_up_for_long(
    holder: Holder, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permission, "PATIENCE", 0.3)
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    holder.keeper.slow = 60
    dying = asyncio.create_task((await holder.permission()).ask(holder.who))
    await holder.keeper.asked.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    holder.keeper.slow = 0
    with pytest.raises(NotSent):  # it may be just slow: nobody asks beside it
        await (await holder.permission()).ask(holder.who)
    moved_clock.pass_time(seconds=31)
    await (await holder.permission()).ask(holder.who)
    assert await holder.kept() == "access-2"


async def test_a_server_that_never_takes_what_it_gave_us_is_not_asked_for_ever(holder: Holder) -> None:
    async def stubborn(request: Request) -> Response:
        if method(request).endswith("refreshSession"):
            return reply({"accessJwt": "never good", "refreshJwt": "again"})
        return no("ExpiredToken")

    holder.keeper.send = stubborn  # type: ignore[method-assign]
    with pytest.raises(Refused):
        await (await holder.permission()).ask(holder.who)


async def test_a_post_due_while_its_token_has_run_out_goes_out_once(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    stage = Stage(holder.runtime, holder.cast, holder.keeper, holder.vault)  # type: ignore[arg-type]
    delivery = await stage.queue(holder.account, "Road closed")
    stage.start()
    sent = await stage.is_in(delivery, DeliveryState.SENT)
    await stage.stop()
    assert sent.remote_id is not None
    assert sent.remote_id.startswith("at://did:plc:us/app.bsky.feed.post/")
    assert holder.keeper.puts == ["Road closed"]
    assert sent.attempts == 1


async def test_an_account_whose_session_is_over_needs_somebody(holder: Holder) -> None:
    await holder.put(json.dumps({"access": "old", "refresh": "refresh-1", "host": KEPT_AT}))
    holder.keeper.refuses = lambda: no("ExpiredToken")
    stage = Stage(holder.runtime, holder.cast, holder.keeper, holder.vault)  # type: ignore[arg-type]
    delivery = await stage.queue(holder.account, "Road closed")
    stage.start()
    await stage.is_in(delivery, DeliveryState.REFUSED)
    await stage.stop()
    async with holder.runtime.read() as session:
        account = await session.get_one(Account, holder.account.id)
    assert account.state is AccountState.NEEDS_RECONNECT
