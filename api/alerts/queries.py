"""Alerts and webhooks, for whoever may see them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.core import paging
from api.core.gates import the_one
from api.core.paging import Page, paged
from api.models import Account, Alert, AlertMessage, Viewer, Webhook


async def alerts(
    session: AsyncSession,
    viewer: Viewer,
    *,
    standing: bool | None = None,
    account_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.PAGE,
) -> Page[Alert]:
    """Newest first. `standing`: only those whose cause lasts, or only those that are over."""
    found = _visible(viewer)
    if standing is not None:
        over = col(Alert.resolved_at)
        found = found.where(over.is_(None) if standing else over.is_not(None))
    if account_id is not None:
        found = found.where(col(Alert.account_id) == account_id)
    return await paged(session, found, col(Alert.created_at), col(Alert.id), cursor, limit, newest_first=True)


async def get_alert(session: AsyncSession, viewer: Viewer, alert_id: UUID) -> Alert:
    return await the_one(session, _visible(viewer).where(col(Alert.id) == alert_id))


async def unseen(session: AsyncSession, viewer: Viewer) -> int:
    """How many stand that nobody has marked as seen."""
    if not access.may_anywhere(viewer, Action.SEE_ALERTS):
        return 0
    mine = _visible(viewer).where(col(Alert.resolved_at).is_(None), col(Alert.seen_at).is_(None)).subquery()
    number: int = (await session.execute(select(func.count()).select_from(mine))).scalar_one()
    return number


async def accounts_of(session: AsyncSession, alerts: Collection[Alert]) -> dict[UUID, Account]:
    """The caller has passed the gate to the alerts; what they are about is named in them."""
    return await accounts.named(session, [alert.account_id for alert in alerts])


async def webhooks(session: AsyncSession, viewer: Viewer) -> Sequence[Webhook]:
    """In use, oldest first. There are few."""
    access.require_anywhere(viewer, Action.MANAGE_WEBHOOKS)
    found = _hooks(viewer).order_by(col(Webhook.created_at), col(Webhook.id))
    return list((await session.execute(found)).scalars())


async def get_webhook(session: AsyncSession, viewer: Viewer, webhook_id: UUID) -> Webhook:
    return await the_one(session, _hooks(viewer).where(col(Webhook.id) == webhook_id))


async def last_calls(session: AsyncSession, webhook_ids: Collection[UUID]) -> dict[UUID, AlertMessage]:
    """What became of the newest call of each; the caller has passed the gate to the webhooks."""
    found = {}
    for webhook_id in webhook_ids:
        rows = await session.execute(
            select(AlertMessage)
            .where(col(AlertMessage.webhook_id) == webhook_id)
            .order_by(col(AlertMessage.created_at).desc(), col(AlertMessage.id).desc())
            .limit(1)
        )
        if (last := rows.scalar_one_or_none()) is not None:
            found[webhook_id] = last
    return found


def _visible(viewer: Viewer) -> Select[Any]:
    return select(Alert).where(access.within(viewer, Action.SEE_ALERTS, col(Alert.force_id), col(Alert.team_id)))


def _hooks(viewer: Viewer) -> Select[Webhook]:
    """They belong to the whole force: a role in one team does not reach them."""
    managed = col(Webhook.force_id) == viewer.force_id if access.may(viewer, Action.MANAGE_WEBHOOKS, None) else false()
    return select(Webhook).where(managed, col(Webhook.ended_at).is_(None))
