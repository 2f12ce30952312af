"""Sealed boxes in the database: put one, look at one, take one away. Nothing here can open them."""

from uuid import UUID

from sqlalchemy import delete, select
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
    secret.key_id, secret.box = sealed.key_id, sealed.box
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
