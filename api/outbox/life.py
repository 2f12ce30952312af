"""A delivery's life as a pure table: what it was and what happened → what it is now."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from api.models import DeliveryState
from api.platforms.errors import Refusal

NOT_REACHED = "The server could not be reached. Nothing was published."
GONE_QUIET = "The answer was lost. We are looking whether it went out."
CANNOT_LOOK = "We do not know whether it went out, and could not look. Look at the account, then decide."
CANNOT_READ_BACK = "The answer was lost, and this platform cannot be read back. Look at the account, then decide."
SOMEBODY_ELSES = "The server answered with a post that another delivery already became. Look at both, then decide."
TOO_LATE_THEN = "By then it is no longer useful, so it is not sent. Nothing was published."
NO_LONGER_USEFUL = "It did not go out in time, and was then no longer useful. Nothing was published."


@dataclass(frozen=True, slots=True)
class Life:
    """What changes on a delivery while it is on its way."""

    state: DeliveryState
    due_at: datetime
    not_before: datetime
    useful_until: datetime
    attempts: int = 0
    claimed_by: str | None = None
    lease_until: datetime | None = None
    first_started_at: datetime | None = None
    given_up_at: datetime | None = None
    empty_lists: int = 0
    read_backs: int = 0
    sent_at: datetime | None = None
    lateness_ms: int | None = None
    remote_id: str | None = None
    url: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decide; see docs/settings.md."""

    retry_limit: int
    read_back_wait: timedelta
    read_back_tries: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform answered with what it made."""

    remote_id: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A list shows it: it had gone out after all."""

    remote_id: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class No:
    """A clear no that trying again will not change."""

    refusal: Refusal
    sentence: str


@dataclass(frozen=True, slots=True)
class Waits:
    """Nothing was written. `counts` is false where the platform only asked for patience."""

    sentence: str
    until: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """It may have been done. `readable` is false where no list can tell."""

    sentence: str
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Absent:
    """A list read back past the first attempt does not show it. `asked_at`: when that reading began."""

    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Unread:
    """The list could not be read this time."""

    sentence: str
    until: datetime
    counts: bool
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """Given back before anything was done with it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The platform named something that another delivery already became."""


Event = Sent | Found | No | Waits | Lost | Absent | Unread | Released | Taken


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one delivery in the hands of one worker."""

    delivery_id: UUID
    worker: str
    event: Event


def after(life: Life, event: Event, worker: str, now: datetime, rules: Rules) -> Life | None:
    """None: it came too late to change anything."""
    if isinstance(event, Sent):
        # However late the answer and whoever holds it now: it is out.
        return None if life.state is DeliveryState.SENT else _out(life, event)
    mine = life.claimed_by == worker
    if life.state is DeliveryState.SENDING and mine:
        return _answered(life, event, now, rules)
    if life.state is DeliveryState.UNKNOWN:
        return _in_doubt(life, event, mine, now, rules)
    if life.state is DeliveryState.CLAIMED and mine and isinstance(event, Released):
        return _free(life, DeliveryState.QUEUED)
    return None


def _answered(life: Life, event: Event, now: datetime, rules: Rules) -> Life | None:
    match event:
        case No(sentence=sentence):
            return replace(_free(life, DeliveryState.REFUSED), error=sentence)
        case Waits():
            return _waits(life, event, rules)
        case Lost():
            return _lost(life, event, now)
        case Taken():
            return replace(_free(life, DeliveryState.NEEDS_PERSON), error=SOMEBODY_ELSES)
    return None


def _in_doubt(life: Life, event: Event, mine: bool, now: datetime, rules: Rules) -> Life | None:
    match event:
        case Lost():  # the lease ran out first, but the request was only given up now: the wait starts again
            return _lost(life, event, now)
        case Found() if mine:
            return _out(life, event)
        case Absent() if mine:
            return _absent(life, event, now, rules)
        case Unread() if mine:
            return _unread(life, event, rules)
    return None


def _out(life: Life, event: Sent | Found) -> Life:
    return replace(
        _free(life, DeliveryState.SENT),
        sent_at=event.at,
        lateness_ms=max(0, round((event.at - life.due_at) / timedelta(milliseconds=1))),
        remote_id=event.remote_id,
        url=event.url,
        error=None,
    )


def _waits(life: Life, event: Waits, rules: Rules) -> Life:
    attempts = life.attempts if event.counts else life.attempts - 1
    if attempts >= rules.retry_limit:
        return replace(_free(life, DeliveryState.REFUSED), error=NOT_REACHED)
    return replace(
        _free(life, DeliveryState.QUEUED),
        attempts=attempts,
        not_before=event.until,
        # An attempt that wrote nothing needs no looking for; an earlier one that may have still does.
        first_started_at=life.first_started_at if life.given_up_at else None,
        error=event.sentence,
    )


def _lost(life: Life, event: Lost, now: datetime) -> Life:
    if not event.readable:
        return replace(_free(life, DeliveryState.NEEDS_PERSON), given_up_at=now, error=CANNOT_READ_BACK)
    return replace(
        _free(life, DeliveryState.UNKNOWN),
        given_up_at=now,
        not_before=now,
        empty_lists=0,
        read_backs=0,
        error=event.sentence,
    )


def _absent(life: Life, event: Absent, now: datetime, rules: Rules) -> Life:
    """Two lists without it, the second read when the wait is over: only then it is not there."""
    decides_from = (life.given_up_at or now) + rules.read_back_wait
    free = replace(_free(life, DeliveryState.UNKNOWN), empty_lists=life.empty_lists + 1)
    if life.empty_lists < 1 or event.asked_at < decides_from:
        return replace(free, not_before=max(decides_from, now + rules.read_back_wait / 6))
    if life.useful_until <= now:
        return replace(free, state=DeliveryState.MISSED, error=NO_LONGER_USEFUL)
    if life.attempts >= rules.retry_limit:
        return replace(free, state=DeliveryState.REFUSED, error=NOT_REACHED)
    return replace(free, state=DeliveryState.QUEUED, not_before=now, error=None)


def _unread(life: Life, event: Unread, rules: Rules) -> Life:
    tries = life.read_backs + (1 if event.counts else 0)
    if tries >= rules.read_back_tries:
        return replace(_free(life, DeliveryState.NEEDS_PERSON), read_backs=tries, error=CANNOT_LOOK)
    return replace(_free(life, DeliveryState.UNKNOWN), read_backs=tries, not_before=event.until, error=event.sentence)


def _free(life: Life, state: DeliveryState) -> Life:
    return replace(life, state=state, claimed_by=None, lease_until=None)
