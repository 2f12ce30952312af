"""Conditions over deliveries that are still on their way; each names the partial index's own words, or it is not used."""

from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, or_, select, text
from sqlalchemy.orm import aliased
from sqlmodel import col

from api.models import Account, AccountState, Delivery, DeliveryState, Secret, SecretKind

_WORDS = "IN ('queued', 'claimed', 'sending', 'unknown')"
IS_OPEN = text(f"deliveries.state {_WORDS}")
PART_MAY_GO = or_(col(Delivery.parent_id).is_(None), col(Delivery.in_reply_to).is_not(None))
"""The part of a thread before it is out: `parts.follow` has told this one what it answers. No look at other rows."""
HAS_ENDED = text("deliveries.state IN ('sent', 'needs_person', 'refused', 'missed')")
IS_TO_MEND = text("deliveries.state IN ('needs_person', 'refused', 'missed')")
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


def in_other_hands(worker: str) -> ColumnElement[bool]:
    """Another worker holds something of the same account: taking this one could overtake it."""
    return exists().where(
        _OTHER_IS_OPEN,
        col(_Other.account_id) == col(Delivery.account_id),
        col(_Other.state).in_(LIVE),
        col(_Other.claimed_by) != worker,
    )


def being_read_back(worker: str, now: datetime) -> ColumnElement[bool]:
    """Another worker looks through this account's list: two at once could link one post to two deliveries."""
    return exists().where(
        _OTHER_IS_OPEN,
        col(_Other.account_id) == col(Delivery.account_id),
        col(_Other.state) == DeliveryState.UNKNOWN,
        col(_Other.claimed_by) != worker,
        col(_Other.lease_until) > now,
    )


def twin_under_way() -> ColumnElement[bool]:
    """The same words are leaving for the same account right now: a list cannot tell the two apart yet."""
    return exists().where(
        _OTHER_IS_OPEN,
        col(_Other.account_id) == col(Delivery.account_id),
        col(_Other.state) == DeliveryState.SENDING,
        col(_Other.text) == col(Delivery.text),
        col(_Other.id) != col(Delivery.id),
    )
