"""Sealed boxes in the database: put one, look at one, take one away. Nothing here can open them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.sealing import Sealed
from api.models import Secret, SecretKind


async def put(session: AsyncSession, holder_id: UUID, kind: SecretKind, sealed: Sealed) -> Secret:
    """One box of a kind for each holder: a new one takes the place of the old."""
    secret = await get(session, holder_id, kind)
    if secret is None:
        secret = Secret(holder_id=holder_id, kind=kind, key_id=sealed.key_id, box=sealed.box)
        session.add(secret)
    secret.key_id, secret.box, secret.renewing_until = sealed.key_id, sealed.box, None
    await session.flush()
    return secret


async def get(session: AsyncSession, holder_id: UUID, kind: SecretKind) -> Secret | None:
    found = await session.execute(select(Secret).where(col(Secret.holder_id) == holder_id, col(Secret.kind) == kind))
    return found.scalar_one_or_none()


async def take(session: AsyncSession, holder_id: UUID, kind: SecretKind) -> Secret | None:
    """The box, and it is gone from here: of two who take it, one gets it."""
    secret = await get(session, holder_id, kind)
    if secret is None:
        return None
    session.expunge(secret)
    gone = await session.execute(delete(Secret).where(col(Secret.id) == secret.id).returning(col(Secret.id)))
    return secret if gone.scalar_one_or_none() else None


async def drop(session: AsyncSession, holder_id: UUID) -> None:
    await session.execute(delete(Secret).where(col(Secret.holder_id) == holder_id))


async def forget(session: AsyncSession, secret: Secret) -> None:
    """This very box; one that was put in its place meanwhile stays."""
    await session.execute(delete(Secret).where(col(Secret.id) == secret.id, col(Secret.box) == secret.box))


async def under_other_keys(session: AsyncSession, key_id: str, limit: int = 100) -> Sequence[Secret]:
    """Boxes that another key than this one opens."""
    found = await session.execute(
        select(Secret).where(col(Secret.key_id) != key_id).order_by(col(Secret.id)).limit(limit)
    )
    return found.scalars().all()


async def reseal(session: AsyncSession, secret: Secret, sealed: Sealed) -> None:
    """The same secret in a new box, unless it was replaced or dropped since it was read."""
    await session.execute(
        update(Secret)
        .where(col(Secret.id) == secret.id, col(Secret.box) == secret.box)
        .values(key_id=sealed.key_id, box=sealed.box)
    )


async def begin_renewal(session: AsyncSession, holder_id: UUID, box: bytes, at: datetime, until: datetime) -> bool:
    """Of all who find that this very token ran out, one gets true."""
    free = or_(col(Secret.renewing_until).is_(None), col(Secret.renewing_until) <= at)
    return await _renewal(session, holder_id, box, free, renewing_until=until)


async def keep_renewed(session: AsyncSession, holder_id: UUID, box: bytes, sealed: Sealed) -> bool:
    """In the place of the one that ran out, unless something else is there by now."""
    return await _renewal(session, holder_id, box, key_id=sealed.key_id, box=sealed.box, renewing_until=None)


async def end_renewal(session: AsyncSession, holder_id: UUID, box: bytes) -> bool:
    return await _renewal(session, holder_id, box, renewing_until=None)


async def _renewal(
    session: AsyncSession, holder_id: UUID, of: bytes, *where: ColumnElement[bool], **values: object
) -> bool:
    changed = await session.execute(
        update(Secret)
        .where(
            col(Secret.holder_id) == holder_id, col(Secret.kind) == SecretKind.ACCESS_TOKEN, col(Secret.box) == of, *where
        )
        .values(**values)
        .returning(col(Secret.id))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return changed.scalar_one_or_none() is not None


async def keys_in_use(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(select(col(Secret.key_id), func.count()).group_by(col(Secret.key_id)))
    return {row[0]: row[1] for row in rows}
