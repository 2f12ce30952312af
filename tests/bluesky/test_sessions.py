"""Sessions: opened with an app password, renewed, ended, and knocked at too often."""

import json
import subprocess
from pathlib import Path

import pytest

from api.accounts import secrets
from api.core.ids import new_id
from api.core.runtime import Runtime
from api.models import SecretKind
from api.platforms.errors import Expired, PlatformError, RateLimited, Refusal, Refused
from api.platforms.values import (
    App,
    Draft,
)
from tests.support.bluesky import Network
from tests.support.bluesky.desk import Desk
from tests.support.bluesky.people import Person, run_out
from tests.support.command import beatline
from tests.support.factories import Cast
from workers.jobs import connect
from workers.platforms import bluesky


async def test_an_app_password_opens_a_session_that_says_who_it_is(us: Person, network: Network) -> None:
    identity = await us.ask(bluesky.whoami(us.who.address, us.token))
    assert (identity.remote_id, identity.handle) == (us.who.address.remote_id, us.handle)
    assert us.token.scopes == ("com.atproto.appPass",)
    assert json.loads(us.token.secret)["host"] == network.url
    with pytest.raises(Refused, match="did not take"):
        await us.ask(bluesky.sign_in(us.who.address, us.handle, "wrong-wrong-wrong-wrong"))


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
