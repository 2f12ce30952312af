"""beatline account connect: with a token that somebody made on the server itself."""

import asyncio
import sys
from typing import Annotated

import typer

from api.accounts import instance as instances
from api.accounts import service
from api.core.errors import Invalid
from api.core.settings import Settings
from api.platforms.errors import PlatformError
from api.platforms.facts import FACTS
from api.platforms.values import Address, Platform, Token
from beatline import assembly
from beatline.finding import force_named, team_named
from beatline.installation import Data, Failure, Force, Json, opened, say, say_json, settings_for
from workers.context import Context
from workers.jobs.introducing import introduce_token
from workers.platforms.http import carry

account = typer.Typer(help="Accounts on platforms.", no_args_is_help=True)


@account.callback()
def _group() -> None:
    """A group of one command today; the word stays when there are more."""


@account.command("connect")
def connect(
    platform: Annotated[Platform, typer.Argument(help="mastodon, or what speaks its API; bluesky.")],
    instance: Annotated[str, typer.Option("--instance", help="The server, such as https://town.example.")],
    team: Annotated[str | None, typer.Option("--team", help="Whose account it is; without one: the force's.")] = None,
    token_stdin: Annotated[
        bool,
        typer.Option(
            "--token-stdin", help="Read the access token from standard input; for bluesky: handle, space, app password."
        ),
    ] = False,
    of: Force = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Connect an account whose access token or app password you have. It is read from standard input only."""
    if not token_stdin:
        raise Failure("Give the token on standard input: --token-stdin < file", 2)
    secret = sys.stdin.readline().strip()
    if not secret:
        raise Failure("There was no token on standard input.", 2)
    connected = asyncio.run(_connect(settings_for(data), platform, instance, team, of, secret))
    if as_json:
        say_json(connected)
    else:
        say(f"Connected {connected['handle']}.")


async def _connect(
    settings: Settings, platform: Platform, typed: str, team: str | None, force: str | None, secret: str
) -> dict[str, object]:
    try:
        instance = instances.origin(typed, settings.private_hosts)
    except Invalid as error:
        raise Failure(error.sentence, 2) from error
    async with opened(settings) as runtime:
        async with runtime.read() as session:
            where = await team_named(session, team, force) if team else None
            force_id = where.force_id if where else (await force_named(session, force)).id
        async with assembly.context_over(runtime) as context:
            try:
                token = await _token(context, Address(platform, instance), secret)
                identity, limits = await introduce_token(context, Address(platform, instance), token)
            except PlatformError as error:
                raise Failure(f"{instance} did not take the token: {error}") from error
            sealed = context.vault.sealer.seal(token.secret.encode())
        async with runtime.unit_of_work() as session:
            connected = await service.add_account(
                session, None, force_id, where.id if where else None, platform, instance, identity, limits, sealed,
                instances.is_practice(instance, settings.practice_hosts), token,
            )  # fmt: skip
            return {"id": connected.id, "handle": connected.handle}


async def _token(context: Context, address: Address, secret: str) -> Token:
    """What was typed, or the session that a handle and an app password open."""
    if not FACTS[address.platform].app_password:
        return Token(secret)
    handle, _, password = secret.partition(" ")
    if not password.strip():
        raise Failure("Give the handle, a space and the app password, in one line.", 2)
    sign_in = context.connectors[address.platform].sign_in(address, handle, password.strip())
    return await carry(context.carrier, sign_in)
