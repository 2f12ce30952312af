"""What a force has decided, and where people said that the check was wrong."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.paging import PAGE, Page, paged
from api.models import PolicyFalseAlarm, PolicyOverride, PolicySettings, Viewer
from api.policy.values import Known, Level, Override


async def settings_row(session: AsyncSession, force_id: UUID) -> PolicySettings | None:
    rows = await session.execute(select(PolicySettings).where(col(PolicySettings.force_id) == force_id))
    return rows.scalar_one_or_none()


async def get_settings(session: AsyncSession, viewer: Viewer) -> PolicySettings:
    """The force's own, or as delivered when it has decided nothing yet."""
    access.require_anywhere(viewer, Action.KEEP_RULES)
    return await settings_row(session, viewer.force_id) or PolicySettings(force_id=viewer.force_id)


def known(row: PolicySettings | None) -> Known:
    if row is None:
        return Known()
    return Known(
        numbers=frozenset(map(str, row.numbers)),
        addresses=frozenset(str(each).casefold() for each in row.addresses),
        links=frozenset(map(str, row.links)),
        banned=frozenset(map(str, row.banned)),
        takes_reports=row.takes_reports,
        announces_speed_checks=row.announces_speed_checks,
        welsh=row.welsh,
        reply_hours=row.reply_hours,
    )


async def overrides(session: AsyncSession, force_id: UUID) -> Mapping[str, Override]:
    rows = await session.execute(select(PolicyOverride).where(col(PolicyOverride.force_id) == force_id))
    return {row.rule: as_value(row) for row in rows.scalars()}


def as_value(row: PolicyOverride) -> Override:
    return Override(
        level=Level(row.level) if row.level else None,
        off=row.off,
        text=row.text,
        link=row.link,
        read_on=row.read_on.isoformat() if row.read_on else "",
    )


async def false_alarms(
    session: AsyncSession, viewer: Viewer, cursor: str | None = None, limit: int = PAGE
) -> Page[PolicyFalseAlarm]:
    """The newest first, for who keeps the rules."""
    access.require_anywhere(viewer, Action.KEEP_RULES)
    asked = select(PolicyFalseAlarm).where(col(PolicyFalseAlarm.force_id) == viewer.force_id)
    created, row_id = col(PolicyFalseAlarm.created_at), col(PolicyFalseAlarm.id)
    return await paged(session, asked, created, row_id, cursor, limit, newest_first=True)
