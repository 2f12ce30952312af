"""Connecting accounts, keeping their register, letting go of them. What needs the network is done by a worker."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import instance as instances
from api.accounts import queries, secrets
from api.accounts.schemas import RegisterPatch
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.core.jobs import Job, ask
from api.core.sealing import Sealed, Seals
from api.core.settings import Settings
from api.models import (
    Account,
    AccountPerson,
    AccountState,
    Connection,
    ConnectionState,
    Person,
    PlatformApp,
    Secret,
    SecretKind,
    Team,
    Viewer,
)
from api.platforms.facts import FACTS
from api.platforms.values import Identity, Limits, Platform, Token

MINUTES_TO_CONNECT = 15
SECONDS_TO_EXCHANGE = 120
TRIES = 3
UNDER_WAY = (ConnectionState.ASKED, ConnectionState.READY, ConnectionState.ANSWERED)


class AlreadyElsewhere(Conflict):
    """The same account of a platform cannot have two homes."""


def redirect_uri(settings: Settings, platform: Platform) -> str:
    """Where a platform sends the person back to."""
    return f"{settings.base_url.rstrip('/')}/oauth/{platform.value}/callback"


def hash_of(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


async def begin_connection(
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID | None,
    platform: Platform,
    instance: str,
    *,
    settings: Settings,
) -> Connection:
    """Asks a worker to introduce us to the server; the person goes there as soon as that is done."""
    await team_is_theirs(session, viewer, team_id)
    access.require(viewer, Action.CONNECT, team_id)
    if FACTS[platform].app_password:
        raise Invalid(
            f"{FACTS[platform].label} has no page to say yes on: its accounts are connected with a handle and an app"
            " password.",
            "app_password",
        )
    origin = instances.origin(instance, settings.private_hosts)
    require_second_step(viewer, origin, settings)
    connection = Connection(
        force_id=viewer.force_id,
        team_id=team_id,
        person_id=viewer.person_id,
        platform=platform,
        instance=origin,
        redirect_uri=redirect_uri(settings, platform),
        expires_at=now() + timedelta(minutes=MINUTES_TO_CONNECT),
    )
    session.add(connection)
    audit.record(session, viewer, "accounts.connect_asked", "connection", connection.id, platform=platform.value)
    ask(session, Job("connect", str(connection.id)))
    return connection


def require_second_step(viewer: Viewer, origin: str, settings: Settings) -> None:
    """Who connects an account that reaches the public has signed in with theirs."""
    if not viewer.second_factor and not instances.is_practice(origin, settings.practice_hosts):
        raise Forbidden(queries.NEEDS_SECOND_STEP)


async def answer_connection(session: AsyncSession, sealer: Seals, viewer: Viewer, state: str, code: str) -> Connection:
    """The person said yes: the code is sealed at the door and a worker exchanges it. A state works once."""
    connection = await _answered(session, viewer, state)
    await secrets.put(session, connection.id, SecretKind.CODE, sealer.seal(code.encode()))
    await step(session, connection, ConnectionState.ANSWERED, authorize_url="")
    audit.record(session, viewer, "accounts.connect_answered", "connection", connection.id)
    ask(session, Job("connect", str(connection.id)))
    return connection


async def decline_connection(session: AsyncSession, viewer: Viewer, state: str) -> Connection:
    """The person, or the server, said no."""
    connection = await _answered(session, viewer, state)
    await fail_connection(session, connection, "The server was told not to connect this account. Nothing was changed.")
    return connection


async def fail_connection(session: AsyncSession, connection: Connection, sentence: str) -> None:
    """Says why; what was sealed for this try is dropped. One that is over already stays as it is."""
    if await step(session, connection, ConnectionState.FAILED, error=sentence, authorize_url=""):
        await secrets.drop(session, connection.id)


async def _answered(session: AsyncSession, viewer: Viewer, state: str) -> Connection:
    found = await session.execute(select(Connection).where(col(Connection.state_hash) == hash_of(state)))
    connection = found.scalar_one_or_none()
    if connection is None or connection.person_id != viewer.person_id:
        raise NotFound("This answer does not belong to anything you asked for. Start connecting again.")
    if connection.state is not ConnectionState.READY:
        raise Conflict("This answer was used already. Look under Accounts, or start connecting again.")
    if connection.expires_at <= now():
        raise Conflict("That took too long. Start connecting again.")
    access.require(viewer, Action.CONNECT, connection.team_id)
    return connection


async def step(session: AsyncSession, connection: Connection, to: ConnectionState, **values: object) -> bool:
    """From the state that was read to the next; false when somebody else took the step first."""
    moved = await session.execute(
        update(Connection)
        .where(col(Connection.id) == connection.id, col(Connection.state) == connection.state)
        .where(col(Connection.state).in_(UNDER_WAY))
        .values(state=to, **values)
        .returning(col(Connection.id))
        .execution_options(synchronize_session=False)
    )
    won = moved.scalar_one_or_none() is not None
    await session.refresh(connection)
    return won


async def connection_ready(
    session: AsyncSession, connection: Connection, app_id: UUID, state_hash: str, authorize_url: str, verifier: Sealed
) -> None:
    """A worker has introduced us: the person can go and say yes."""
    ready = await step(
        session,
        connection,
        ConnectionState.READY,
        app_id=app_id,
        state_hash=state_hash,
        authorize_url=authorize_url,
    )
    if ready:
        await secrets.put(session, connection.id, SecretKind.VERIFIER, verifier)


async def keep_app(session: AsyncSession, connection: Connection, client_id: str, secret: Sealed) -> PlatformApp:
    """Our registration with a server, in the place of one that it may have forgotten."""
    found = await session.execute(
        select(PlatformApp).where(
            col(PlatformApp.platform) == connection.platform,
            col(PlatformApp.instance) == connection.instance,
            col(PlatformApp.redirect_uri) == connection.redirect_uri,
        )
    )
    app = found.scalar_one_or_none() or PlatformApp(
        platform=connection.platform,
        instance=connection.instance,
        redirect_uri=connection.redirect_uri,
        client_id=client_id,
    )
    app.client_id = client_id
    session.add(app)
    await session.flush()
    await secrets.put(session, app.id, SecretKind.CLIENT_SECRET, secret)
    return app


async def try_later(session: AsyncSession, connection: Connection, sentence: str) -> None:
    """The server could not be reached: a few tries more, then the person is told."""
    if connection.attempts + 1 >= TRIES:
        await fail_connection(session, connection, sentence)
    elif await step(session, connection, connection.state, attempts=connection.attempts + 1):
        ask(session, Job("connect", str(connection.id)))


async def use_code(session: AsyncSession, connection: Connection) -> Secret | None:
    """The sealed code, once. It is gone when this is committed: a crash from here on is told, never tried again."""
    code = await secrets.take(session, connection.id, SecretKind.CODE)
    if code is not None:
        until = now() + timedelta(seconds=SECONDS_TO_EXCHANGE)
        await step(session, connection, ConnectionState.ANSWERED, expires_at=until)
    return code


async def connection_done(session: AsyncSession, connection: Connection, account: Account) -> None:
    if not await step(session, connection, ConnectionState.DONE, account_id=account.id, error=""):
        raise Conflict("That took too long. Start connecting again.")
    await secrets.drop(session, connection.id)


async def add_account(
    session: AsyncSession,
    viewer: Viewer | None,
    force_id: UUID,
    team_id: UUID | None,
    platform: Platform,
    instance: str,
    identity: Identity,
    limits: Limits,
    sealed_token: Sealed,
    practice: bool,
    token: Token | None = None,
) -> Account:
    """A new account, or the same one connected again: it keeps its history, its register and its team."""
    account = await _same_account(session, platform, instance, identity.remote_id)
    action = "accounts.connect" if account is None else "accounts.reconnect"
    if account is None:
        account = Account(
            force_id=force_id, team_id=team_id, platform=platform, instance=instance, remote_id=identity.remote_id,
            handle=identity.handle, name=identity.name, practice=practice,
            connected_by_id=viewer.person_id if viewer else None, owner_id=viewer.person_id if viewer else None,
        )  # fmt: skip
        session.add(account)
    else:
        _same_home(account, force_id, team_id)
        account.team_id, account.version = team_id, account.version + 1
        account.instance, account.send_after, account.send_after_why = instance, None, ""
    account.handle, account.name, account.url = identity.handle, identity.name, identity.url
    account.state, account.state_reason, account.practice = AccountState.ACTIVE, "", practice
    account.limits, account.limits_read_at, account.updated_at = dict(limits.as_dict()), now(), now()
    account.poll_error, account.poll_failures, account.next_poll_at = "", 0, now()
    account.token_expires_at, account.token_renew_at = ends_of(token, now()) if token else (None, None)
    await session.flush()
    await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealed_token)
    audit.record(session, viewer, action, "account", account.id, force_id, platform=platform.value, practice=practice)
    ask(session, Job("poll", str(account.id)))
    return account


async def _same_account(session: AsyncSession, platform: Platform, instance: str, remote_id: str) -> Account | None:
    """Where a platform is one network, an account keeps its id when it moves to another server."""
    same = select(Account).where(col(Account.platform) == platform, col(Account.remote_id) == remote_id)
    if not FACTS[platform].one_network:
        same = same.where(col(Account.instance) == instance)
    return (await session.execute(same.order_by(col(Account.instance) != instance).limit(1))).scalar_one_or_none()


def _same_home(account: Account, force_id: UUID, team_id: UUID | None) -> None:
    """A connected account does not change hands by being connected again."""
    if account.force_id != force_id:
        raise AlreadyElsewhere("This account is already connected here by somebody else. Ask your administrator.")
    if account.team_id != team_id and account.state is not AccountState.DISCONNECTED:
        raise AlreadyElsewhere(f"{account.handle} already belongs to another team. Disconnect it there first.")


async def update_register(
    session: AsyncSession, viewer: Viewer, account_id: UUID, patch: RegisterPatch, version: int | None
) -> Account:
    """Owner, recovery address, who may use it and what happens when its owner leaves."""
    account = await queries.get_account(session, viewer, account_id)
    access.require(viewer, Action.CONNECT, account.team_id)
    changes = patch.model_dump(exclude_unset=True, exclude={"people"})
    for name in ("recovery_address", "when_owner_leaves"):
        if name in changes:
            changes[name] = changes[name] or ""
    await _colleagues(session, viewer, [*(patch.people or []), *([patch.owner_id] if patch.owner_id else [])])
    await _change(session, account, version, **changes)
    if patch.people is not None:
        await _list_people(session, account.id, patch.people)
    audit.record(
        session, viewer, "accounts.register", "account", account.id, changed=",".join(sorted(patch.model_fields_set))
    )
    return account


async def disconnect(session: AsyncSession, viewer: Viewer, account_id: UUID) -> Account:
    """Nothing goes out or comes in any more. A worker gives the permission back and drops the token."""
    account = await queries.get_account(session, viewer, account_id)
    access.require(viewer, Action.CONNECT, account.team_id)
    if account.state is AccountState.DISCONNECTED:
        return account
    await _change(session, account, None, state=AccountState.DISCONNECTED, state_reason="", next_poll_at=None)
    audit.record(session, viewer, "accounts.disconnect", "account", account.id)
    ask(session, Job("connect"))
    return account


async def keep_limits(session: AsyncSession, account_id: UUID, limits: Limits | None, at: datetime) -> None:
    """What the server allows, read again; None: it did not say, and is asked again tomorrow."""
    values = {"limits_read_at": at} | ({"limits": dict(limits.as_dict())} if limits else {})
    await _set(session, account_id, **values)


def ends_of(token: Token, at: datetime) -> tuple[datetime | None, datetime | None]:
    """When it ends, and from when it is renewed: with a third of its life left, time enough for a long outage."""
    ends_at = token.expires_at
    if ends_at is None or not token.renewable:
        return ends_at, None
    return ends_at, at + (ends_at - at) * 2 / 3


async def note_token(session: AsyncSession, account_id: UUID, token: Token) -> None:
    ends_at, renew_at = ends_of(token, now())
    await _set(session, account_id, token_expires_at=ends_at, token_renew_at=renew_at)


async def renew_later(session: AsyncSession, account: Account) -> None:
    """Its server could not be asked: soon again, and more often towards the end."""
    left = (account.token_expires_at or now()) - now()
    wait = min(timedelta(hours=6), max(timedelta(minutes=1), left / 10))
    await _set(session, account.id, token_renew_at=now() + wait)


async def _set(session: AsyncSession, account_id: UUID, **values: object) -> None:
    await session.execute(update(Account).where(col(Account.id) == account_id).values(**values))


async def _change(session: AsyncSession, account: Account, version: int | None, **values: object) -> None:
    """Moves from the version that was read to the next, or says that somebody was quicker."""
    changed = await session.execute(
        update(Account)
        .where(col(Account.id) == account.id, col(Account.version) == (version or account.version))
        .values(version=account.version + 1, updated_at=now(), **values)
        .returning(col(Account.id))
        .execution_options(synchronize_session=False)
    )
    if changed.scalar_one_or_none() is None:
        raise Stale
    await session.refresh(account)


async def _list_people(session: AsyncSession, account_id: UUID, people: list[UUID]) -> None:
    await session.execute(delete(AccountPerson).where(col(AccountPerson.account_id) == account_id))
    session.add_all(AccountPerson(account_id=account_id, person_id=person) for person in dict.fromkeys(people))
    await session.flush()


async def _colleagues(session: AsyncSession, viewer: Viewer, people: list[UUID]) -> None:
    wanted = set(people)
    rows = await session.execute(
        select(col(Person.id)).where(col(Person.id).in_(wanted), col(Person.force_id) == viewer.force_id)
    )
    if wanted - set(rows.scalars()):
        raise Invalid("Somebody named there does not work here.", "people")


async def team_is_theirs(session: AsyncSession, viewer: Viewer, team_id: UUID | None) -> None:
    if team_id is None:
        return
    team = await session.get(Team, team_id)
    if team is None or team.force_id != viewer.force_id or not (viewer.whole_force or team_id in viewer.team_ids):
        raise NotFound
