"""Connecting accounts: introduces us to a server, exchanges the code that a person brought back, returns permissions.

The row is the job. Being introduced twice does no harm; a code works once, so from the moment it is taken out
of the database a crash is told to the person and never tried again.
"""

import asyncio
import base64
import hashlib
import secrets as chance
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import queries, secrets, service
from api.core.clock import now
from api.core.errors import DomainError
from api.core.log import log
from api.models import Account, Connection, ConnectionState, PlatformApp, Secret, SecretKind
from api.platforms.errors import PlatformError, Refused
from api.platforms.facts import FACTS
from api.platforms.values import Address, App, Token
from workers.context import Context
from workers.jobs import signing_in
from workers.jobs.introducing import fail, finish, introduce_token
from workers.platforms.http import carry
from workers.vault import CannotOpen

EVERY = 2.0
SECONDS_TO_TALK = 90
INTERRUPTED = "Connecting was interrupted before it was finished. Start connecting again."
TOO_LONG = "That took too long. Start connecting again."


async def loop(context: Context, stop: asyncio.Event) -> None:
    """Looks after every open try by itself; a wake-up only makes it quicker."""
    while not stop.is_set():
        try:
            await sweep(context)
        except (SQLAlchemyError, OSError):
            log.exception("connections not looked at")
        try:
            async with asyncio.timeout(EVERY):
                await stop.wait()
        except TimeoutError:
            continue


async def connect(context: Context, about: str) -> None:
    """Woken for one try, or, without a name, for whatever there is."""
    if about:
        await look_at(context, UUID(about))
    else:
        await sweep(context)


JOBS = {"connect": connect}


async def sweep(context: Context) -> None:
    async with context.runtime.read() as session:
        waiting, to_return = await queries.to_look_at(session), await queries.to_give_back(session)
    for connection_id in waiting:
        await look_at(context, connection_id)
    for account, secret in to_return:
        await give_back(context, account, secret)


async def look_at(context: Context, connection_id: UUID) -> None:
    """One step of one try, whichever it is at. Done twice it does no more than once."""
    async with context.runtime.read() as session:
        connection = await session.get(Connection, connection_id)
    if connection is None or connection.state not in service.UNDER_WAY:
        return
    try:
        if connection.expires_at <= now():
            interrupted = connection.state is ConnectionState.ANSWERED
            await fail(context, connection_id, INTERRUPTED if interrupted else TOO_LONG)
        elif FACTS[connection.platform].app_password:
            await signing_in.look_at(context, connection)
        elif connection.state is ConnectionState.ASKED:
            await _introduce(context, connection)
        elif connection.state is ConnectionState.ANSWERED:
            await _exchange(context, connection)
    except CannotOpen:
        log.exception("a box could not be opened", connection=str(connection_id))
        await fail(context, connection_id, INTERRUPTED)


async def _introduce(context: Context, connection: Connection) -> None:
    """Registers us with the server, once for each, and makes the address that the person goes to."""
    async with context.runtime.read() as session:
        known = await queries.app_for(session, connection)
    connector, address = context.connectors[connection.platform], _address(connection)
    try:
        made = None if known else await carry(context.carrier, connector.register_app(address, connection.redirect_uri))
    except Refused as error:
        await fail(context, connection.id, f"{error} Check the address.")
        return
    except PlatformError as error:
        await _try_later(context, connection.id, f"{error} Check the address, or try again later.")
        return
    state, verifier = chance.token_urlsafe(32), chance.token_urlsafe(48)
    async with context.runtime.unit_of_work() as session:
        current = await session.get_one(Connection, connection.id)
        if current.state is not ConnectionState.ASKED:
            return
        app = known or await _keep(context, session, current, made)
        url = connector.authorize_url(address, app.client_id, current.redirect_uri, state, challenge_of(verifier))
        sealed = context.vault.sealer.seal(verifier.encode())
        await service.connection_ready(session, current, app.id, service.hash_of(state), url, sealed)


async def _keep(context: Context, session: AsyncSession, connection: Connection, made: App | None) -> PlatformApp:
    assert made is not None
    return await service.keep_app(
        session, connection, made.client_id, context.vault.sealer.seal(made.client_secret.encode())
    )


async def _exchange(context: Context, connection: Connection) -> None:
    """The code is taken and committed first; then the server is asked, once."""
    async with context.runtime.unit_of_work() as session:
        current = await session.get_one(Connection, connection.id)
        if current.state is not ConnectionState.ANSWERED:
            return
        code = await service.use_code(session, current)
        verifier = await secrets.get(session, current.id, SecretKind.VERIFIER)
        app = await session.get(PlatformApp, current.app_id) if current.app_id else None
        app_secret = await secrets.get(session, app.id, SecretKind.CLIENT_SECRET) if app else None
    if code is None:
        return  # somebody is at it; should they be gone, the try ends by itself when its time is over
    if verifier is None or app is None or app_secret is None:
        await fail(context, connection.id, INTERRUPTED)
        return
    ours = App(app.client_id, _open(context, app_secret))
    await _ask_server(context, current, ours, _open(context, code), _open(context, verifier))


async def _ask_server(context: Context, connection: Connection, app: App, code: str, verifier: str) -> None:
    connector, address = context.connectors[connection.platform], _address(connection)
    try:
        async with asyncio.timeout(SECONDS_TO_TALK):
            exchange = connector.exchange_code(address, app, code, connection.redirect_uri, verifier)
            token = await carry(context.carrier, exchange)
            identity, limits = await introduce_token(context, address, token)
        await finish(context, connection.id, token, identity, limits)
    except TimeoutError:
        await fail(context, connection.id, TOO_LONG)
    except PlatformError as error:
        again = "" if "again" in str(error) else " Start connecting again."
        await fail(context, connection.id, f"{error}{again}")
    except DomainError as error:
        await fail(context, connection.id, error.sentence)


async def give_back(context: Context, account: Account, secret: Secret) -> None:
    """Tells the server that we are gone, as well as it can be told, and drops the token."""
    async with context.runtime.read() as session:
        app, app_secret = await queries.app_of(session, account)
    if (app and app_secret) or FACTS[account.platform].app_password:
        address = Address(account.platform, account.instance, account.remote_id, account.handle)
        connector = context.connectors[account.platform]
        try:
            ours = App(app.client_id, _open(context, app_secret)) if app and app_secret else App("", "")
            token = Token(_open(context, secret))
            await carry(context.carrier, connector.revoke(address, ours, token))
        except (PlatformError, CannotOpen) as error:
            log.warning("permission not given back", account=str(account.id), error=type(error).__name__)
    async with context.runtime.unit_of_work() as session:
        await secrets.forget(session, secret)


async def _try_later(context: Context, connection_id: UUID, sentence: str) -> None:
    async with context.runtime.unit_of_work() as session:
        await service.try_later(session, await session.get_one(Connection, connection_id), sentence)


def challenge_of(verifier: str) -> str:
    """PKCE, S256 (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _address(connection: Connection) -> Address:
    return Address(connection.platform, connection.instance)


def _open(context: Context, secret: Secret) -> str:
    return context.vault.open(secret.key_id, secret.box).decode()
