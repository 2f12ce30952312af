"""Conditions over deliveries that are still on their way; each names the partial index's own words, or it is not used."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, or_, select, text, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from api.models import Account, AccountState, Delivery, DeliveryState, Secret, SecretKind

_WORDS = "IN ('queued', 'claimed', 'sending', 'unknown')"
IS_OPEN = text(f"deliveries.state {_WORDS}")
PART_MAY_GO = or_(col(Delivery.parent_id).is_(None), col(Delivery.in_reply_to).is_not(None))
"""The part of a thread before it is out: `parts.follow` has told this one what it answers. No look at other rows."""
HAS_ENDED = text("deliveries.state IN ('sent', 'needs_person', 'refused', 'missed')")
IS_TO_MEND = text("deliveries.state IN ('needs_person', 'refused', 'missed')")
FAR_AHEAD = timedelta(hours=1)
LIVE = (DeliveryState.CLAIMED, DeliveryState.SENDING)
_Other = aliased(Delivery, name="other")
_OTHER_IS_OPEN = text(f"other.state {_WORDS}")


def can_send(horizon: datetime) -> ColumnElement[bool]:
    """The account works, holds a token, and its platform does not ask us to wait beyond the horizon."""
    token = exists().where(col(Secret.holder_id) == col(Account.id), col(Secret.kind) == SecretKind.ACCESS_TOKEN)
    waits = or_(col(Account.send_after).is_(None), col(Account.send_after) <= horizon)
    return and_(col(Account.state) == AccountState.ACTIVE, token, waits)


def waits_too_long(now: datetime) -> ScalarSelect[str]:
    """Why its account waits, where that is longer than it is useful; else null."""
    asked = and_(col(Account.send_after) > now, col(Account.send_after) >= col(Delivery.useful_until))
    return (
        select(col(Account.send_after_why))
        .where(col(Account.id) == col(Delivery.account_id), asked, col(Account.send_after_why) != "")
        .correlate(Delivery)
        .scalar_subquery()
    )


def due(horizon: datetime, now: datetime) -> ColumnElement[bool]:
    return and_(
        IS_OPEN,
        col(Delivery.state) == DeliveryState.QUEUED,
        col(Delivery.due_at) <= horizon,
        col(Delivery.not_before) <= horizon,
        col(Delivery.useful_until) > now,
        PART_MAY_GO,
    )


def in_other_hands(worker: str, horizon: datetime) -> ColumnElement[bool]:
    """Another worker holds something of the same account: taking this one could overtake it."""
    held = and_(col(_Other.state).in_(LIVE), col(_Other.claimed_by) != worker)
    return col(Delivery.account_id).in_(_of_others(horizon, held, col(_Other.account_id)))


def being_read_back(worker: str, now: datetime) -> ColumnElement[bool]:
    """Another worker looks through this account's list: two at once could link one post to two deliveries."""
    looked_at = and_(
        col(_Other.state) == DeliveryState.UNKNOWN, col(_Other.claimed_by) != worker, col(_Other.lease_until) > now
    )
    return col(Delivery.account_id).in_(_of_others(now, looked_at, col(_Other.account_id)))


def twin_under_way(now: datetime) -> ColumnElement[bool]:
    """The same words are leaving for the same account right now: a list cannot tell the two apart yet."""
    leaving = col(_Other.state) == DeliveryState.SENDING
    twins = _of_others(now, leaving, col(_Other.account_id), col(_Other.text))
    return tuple_(col(Delivery.account_id), col(Delivery.text)).in_(twins)


def _of_others(horizon: datetime, which: ColumnElement[bool], *columns: Any) -> Select[Any]:
    """Found once for a whole batch. Asked for each row anew, PostgreSQL walked through all that is open each time.

    What is in anybody's hands is due by now or in seconds; an hour more, whatever their clocks and settings say.
    """
    return select(*columns).where(_OTHER_IS_OPEN, col(_Other.due_at) <= horizon + FAR_AHEAD, which)
