"""What every gate ends with: the row, or not found."""

from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import NotFound

T = TypeVar("T")


async def the_one(session: AsyncSession, statement: Select[T], **options: Any) -> T:
    """What the statement lets through; what may not be seen is not found."""
    found: T | None = (await session.execute(statement, **options)).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found
