"""When each account's feed is read next, and how the last time went. The row is the job; a lease keeps it to one."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.clock import now
from api.models import Account, AccountState, Secret


def _due(at: datetime) -> Any:
    return and_(
        col(Account.state) == AccountState.ACTIVE,
        or_(col(Account.next_poll_at).is_(None), col(Account.next_poll_at) <= at),
        or_(col(Account.poll_lease_until).is_(None), col(Account.poll_lease_until) <= at),
    )


async def any_due(session: AsyncSession) -> bool:
    """A look that writes nothing: most of the time there is nothing to claim."""
    rows = await session.execute(select(col(Account.id)).where(_due(now())).limit(1))
    return rows.scalar_one_or_none() is not None


async def claim(session: AsyncSession, lease: timedelta, limit: int, enough_of: Collection[str] = ()) -> list[Account]:
    """Feeds whose time has come, for this worker alone until the lease runs out. `enough_of`: servers that are slow."""
    at = now()
    chosen = (
        select(col(Account.id))
        .where(_due(at), *([col(Account.instance).not_in(enough_of)] if enough_of else []))
        .order_by(col(Account.next_poll_at).is_not(None), col(Account.next_poll_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Locked first, changed second: inside the UPDATE, PostgreSQL would choose anew for each row, beyond the limit.
    ids = (await session.execute(chosen)).scalars().all()
    rows = await session.execute(
        update(Account)
        .where(col(Account.id).in_(ids), _due(at))
        .values(poll_lease_until=at + lease)
        .returning(Account)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(rows.scalars())


async def was_read(session: AsyncSession, account: Account, next_at: datetime) -> None:
    """All of it, without error: only this counts as the feed being alive."""
    await _finish(session, account, last_poll_at=now(), poll_error="", poll_failures=0, next_poll_at=next_at)


async def was_not_read(session: AsyncSession, account: Account, why: str, next_at: datetime) -> None:
    await _finish(
        session,
        account,
        poll_error=why[:500],
        poll_failures=col(Account.poll_failures) + 1,
        next_poll_at=next_at,
    )


async def give_back(session: AsyncSession, account: Account) -> None:
    """Not finished, as when a worker is stopped: whoever comes next may read it at once."""
    await _finish(session, account)


async def _finish(session: AsyncSession, account: Account, **values: Any) -> bool:
    """Only by who still holds the lease. The version stays: nobody edits this by hand."""
    rows = await session.execute(
        update(Account)
        .where(col(Account.id) == account.id, col(Account.poll_lease_until) == account.poll_lease_until)
        .values(poll_lease_until=None, **values)
        .returning(col(Account.id))
        .execution_options(synchronize_session=False)
    )
    return rows.scalar_one_or_none() is not None


async def end(session: AsyncSession, account: Account, box: bytes, state: AccountState, why: str) -> None:
    """The platform no longer takes our token: somebody has to act. Unless they just did, and it is another token."""
    same_token = select(col(Secret.id)).where(col(Secret.holder_id) == account.id, col(Secret.box) == box)
    rows = await session.execute(
        update(Account)
        .where(col(Account.id) == account.id, col(Account.state) == AccountState.ACTIVE, same_token.exists())
        .values(state=state, state_reason=why, version=col(Account.version) + 1, updated_at=now())
        .returning(col(Account.id))
        .execution_options(synchronize_session=False)
    )
    if rows.scalar_one_or_none() is not None:
        audit.record(session, None, f"accounts.{state}", "account", account.id, account.force_id, reason=why)


async def oldest(session: AsyncSession) -> datetime | None:
    """When the feed that was read longest ago was read; None where there is no feed."""
    read = case((col(Account.last_poll_at).is_not(None), col(Account.last_poll_at)), else_=col(Account.created_at))
    rows = await session.execute(select(func.min(read)).where(col(Account.state) == AccountState.ACTIVE))
    found: datetime | None = rows.scalar_one_or_none()
    return found
