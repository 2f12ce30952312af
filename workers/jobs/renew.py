"""Permissions that end are exchanged for fresh ones ahead of their end, so that none ends because nobody used it."""

import asyncio
from random import Random, SystemRandom

from api.accounts import queries, secrets, service
from api.core.clock import now
from api.core.log import log
from api.core.sealing import Sealed
from api.intake import feeds
from api.models import Account, SecretKind
from api.outbox.recording import ENDS_ACCOUNT
from api.platforms.errors import PlatformError, Refused
from api.platforms.values import Address
from workers.context import Context
from workers.jobs.permission import Permission
from workers.jobs.steady import keep
from workers.vault import CannotOpen

EVERY = 60.0
AT_ONCE = 50


async def loop(context: Context, stop: asyncio.Event) -> None:
    chance: Random = SystemRandom()

    async def step() -> float:
        await renew(context)
        return EVERY * chance.uniform(0.8, 1.2)

    await keep("renew", step, stop)


async def renew(context: Context) -> None:
    """Each account by itself: a server that does not answer keeps no other from being asked."""
    async with context.runtime.read() as session:
        due = await queries.tokens_to_renew(session, now(), AT_ONCE)
    for account in due:
        await _one(context, account)


async def _one(context: Context, account: Account) -> None:
    async with context.runtime.read() as session:
        secret = await secrets.get(session, account.id, SecretKind.ACCESS_TOKEN)
    if secret is None or account.platform not in context.connectors:
        return
    address = Address(account.platform, account.instance, account.remote_id, account.handle)
    box = Sealed(secret.key_id, secret.box)
    try:
        await Permission(context, account.id, address, box).renew()
    except (PlatformError, CannotOpen) as error:
        await _not_renewed(context, account, box, error)


async def _not_renewed(context: Context, account: Account, box: Sealed, error: Exception) -> None:
    log.warning("permission not renewed", account=str(account.id), error=type(error).__name__)
    async with context.runtime.unit_of_work() as session:
        await service.renew_later(session, account)
        if isinstance(error, Refused) and error.refusal in ENDS_ACCOUNT:
            await feeds.end(session, account, box.box, ENDS_ACCOUNT[error.refusal], str(error))
