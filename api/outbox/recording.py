"""Writing down what became of deliveries: many at once, each only if nobody recorded better meanwhile."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.among import Ids, among
from api.core.sealing import Sealed
from api.models import Account, AccountState, Delivery, DeliveryState, Secret
from api.outbox import sent as short
from api.outbox.life import Event, Found, Life, No, Outcome, Rules, Sent, Taken, Unread, Waits, after
from api.outbox.sent import KNOWN
from api.platforms.errors import Refusal

_LIFE = tuple(field.name for field in fields(Life))
_DELIVERIES = Delivery.__table__  # type: ignore[attr-defined]
_SAVE = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in _LIFE} | {"version": _DELIVERIES.c.version + 1})
)
_values_of = attrgetter(*_LIFE)
_LOCK = (
    select(*(_DELIVERIES.c[name] for name in (*KNOWN, *_LIFE)))
    .where(among(_DELIVERIES.c.id, bindparam("ids", type_=Ids())))
    .order_by(_DELIVERIES.c.id)
    .with_for_update()
)
LOOK_AGAIN = "Its list shows a post that another delivery became. We look again."
ENDS_ACCOUNT = {Refusal.TOKEN_REVOKED: AccountState.NEEDS_RECONNECT, Refusal.SUSPENDED: AccountState.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One delivery as it now stands in the database."""

    delivery_id: UUID
    account_id: UUID
    post_id: UUID | None
    message_id: UUID | None
    part: int
    parts: int
    state: DeliveryState
    lateness_ms: int | None
    remote_id: str | None


async def record(
    session: AsyncSession, outcomes: Sequence[Outcome], now: datetime, rules: Rules, *, careful: bool = False
) -> list[Recorded]:
    """Those that changed something. `careful` looks first whether what was sent is another delivery's already."""
    by_id = {outcome.delivery_id: outcome for outcome in outcomes}
    sent: dict[UUID, Sent] = {}
    if not careful and _on_postgresql(session):
        sent = {each: out.event for each, out in by_id.items() if isinstance(out.event, Sent)}
    recorded = [Recorded(*row) for row in await short.save(session, sent)] if sent else []
    if len(sent) < len(by_id):
        others = {each: outcome for each, outcome in by_id.items() if each not in sent}
        recorded += await _by_the_table(session, others, now, rules, careful=careful)
    return recorded


async def _by_the_table(
    session: AsyncSession, by_id: dict[UUID, Outcome], now: datetime, rules: Rules, *, careful: bool
) -> list[Recorded]:
    rows = (await session.execute(_LOCK, {"ids": by_id.keys()})).all()
    events = await _checked(session, rows, by_id, careful=careful)
    recorded, changes = [], []
    for row in rows:
        life = Life(*row[len(KNOWN) :])
        changed = after(life, events[row.id], by_id[row.id].worker, now, rules)
        if changed is not None:
            recorded.append(_recorded(row, changed))
            changes.append({"of": row.id} | dict(zip(_LIFE, _values_of(changed), strict=True)))
    if changes:
        connection = await session.connection()
        await connection.execute(_SAVE, changes)
    return recorded


def _recorded(row: Any, life: Life) -> Recorded:
    now_is = life.state, life.lateness_ms, life.remote_id
    return Recorded(row.id, row.account_id, row.post_id, row.message_id, row.part, row.parts, *now_is)


def _on_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"


async def _checked(
    session: AsyncSession, rows: Sequence[Any], by_id: dict[UUID, Outcome], *, careful: bool
) -> dict[UUID, Event]:
    """The events, with those replaced that name a post which another delivery already became."""
    events = {row.id: by_id[row.id].event for row in rows}
    named = {
        (row.account_id, event.remote_id): row.id
        for row in rows
        if isinstance(event := events[row.id], (Sent, Found) if careful else Found)
    }
    if not named:
        return events
    taken = await session.execute(
        select(col(Delivery.account_id), col(Delivery.remote_id), col(Delivery.id)).where(
            tuple_(col(Delivery.account_id), col(Delivery.remote_id)).in_(list(named))
        )
    )
    for account_id, remote_id, holder in taken:
        delivery_id = named[account_id, str(remote_id)]
        event = events[delivery_id]
        if holder != delivery_id and isinstance(event, Sent | Found):
            # A list that is read again will see that this one is linked; an answer will not say anything else.
            events[delivery_id] = Unread(LOOK_AGAIN, event.at, counts=True) if isinstance(event, Found) else Taken()
    return events


