"""The short way for what nearly every attempt comes to: sent.

life.py says of an answer with a remote id that it *is* out, whatever the row says meanwhile. So nothing has to be read
first: one statement writes a whole batch. tests/api/outbox/test_sent.py holds it to the table in life.py.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, cast, column, func, update
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import TableValuedAlias

from api.models import Account, Delivery, DeliveryState
from api.outbox.life import Sent

KNOWN = ("id", "account_id", "post_id", "message_id", "part", "parts")
"""What does not change of a delivery, as `Recorded` begins with it."""
_DELIVERIES = Delivery.__table__  # type: ignore[attr-defined]
_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]


def _rows(**types: Any) -> TableValuedAlias:
    """A table of parameters: an array for each column, so that the statement is the same for any number of rows."""
    arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in types.items()]
    columns = [column(name.removesuffix("s"), kind) for name, kind in types.items()]
    return func.unnest(*arrays).table_valued(*columns, name="told").render_derived()


_OUT = _rows(ids=Uuid(), moments=TIMESTAMP(timezone=True), remote_ids=Text(), urls=Text())
_LATE = func.extract("epoch", _OUT.c.moment - _DELIVERIES.c.due_at) * 1000
_SAVE = (
    update(_DELIVERIES)
    .values(
        state=DeliveryState.SENT,
        version=_DELIVERIES.c.version + 1,
        claimed_by=None,
        lease_until=None,
        error=None,
        sent_at=_OUT.c.moment,
        lateness_ms=func.greatest(0, cast(func.round(_LATE), Integer)),
        remote_id=_OUT.c.remote_id,
        url=_OUT.c.url,
    )
    .where(_DELIVERIES.c.id == _OUT.c.id, _DELIVERIES.c.state != DeliveryState.SENT)
    .returning(*(_DELIVERIES.c[name] for name in (*KNOWN, "state", "lateness_ms", "remote_id")))
)
_NOTED = _rows(ids=Uuid(), moments=TIMESTAMP(timezone=True))
_NOTE = update(_ACCOUNTS).where(_ACCOUNTS.c.id == _NOTED.c.id).values(last_sent_at=_NOTED.c.moment)


async def save(session: AsyncSession, sent: Mapping[UUID, Sent]) -> list[Any]:
    """On PostgreSQL. Rows of those that this changed; sorted, so that two who write the same never wait in a circle."""
    ids = sorted(sent)
    answers = [sent[each] for each in ids]
    rows = await session.execute(
        _SAVE,
        {
            "ids": ids,
            "moments": [answer.at for answer in answers],
            "remote_ids": [answer.remote_id for answer in answers],
            "urls": [answer.url for answer in answers],
        },
    )
    return list(rows)


async def note(session: AsyncSession, last: Mapping[UUID, datetime]) -> None:
    """On PostgreSQL: when something of each account last went out."""
    ids = sorted(last)
    await session.execute(_NOTE, {"ids": ids, "moments": [last[each] for each in ids]})
