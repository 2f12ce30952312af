"""What each account's server allows, read again once a day: servers are updated, and their limits with them."""

import asyncio
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from api.accounts import queries, service
from api.core.clock import now
from api.core.log import log
from api.models import Account
from api.platforms.errors import PlatformError
from api.platforms.values import Address, Limits
from workers.context import Context
from workers.platforms.http import carry

EVERY = 600.0
GOOD_FOR = timedelta(days=1)


async def loop(context: Context, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await refresh(context)
        except (SQLAlchemyError, OSError):
            log.exception("limits not read")
        try:
            async with asyncio.timeout(EVERY):
                await stop.wait()
        except TimeoutError:
            continue


async def limits(context: Context, about: str) -> None:
    await refresh(context)


JOBS = {"limits": limits}


async def refresh(context: Context) -> None:
    """Each account by itself: one server that does not answer keeps no other from being read."""
    async with context.runtime.read() as session:
        due = await queries.limits_to_read(session, now() - GOOD_FOR)
    for account in due:
        found = await _read(context, account)
        async with context.runtime.unit_of_work() as session:
            await service.keep_limits(session, account.id, found, now())


async def _read(context: Context, account: Account) -> Limits | None:
    address = Address(account.platform, account.instance, account.remote_id, account.handle)
    try:
        return await carry(context.carrier, context.connectors[account.platform].limits(address))
    except PlatformError:
        return None
