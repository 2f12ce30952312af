"""Permissions that end are renewed ahead of their end, although nobody uses them."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from api.accounts import secrets, service
from api.core.clock import Clock, now
from api.core.runtime import Runtime
from api.models import Account, AccountState, SecretKind
from api.platforms.errors import NotSent, Refused
from api.platforms.values import Address, App, Platform, Request, Response, Token
from tests.support.factories import Cast, an_account
from tests.workers.platforms.bluesky_fake import KEPT_AT, method, no
from tests.workers.platforms.fake import TOWN, drive, reply
from workers.context import Context
from workers.jobs import renew
from workers.platforms import CONNECTORS, mastodon
from workers.platforms.mastodon_calls import get
from workers.vault import Vault

A_QUARTER = timedelta(days=90)


def jwt(ends_at: datetime) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(ends_at.timestamp())}).encode()).decode().rstrip("=")
    return f"x.{claims}.x"


@dataclass
class Keeper:
    """A server that gives ninety days each time it is asked."""

    asked: list[str] = field(default_factory=list)
    refuses: Callable[[], Response | None] = lambda: None

    async def send(self, request: Request) -> Response:
        self.asked.append(method(request).rpartition(".")[2])
        return self.refuses() or reply({"accessJwt": "access", "refreshJwt": jwt(now() + A_QUARTER)})


@dataclass
class Holder:
    runtime: Runtime
    keeper: Keeper
    account_id: Any
    vault: Vault

    @property
    def context(self) -> Context:
        return Context(self.runtime, self.keeper, CONNECTORS, self.vault)

    async def account(self) -> Account:
        async with self.runtime.read() as session:
            return await session.get_one(Account, self.account_id)


@pytest.fixture
async def holder(runtime: Runtime, cast: Cast) -> Holder:
    """Connected just now, and then not used."""
    vault = Vault([bytes(range(32))])
    secret = json.dumps({"access": "old", "refresh": jwt(now() + A_QUARTER), "host": KEPT_AT})
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandford.example", instance=KEPT_AT)
        account.platform, account.remote_id = Platform.BLUESKY, "did:plc:us"
        await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, vault.sealer.seal(secret.encode()))
        await service.note_token(session, account.id, Token(secret, (), now() + A_QUARTER, renewable=True))
    return Holder(runtime, Keeper(), account.id, vault)


async def test_it_is_renewed_with_a_third_of_its_life_left_and_not_before(holder: Holder, moved_clock: Clock) -> None:
    before = (await holder.account()).token_expires_at
    moved_clock.pass_time(days=59)
    await renew.renew(holder.context)
    assert holder.keeper.asked == []
    moved_clock.pass_time(days=2)
    await renew.renew(holder.context)
    await renew.renew(holder.context)
    assert holder.keeper.asked == ["refreshSession"]
    account = await holder.account()
    assert account.token_expires_at is not None
    assert before is not None
    assert account.token_expires_at - before > timedelta(days=60)


async def test_unused_for_years_it_never_ends(holder: Holder, moved_clock: Clock) -> None:
    for _ in range(40):
        moved_clock.pass_time(days=30)
        await renew.renew(holder.context)
        account = await holder.account()
        assert account.token_expires_at is not None
        assert account.token_expires_at > now()


async def test_a_server_that_is_away_is_asked_again_in_time(holder: Holder, moved_clock: Clock) -> None:
    holder.keeper.refuses = lambda: Response(502, {}, b"")
    moved_clock.pass_time(days=61)
    await renew.renew(holder.context)
    await renew.renew(holder.context)
    assert len(holder.keeper.asked) == 1
    moved_clock.pass_time(hours=7)
    holder.keeper.refuses = lambda: None
    await renew.renew(holder.context)
    account = await holder.account()
    assert account.state is AccountState.ACTIVE
    assert account.token_expires_at is not None
    assert account.token_expires_at > now() + timedelta(days=89)


async def test_one_that_is_taken_away_says_that_somebody_has_to_connect_again(
    holder: Holder, moved_clock: Clock
) -> None:
    holder.keeper.refuses = lambda: no("ExpiredToken")
    moved_clock.pass_time(days=61)
    await renew.renew(holder.context)
    account = await holder.account()
    assert account.state is AccountState.NEEDS_RECONNECT
    assert "Connect it again" in account.state_reason


APP = App("us", "our secret")
GIVEN = {"access_token": "a1", "refresh_token": "r1", "expires_in": 3600, "scope": "read"}


def exchanged(said: dict[str, Any]) -> Token:
    return drive(mastodon.exchange_code(TOWN, APP, "code", "https://here.example", "v"), lambda _: reply(said))


def bearer(token: Token) -> str:
    return get(TOWN, "/", token).headers["Authorization"]


def test_a_mastodon_token_without_end_is_one_word_as_before() -> None:
    for said in ({"access_token": "a1"}, {**GIVEN, "expires_in": 100 * 365 * 86400}):
        token = exchanged(said)
        assert (token.secret, token.expires_at, token.renewable) == ("a1", None, False)
        assert bearer(token) == "Bearer a1"


def test_one_with_an_end_is_kept_with_what_renews_it_and_says_when() -> None:
    token = exchanged(GIVEN)
    assert token.renewable
    assert token.expires_at is not None
    assert timedelta(minutes=59) < token.expires_at - now() < timedelta(minutes=61)
    assert bearer(token) == "Bearer a1"
    assert "a1" not in repr(token)
    once = exchanged({**GIVEN, "refresh_token": None})
    assert (once.secret, once.renewable) == ("a1", False)
    assert once.expires_at is not None


def test_renewing_it_keeps_the_old_renewal_where_no_new_one_comes() -> None:
    asked: list[dict[str, list[str]]] = []

    def server(request: Request) -> Response:
        asked.append(parse_qs((request.body or b"").decode()))
        return reply({"access_token": "a2", "expires_in": 3600})

    token = drive(mastodon.refresh(TOWN, exchanged(GIVEN)), server)
    assert asked[0]["refresh_token"] == ["r1"]
    assert asked[0]["client_secret"] == ["our secret"]
    assert bearer(token) == "Bearer a2"
    drive(mastodon.refresh(TOWN, token), server)
    assert asked[1]["refresh_token"] == ["r1"]


def test_what_cannot_be_renewed_is_said_to_be_over_and_trouble_is_not() -> None:
    for token in (Token("a1"), Token("{"), Token("{}")):
        with pytest.raises(Refused):
            drive(mastodon.refresh(TOWN, token), lambda _: reply({}))
    with pytest.raises(Refused):
        drive(mastodon.refresh(TOWN, exchanged(GIVEN)), lambda _: reply({"error": "invalid_grant"}, 400))
    with pytest.raises(NotSent):
        drive(mastodon.refresh(TOWN, exchanged(GIVEN)), lambda _: Response(502, {}, b""))


def test_what_is_given_back_is_the_token_itself() -> None:
    asked: list[bytes] = []
    drive(
        mastodon.revoke(Address(Platform.MASTODON, "https://town.example"), APP, exchanged(GIVEN)),
        lambda request: (asked.append(request.body or b""), reply({}))[1],
    )
    assert parse_qs(asked[0].decode())["token"] == ["a1"]
