"""Accounts and connections over REST."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import by_password, queries, service
from api.accounts.schemas import (
    AccountOut,
    ConnectIn,
    ConnectionOut,
    HealthOut,
    LimitsOut,
    RegisterOut,
    RegisterPatch,
)
from api.core.settings import Settings
from api.deps import (
    CurrentViewer,
    IdempotencyKey,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    runtime_of,
    tagged,
)
from api.models import Account

router = api_router("/accounts", "accounts")
connections = api_router("/connections", "accounts")


@router.get("", **needs("accounts:read", "accounts:write"))
async def list_accounts(
    request: Request, session: ReadSession, viewer: CurrentViewer, team_id: UUID | None = None
) -> PageOut[AccountOut]:
    """The accounts that you may see, the force's own first. There are few: they come on one page."""
    found = await queries.accounts(session, viewer, team_id)
    return PageOut(items=await shown(session, runtime_of(request).settings, found), next_cursor=None)


@router.post("", status_code=202, **needs("accounts:write"))
async def begin_connection(
    request: Request, session: WriteSession, viewer: CurrentViewer, wanted: ConnectIn, _: IdempotencyKey = None
) -> ConnectionOut:
    """Begins connecting an account. Ask `/connections/{id}` until it is `ready`, then send its person to `authorize_url`.
    With a handle and an app password nobody has to go anywhere: ask until it is `done`, or `failed` with a reason."""
    runtime = runtime_of(request)
    if wanted.app_password is None:
        connection = await service.begin_connection(
            session, viewer, wanted.team_id, wanted.platform, wanted.instance, settings=runtime.settings
        )
        return ConnectionOut.of(connection)
    connection = await by_password.begin(
        session, runtime.sealer, viewer, wanted.team_id, wanted.platform, wanted.handle or "",
        wanted.app_password.get_secret_value(), wanted.instance, settings=runtime.settings,
    )  # fmt: skip
    return ConnectionOut.of(connection)


@router.get("/{account_id}", **needs("accounts:read", "accounts:write"))
async def show_account(
    request: Request, response: Response, session: ReadSession, viewer: CurrentViewer, account_id: UUID
) -> AccountOut:
    account = await queries.get_account(session, viewer, account_id)
    tagged(response, account)
    return (await shown(session, runtime_of(request).settings, [account]))[0]


@router.patch("/{account_id}", **needs("accounts:write"))
async def change_register(
    request: Request,
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    account_id: UUID,
    patch: RegisterPatch,
    version: MustMatch,
) -> AccountOut:
    """Changes the register: who owns it, who may write as it, and what happens when the owner leaves."""
    account = await service.update_register(session, viewer, account_id, patch, version)
    tagged(response, account)
    return (await shown(session, runtime_of(request).settings, [account]))[0]


@router.post("/{account_id}/disconnect", **needs("accounts:write"))
async def disconnect(
    request: Request, response: Response, session: WriteSession, viewer: CurrentViewer, account_id: UUID
) -> AccountOut:
    """Nothing goes out or comes in any more; its history stays. Twice is once."""
    account = await service.disconnect(session, viewer, account_id)
    tagged(response, account)
    return (await shown(session, runtime_of(request).settings, [account]))[0]


@connections.get("/{connection_id}", **needs("accounts:read", "accounts:write"))
async def show_connection(session: ReadSession, viewer: CurrentViewer, connection_id: UUID) -> ConnectionOut:
    """How far a try at connecting has come; only the person who began it sees it."""
    return ConnectionOut.of(await queries.get_connection(session, viewer, connection_id))


async def shown(session: AsyncSession, settings: Settings, accounts: Sequence[Account]) -> list[AccountOut]:
    ids = [account.id for account in accounts]
    people, queued = await queries.people_of(session, ids), await queries.queued(session, ids)
    return [_out(account, settings, people.get(account.id, []), queued.get(account.id, 0)) for account in accounts]


def _out(account: Account, settings: Settings, people: list[UUID], queued: int) -> AccountOut:
    condition = queries.health(account, settings)
    return AccountOut(
        **account.model_dump(
            include={
                "id", "platform", "handle", "name", "url", "instance", "team_id", "state", "state_reason", "practice",
            }
        ),
        limits=LimitsOut(**queries.limits_of(account).as_dict()),
        health=HealthOut(
            state=condition.state,
            words=condition.words,
            last_poll_at=account.last_poll_at,
            last_sent_at=account.last_sent_at,
            token_expires_at=account.token_expires_at,
            queued=queued,
            waits=queries.waits(account) or None,
            waits_until=account.send_after if queries.waits(account) else None,
        ),
        register_=RegisterOut(
            owner_id=account.owner_id,
            recovery_address=account.recovery_address,
            when_owner_leaves=account.when_owner_leaves,
            people=people,
        ),
        etag=account.etag,
    )  # fmt: skip
