"""Saving what somebody else may have saved in the same moment."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.core.clock import now
from api.core.errors import Conflict, Stale


async def add_or(session: AsyncSession, row: Any, sentence: str) -> None:
    """Adds a row; if a unique constraint says that it is there already, a Conflict with the sentence."""
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(sentence) from error


async def change_or(
    session: AsyncSession, row: Any, changes: dict[str, Any], version: int | None, sentence: str
) -> None:
    """Changes the row if it still is the version that was read (None: whichever it is), and counts up."""
    model = type(row)
    if version is not None and version != row.version:
        raise Stale()
    statement = (
        update(model)
        .where(col(model.id) == row.id, col(model.version) == row.version)
        .values(**changes, version=row.version + 1, updated_at=now())
        .execution_options(synchronize_session=False)
    )
    try:
        async with session.begin_nested():
            result = await session.execute(statement)
    except IntegrityError as error:
        raise Conflict(sentence) from error
    if isinstance(result, CursorResult) and result.rowcount != 1:
        raise Stale()
    await session.refresh(row)
