"""Where a delivery stands, in an honest sentence, and how soon it is worth asking again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from api.models import OPEN, Account, AccountState, Delivery, DeliveryState, Sighting, SightingState
from api.outbox.forecast import why_not
from api.outbox.waits import Wait, foreseen
from api.platforms.facts import FACTS
from web.forecasts import because
from web.words import late_by, to_the_second, when_text

QUICK, SLOW = 2, 20
SOON = timedelta(seconds=60)
IN_SIGHT = timedelta(minutes=15)
LOST = "The answer was lost. We are reading the account to see whether it is there. Not sent again meanwhile."
LOOKING = "Somebody gave its address. We are looking whether it stands there and is ours."


def sentence(delivery: Delivery, account: Account | None, sighting: Sighting | None, at: datetime) -> str:
    match delivery.state:
        case DeliveryState.SENT if delivery.sent_at:
            return f"Out at {to_the_second(delivery.sent_at, at)}, {late_by(delivery.lateness_ms)}."
        case DeliveryState.QUEUED:
            return _waiting(delivery, account, at)
        case DeliveryState.CLAIMED:
            return "Its turn is next."
        case DeliveryState.SENDING:
            return f"On its way to {_platform(account)}. We wait for the answer."
        case DeliveryState.UNKNOWN:
            return _in_doubt(delivery, at)
        case DeliveryState.NEEDS_PERSON:
            return _needs_person(delivery, sighting)
        case DeliveryState.MISSED:
            return delivery.error or f"Due {when_text(delivery.due_at, at)}; too late to be useful, so never sent."
    return delivery.error or f"For {when_text(delivery.due_at, at)}."


def _waiting(delivery: Delivery, account: Account | None, at: datetime) -> str:
    until = f"useful until {when_text(delivery.useful_until, at)}"
    if account is not None and (why := why_not(account.state, account.ends_at, delivery.due_at)):
        return f"For {when_text(delivery.due_at, at)}. It will not go out: {because(why, account.ends_at, at)}."
    if account is not None and (wait := held_up(delivery, account, at)):
        return wait
    if delivery.due_at > at:
        return f"Waiting for its time: {when_text(delivery.due_at, at)}, {until}."
    if delivery.error or delivery.not_before > at:
        again = f"Next try {to_the_second(max(delivery.not_before, at), at)}, by itself, {until}."
        return f"{delivery.error} {again}" if delivery.error else again
    if delivery.parent_id is not None:
        return "It goes out as soon as the part before it is out."
    return "Its turn comes in a moment."


def held_up(delivery: Delivery, account: Account, at: datetime) -> str | None:
    """The wait that its platform asks for, and what comes of it; None where nothing stands in its way."""
    until = account.send_after
    return (
        foreseen(delivery, {delivery.account_id: Wait(until, account.send_after_why)}) if until and until > at else None
    )


def _in_doubt(delivery: Delivery, at: datetime) -> str:
    looks = delivery.empty_lists + delivery.read_backs
    looked = f" Looked {'once' if looks == 1 else f'{looks} times'} so far." if looks else ""
    soon = f" Next look {to_the_second(delivery.not_before, at)}." if delivery.not_before > at else ""
    return f"{LOST}{looked}{soon}"


def _needs_person(delivery: Delivery, sighting: Sighting | None) -> str:
    said = delivery.error or "We do not know whether it went out. Look at the account, then decide."
    if sighting is None or sighting.state is SightingState.FOUND:
        return said
    return LOOKING if sighting.state is SightingState.ASKED else f"{sighting.error} {said}"


def _platform(account: Account | None) -> str:
    return FACTS[account.platform].label if account else "the platform"


def pace(
    deliveries: Sequence[Delivery],
    accounts: Mapping[UUID, Account],
    sightings: Mapping[UUID, Sighting],
    at: datetime,
) -> int:
    """Seconds until a page that shows these is worth asking again; 0: nothing of it moves by itself for now."""
    paces = [_pace(one, accounts.get(one.account_id), sightings.get(one.id), at) for one in deliveries]
    moving = [each for each in paces if each]
    return min(moving) if moving else 0


def _pace(delivery: Delivery, account: Account | None, sighting: Sighting | None, at: datetime) -> int:
    if sighting is not None and sighting.state is SightingState.ASKED:
        return QUICK
    if delivery.state not in OPEN:
        return 0
    if delivery.state is not DeliveryState.QUEUED:
        return QUICK
    if account is not None and account.state is not AccountState.ACTIVE:
        return SLOW if delivery.due_at <= at else 0
    waits = [delivery.due_at, delivery.not_before, *([account.send_after] if account and account.send_after else [])]
    left = max(waits) - at
    return QUICK if left <= SOON else SLOW if left <= IN_SIGHT else 0
