"""Connecting with a handle and an app password: finds the server, signs in once, and throws the password away."""

import asyncio
import json

from api.accounts import by_password
from api.core.errors import DomainError
from api.models import Connection, ConnectionState
from api.platforms.errors import NotSent, PlatformError, RateLimited
from api.platforms.values import Address
from workers.context import Context
from workers.jobs.introducing import fail, finish, introduce_token
from workers.platforms.http import carry

SECONDS_TO_TALK = 90
TOO_LONG = "That took too long. Start connecting again."
TOO_OFTEN = "The server asks us to wait, as somebody signed in there too often. Try again in five minutes."
LATER = "Look at the server's name, or try again later."


async def look_at(context: Context, connection: Connection) -> None:
    """One try at signing in, by one worker. The session that it opens is kept: the password is never needed again."""
    if connection.state is not ConnectionState.ASKED:
        return  # somebody is at it; should they be gone, the try ends by itself when its time is over
    async with context.runtime.unit_of_work() as session:
        current = await session.get_one(Connection, connection.id)
        box = await by_password.take(session, current) if current.state is ConnectionState.ASKED else None
    if box is None:
        return
    typed = json.loads(context.vault.open(box.key_id, box.box))
    try:
        async with asyncio.timeout(SECONDS_TO_TALK):
            await _sign_in(context, current, typed["handle"], typed["password"])
    except TimeoutError:
        await fail(context, connection.id, TOO_LONG)
    except RateLimited:
        await fail(context, connection.id, TOO_OFTEN)
    except NotSent as error:
        await _later(context, connection, f"{error} {LATER}")
    except PlatformError as error:
        await fail(context, connection.id, str(error))
    except DomainError as error:
        await fail(context, connection.id, error.sentence)


async def _sign_in(context: Context, connection: Connection, handle: str, password: str) -> None:
    connector = context.connectors[connection.platform]
    if not connection.instance:
        server = await carry(context.carrier, connector.home(handle))
        async with context.runtime.unit_of_work() as session:
            connection = await session.get_one(Connection, connection.id)
            await by_password.found(session, connection, server)
    address = Address(connection.platform, connection.instance)
    token = await carry(context.carrier, connector.sign_in(address, handle, password))
    identity, limits = await introduce_token(context, address, token)
    await finish(context, connection.id, token, identity, limits)


async def _later(context: Context, connection: Connection, sentence: str) -> None:
    async with context.runtime.unit_of_work() as session:
        await by_password.put_back(session, await session.get_one(Connection, connection.id), sentence)
