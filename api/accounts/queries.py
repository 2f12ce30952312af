"""Which accounts there are, who may write as them, and how they are doing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, NotFound
from api.core.local_time import clock_words
from api.core.settings import Settings
from api.models import (
    OPEN,
    Account,
    AccountPerson,
    AccountState,
    Connection,
    ConnectionState,
    Delivery,
    PlatformApp,
    Secret,
    SecretKind,
    Viewer,
)
from api.platforms.facts import FACTS
from api.platforms.values import Limits

_WRITES = (Action.DRAFT, Action.PUBLISH, Action.REPLY)
_ORDER = (col(Account.team_id).is_not(None), col(Account.handle), col(Account.id))
NEEDS_SECOND_STEP = (
    "This account reaches the public, so it needs your second step at sign-in. Set it up under You, or sign in again."
)


async def accounts(session: AsyncSession, viewer: Viewer, team_id: UUID | None = None) -> list[Account]:
    """The force's own first, then the teams'. `team_id` narrows to one team and the force's own."""
    statement = select(Account).where(_seen(viewer)).order_by(*_ORDER)
    if team_id is not None:
        statement = statement.where(or_(col(Account.team_id) == team_id, col(Account.team_id).is_(None)))
    return list((await session.execute(statement)).scalars())


async def get_account(session: AsyncSession, viewer: Viewer, account_id: UUID) -> Account:
    found = await session.execute(select(Account).where(col(Account.id) == account_id, _seen(viewer)))
    account = found.scalar_one_or_none()
    if account is None:
        raise NotFound
    return account


