"""Guessing gets slower and slower, for the one who guesses and for nobody else.

What is slowed is a pair: a name, and the device or network that tries it. A stranger's failures
never make the person wait, because the person's own device is another pair; an address that
belongs to nobody is counted like any other, so that waiting tells nothing either.
"""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.core.errors import TooMany
from api.models import Throttle

FREE = 4
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(hours=24)


def wait_after(failures: int) -> timedelta:
    if failures <= FREE:
        return timedelta()
    doublings = min(failures - FREE - 1, 20)
    return min(LONGEST_WAIT, FIRST_WAIT * float(2**doublings))


async def count_try(session: AsyncSession, key: str) -> None:
    """Counted before it is known whether it was right, so that many tries at once are many tries."""
    row, moment = await _row(session, key), now()
    if row.blocked_until and row.blocked_until > moment:
        seconds = (row.blocked_until - moment).total_seconds()
        raise TooMany(f"Too many tries from here. Wait {_in_words(seconds)}, then try again.", seconds)
    if row.last_failure_at < moment - FORGOTTEN_AFTER:
        row.failures = 0
    row.failures += 1
    row.last_failure_at = moment
    row.blocked_until = moment + wait_after(row.failures)


async def forget(session: AsyncSession, key: str) -> None:
    """It was right: all tries before it are forgiven."""
    await session.execute(delete(Throttle).where(col(Throttle.key) == key))


async def purge(session: AsyncSession) -> None:
    await session.execute(delete(Throttle).where(col(Throttle.last_failure_at) < now() - FORGOTTEN_AFTER))


async def _row(session: AsyncSession, key: str) -> Throttle:
    asked = select(Throttle).where(col(Throttle.key) == key).with_for_update()
    found = (await session.execute(asked)).scalar_one_or_none()
    if found:
        return found
    try:
        async with session.begin_nested():
            row = Throttle(key=key, last_failure_at=now())
            session.add(row)
        return row
    except IntegrityError:
        return (await session.execute(asked)).scalar_one()


def _in_words(seconds: float) -> str:
    if seconds <= 60:
        return "a minute"
    minutes = int(-(-seconds // 60))
    return "an hour" if minutes >= 60 else f"{minutes} minutes"
