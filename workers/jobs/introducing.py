"""What every way of connecting ends with: whose token it is, and the account with it, all or nothing."""

from uuid import UUID

from api.access import service as access
from api.access.service import Action
from api.accounts import instance as instances
from api.accounts import service
from api.identity import queries as identity_queries
from api.models import Connection
from api.platforms.errors import NotSent, PlatformError
from api.platforms.facts import FACTS
from api.platforms.values import Address, Identity, Limits, Token
from workers.context import Context
from workers.platforms.http import carry


async def introduce_token(context: Context, address: Address, token: Token) -> tuple[Identity, Limits]:
    """Whose token it is, and what their server allows; where it does not say the latter, what is usual."""
    connector = context.connectors[address.platform]
    try:
        identity = await carry(context.carrier, connector.whoami(address, token))
    except NotSent:
        identity = await carry(context.carrier, connector.whoami(address, token))
    try:
        limits = await carry(context.carrier, connector.limits(address))
    except PlatformError:
        limits = FACTS[address.platform].limits
    return identity, limits


async def finish(context: Context, connection_id: UUID, token: Token, identity: Identity, limits: Limits) -> None:
    """The account, its sealed token and the end of the try, all or nothing."""
    practice_hosts = context.runtime.settings.practice_hosts
    async with context.runtime.unit_of_work() as session:
        connection = await session.get_one(Connection, connection_id)
        viewer = await identity_queries.viewer_of(session, connection.person_id)
        access.require(viewer, Action.CONNECT, connection.team_id)
        account = await service.add_account(
            session, viewer, connection.force_id, connection.team_id, connection.platform, connection.instance,
            identity, limits, context.vault.sealer.seal(token.secret.encode()),
            instances.is_practice(connection.instance, practice_hosts), token,
        )  # fmt: skip
        await service.connection_done(session, connection, account)


async def fail(context: Context, connection_id: UUID, sentence: str) -> None:
    async with context.runtime.unit_of_work() as session:
        await service.fail_connection(session, await session.get_one(Connection, connection_id), sentence)
