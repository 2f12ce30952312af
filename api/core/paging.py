"""Lists as {items, next_cursor}: the cursor is opaque and stands on a row, so that new rows never shift a page."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import Invalid

T = TypeVar("T")
PAGE = 50
MOST = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None


def encode(at: datetime, row_id: UUID) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), row_id.hex]).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.astimezone(UTC), UUID(row_id)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Invalid("That cursor is not one of ours. Start again without it.", "cursor") from error


def keyset(statement: Select[Any], at: Any, row_id: Any, cursor: str | None, *, newest_first: bool) -> Select[Any]:
    """The statement ordered by (at, id) and starting after the cursor."""
    if cursor:
        place = decode(cursor)
        here = tuple_(at, row_id)
        statement = statement.where(here < place if newest_first else here > place)
    return statement.order_by(*((at.desc(), row_id.desc()) if newest_first else (at, row_id)))


def page(rows: Sequence[T], limit: int, at: str) -> Page[T]:
    """A page from limit + 1 rows; `at` names the attribute they are ordered by."""
    more = len(rows) > limit
    items = rows[:limit]
    last: Any = items[-1] if more else None
    return Page(items, encode(getattr(last, at), last.id) if more else None)


async def paged(
    session: AsyncSession,
    statement: Select[T],
    at: Any,
    row_id: Any,
    cursor: str | None,
    limit: int,
    *,
    newest_first: bool,
) -> Page[T]:
    """One page of whole rows in the order of (at, id); `at` is a column of theirs."""
    ordered = keyset(statement, at, row_id, cursor, newest_first=newest_first)
    return page((await session.execute(ordered.limit(limit + 1))).scalars().all(), limit, at.key)