async def named(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """The caller has passed the gate to what goes out on them. Whose they are is shown to who may see the account."""
    rows = await session.execute(select(Account).where(col(Account.id).in_(set(account_ids))))
    return {account.id: account for account in rows.scalars()}


async def get_connection(session: AsyncSession, viewer: Viewer, connection_id: UUID) -> Connection:
    """Only its own person sees a try: its address lets whoever follows it say yes."""
    connection = await session.get(Connection, connection_id)
    if connection is None or (connection.person_id, connection.force_id) != (viewer.person_id, viewer.force_id):
        raise NotFound
    return connection


async def people_of(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Who is listed as writing for each account; nobody listed means everybody whose role allows it."""
    listed: dict[UUID, list[UUID]] = defaultdict(list)
    rows = await session.execute(
        select(col(AccountPerson.account_id), col(AccountPerson.person_id))
        .where(col(AccountPerson.account_id).in_(list(account_ids)))
        .order_by(col(AccountPerson.created_at), col(AccountPerson.id))
    )
    for account_id, person_id in rows:
        listed[account_id].append(person_id)
    return listed


async def writable(session: AsyncSession, viewer: Viewer, team_id: UUID) -> list[Account]:
    """The accounts that this person may write as for a team: the team's, and the force's where their role reaches."""
    found = await accounts(session, viewer, team_id)
    listed = await people_of(session, [account.id for account in found])
    return [account for account in found if _refusal(viewer, account, listed[account.id]) is None]


async def require_writable(session: AsyncSession, viewer: Viewer, account: Account) -> None:
    """Raises with what to do when this person cannot write as this account now."""
    listed = await people_of(session, [account.id])
    refusal = _refusal(viewer, account, listed[account.id])
    if refusal is not None:
        raise refusal


async def queued(session: AsyncSession, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Deliveries of each account that have not gone out yet."""
    rows = await session.execute(
        select(col(Delivery.account_id), func.count())
        .where(col(Delivery.account_id).in_(list(account_ids)), col(Delivery.state).in_(OPEN))
        .group_by(col(Delivery.account_id))
    )
    return {row[0]: row[1] for row in rows}


def limits_of(account: Account) -> Limits:
    """What its server allows, or what is usual where it was not read yet."""
    known: dict[str, Any] = {name: value for name, value in account.limits.items() if name in Limits.__slots__}
    return replace(FACTS[account.platform].limits, **known)


@dataclass(frozen=True, slots=True)
class Health:
    """`stopped` is shown in red everywhere: people may be writing and nobody sees it."""

    state: Literal["live", "late", "stopped", "off"]
    words: str


def health(account: Account, settings: Settings, at: datetime | None = None) -> Health:
    if account.state is AccountState.DISCONNECTED:
        return Health("off", "Disconnected. Its history stays.")
    if account.state is AccountState.SUSPENDED:
        return Health("stopped", account.state_reason or "The platform has suspended this account.")
    if account.state is AccountState.NEEDS_RECONNECT:
        return Health("stopped", account.state_reason or "The platform no longer accepts us. Connect it again.")
    return _feed(account, settings, at or now())


def _feed(account: Account, settings: Settings, at: datetime) -> Health:
    age = at - (account.last_poll_at or account.created_at)
    if age > timedelta(seconds=settings.stale_after):
        read = f"Not read for {_long(age)}" if account.last_poll_at else "Never read"
        why = f" {account.poll_error}" if account.poll_error else ""
        return Health("stopped", f"{read}: messages may be waiting that nobody sees.{why}")
    if account.last_poll_at is None:
        return Health("late", "Being read for the first time.")
    if age > timedelta(seconds=max(3 * settings.poll_interval, settings.stale_after / 3)):
        return Health("late", f"Last read {_long(age)} ago. {account.poll_error}".strip())
    return Health("live", "Read just now.")


def waits(account: Account, at: datetime | None = None) -> str:
    """Why nothing goes out from it at the moment, and until when; empty when nothing is in the way."""
    at = at or now()
    if account.state is not AccountState.ACTIVE or account.send_after is None or account.send_after <= at:
        return ""
    return account.send_after_why or f"Nothing goes out until {clock_words(account.send_after, at)}."


async def worst_health(session: AsyncSession, viewer: Viewer, settings: Settings) -> tuple[Account, Health] | None:
    """What the frame's red line is about; None while every feed is read."""
    at = now()
    for account in await accounts(session, viewer):
        condition = health(account, settings, at)
        if condition.state == "stopped":
            return account, condition
    return None


def _seen(viewer: Viewer) -> Any:
    return access.within(viewer, Action.SEE_ACCOUNTS, col(Account.force_id), col(Account.team_id))


def _refusal(viewer: Viewer, account: Account, listed: Sequence[UUID]) -> Conflict | Forbidden | None:
    if account.force_id != viewer.force_id or not any(access.may(viewer, act, account.team_id) for act in _WRITES):
        return Forbidden("Your role or your token does not let you write as this account.")
    if listed and viewer.person_id not in listed:
        return Forbidden(f"Only the people listed for {account.handle} write as it. Ask its owner to add you.")
    if not account.practice and not viewer.second_factor:
        return Forbidden(NEEDS_SECOND_STEP)
    if account.state is not AccountState.ACTIVE:
        return Conflict(f"{account.handle} is not connected at the moment. Connect it again under Accounts.")
    return None


def _long(age: timedelta) -> str:
    """An age in the largest unit that says enough."""
    seconds = int(age.total_seconds())
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = seconds // size
            return f"{number} {name}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"


async def to_look_at(session: AsyncSession) -> list[UUID]:
    """Tries at connecting that wait for a worker, or whose time is over."""
    open_states = (ConnectionState.ASKED, ConnectionState.READY, ConnectionState.ANSWERED)
    found = await session.execute(
        select(col(Connection.id)).where(
            col(Connection.state).in_(open_states),
            or_(col(Connection.state) != ConnectionState.READY, col(Connection.expires_at) <= now()),
        )
    )
    return list(found.scalars())


async def app_for(session: AsyncSession, connection: Connection) -> PlatformApp | None:
    """Our registration with its server. One whose last use failed is not trusted: the server may have forgotten it."""
    found = await session.execute(
        select(PlatformApp).where(
            col(PlatformApp.platform) == connection.platform,
            col(PlatformApp.instance) == connection.instance,
            col(PlatformApp.redirect_uri) == connection.redirect_uri,
        )
    )
    app = found.scalar_one_or_none()
    return app if app and not await _last_use_failed(session, app) else None


async def _last_use_failed(session: AsyncSession, app: PlatformApp) -> bool:
    last = await session.execute(
        select(col(Connection.state))
        .where(col(Connection.app_id) == app.id)
        .order_by(col(Connection.created_at).desc())
        .limit(1)
    )
    return last.scalar_one_or_none() is ConnectionState.FAILED


async def app_of(session: AsyncSession, account: Account) -> tuple[PlatformApp | None, Secret | None]:
    """The registration that an account was connected through; one whose token was pasted has none."""
    rows = await session.execute(
        select(PlatformApp, Secret)
        .join(Connection, col(Connection.app_id) == col(PlatformApp.id))
        .join(Secret, col(Secret.holder_id) == col(PlatformApp.id))
        .where(col(Connection.account_id) == account.id, col(Secret.kind) == SecretKind.CLIENT_SECRET)
        .order_by(col(Connection.created_at).desc())
        .limit(1)
    )
    row = rows.first()
    return (row[0], row[1]) if row else (None, None)


async def to_give_back(session: AsyncSession) -> list[tuple[Account, Secret]]:
    """Accounts that were let go of, whose token we still hold."""
    rows = await session.execute(
        select(Account, Secret)
        .join(Secret, col(Secret.holder_id) == col(Account.id))
        .where(col(Account.state) == AccountState.DISCONNECTED, col(Secret.kind) == SecretKind.ACCESS_TOKEN)
    )
    return [(row[0], row[1]) for row in rows]


async def tokens_to_renew(session: AsyncSession, at: datetime, limit: int) -> list[Account]:
    found = await session.execute(
        select(Account)
        .where(col(Account.state) == AccountState.ACTIVE, col(Account.token_renew_at) <= at)
        .order_by(col(Account.token_expires_at))
        .limit(limit)
    )
    return list(found.scalars())


async def limits_to_read(session: AsyncSession, older_than: datetime) -> list[Account]:
    found = await session.execute(
        select(Account).where(
            col(Account.state) == AccountState.ACTIVE,
            or_(col(Account.limits_read_at).is_(None), col(Account.limits_read_at) < older_than),
        )
    )
    return list(found.scalars())