async def note_on_accounts(
    session: AsyncSession, outcomes: Iterable[tuple[UUID, Event, Sealed]], now: datetime
) -> None:
    """What deliveries taught us about their accounts: to be left in peace for a while, or gone."""
    waits: dict[UUID, datetime] = {}
    why: dict[UUID, str] = {}
    for account_id, event, sealed in outcomes:
        if isinstance(event, Waits):
            waits[account_id] = max(event.until, waits.get(account_id, event.until))
            why[account_id] = event.sentence
        elif isinstance(event, No | Unread) and event.refusal in ENDS_ACCOUNT:
            await _end(session, account_id, event.refusal, event.sentence, sealed, now)
    await _each(session, "send_after", waits)
    await _each(session, "send_after_why", why)


async def note_sent(session: AsyncSession, last: Mapping[UUID, datetime]) -> None:
    """When something of each account last went out; told apart from the deliveries, since claims hold accounts."""
    if last and _on_postgresql(session):
        await short.note(session, last)
    else:
        await _each(session, "last_sent_at", last)


async def _each(session: AsyncSession, column: str, values: Mapping[UUID, datetime] | Mapping[UUID, str]) -> None:
    if not values:
        return
    accounts = Account.__table__  # type: ignore[attr-defined]
    connection = await session.connection()
    await connection.execute(
        update(accounts).where(accounts.c.id == bindparam("of")).values({column: bindparam("at")}),
        [{"of": account_id, "at": values[account_id]} for account_id in sorted(values)],
    )


async def _end(
    session: AsyncSession, account_id: UUID, refusal: Refusal, sentence: str, sealed: Sealed, now: datetime
) -> None:
    """Only if the token that was refused is still the one we hold: somebody may just have connected it again."""
    state = ENDS_ACCOUNT[refusal]
    same_token = select(col(Secret.id)).where(col(Secret.holder_id) == account_id, col(Secret.box) == sealed.box)
    rows = await session.execute(
        update(Account)
        .where(col(Account.id) == account_id, col(Account.state) == AccountState.ACTIVE, same_token.exists())
        .values(state=state, state_reason=sentence, version=col(Account.version) + 1, updated_at=now)
        .returning(col(Account.force_id))
        .execution_options(synchronize_session=False)
    )
    force_id = rows.scalar_one_or_none()
    if force_id is not None:
        audit.record(session, None, f"accounts.{state}", "account", account_id, force_id, reason=refusal)


async def linked(session: AsyncSession, account_id: UUID, delivery_id: UUID, since: datetime) -> frozenset[str]:
    """What the account's other deliveries became about that time: a list's match must not be one of them.

    Their time is when they were sent: nothing is sent before it is due, and what was found has the platform's time,
    by which the list is read back too.
    """
    rows = await session.execute(
        select(col(Delivery.remote_id)).where(
            col(Delivery.account_id) == account_id,
            col(Delivery.id) != delivery_id,
            col(Delivery.remote_id).is_not(None),
            col(Delivery.sent_at) >= since,
        )
    )
    return frozenset(str(remote_id) for remote_id in rows.scalars())


async def doubt(session: AsyncSession, since: datetime, now: datetime) -> int:
    """After a restore: what was due since the copy was made may be out already. It is read back, never resent blindly."""
    rows = await session.execute(
        update(Delivery)
        .where(
            col(Delivery.state).in_((DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.SENDING)),
            col(Delivery.due_at) <= now,
        )
        .values(
            state=DeliveryState.UNKNOWN, version=col(Delivery.version) + 1, claimed_by=None, lease_until=None,
            first_started_at=func.coalesce(
                col(Delivery.first_started_at), case((col(Delivery.due_at) > since, col(Delivery.due_at)), else_=since)
            ),
            given_up_at=now, not_before=now, empty_lists=0, read_backs=0,
            error="Restored from a copy. We are looking whether it went out meanwhile.",
        )
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return len(rows.all())
