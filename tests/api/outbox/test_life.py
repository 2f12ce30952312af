"""The table of a delivery's life, and what must hold whatever happens in whatever order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.models import DeliveryState
from api.outbox.life import (
    CANNOT_LOOK,
    CANNOT_READ_BACK,
    NO_LONGER_USEFUL,
    NOT_REACHED,
    SOMEBODY_ELSES,
    Absent,
    Event,
    Found,
    Life,
    Lost,
    No,
    Released,
    Rules,
    Sent,
    Taken,
    Unread,
    Waits,
    after,
)
from api.platforms.errors import Refusal

DUE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW = DUE + timedelta(seconds=2)
RULES = Rules(retry_limit=3, read_back_wait=timedelta(seconds=30), read_back_tries=2)
SENT, FOUND = Sent("11", "https://town.example/11", NOW), Found("11", "https://town.example/11", DUE)
NO = No(Refusal.INVALID, "The server says that it is too long.")
BUSY = Waits("The server asks us to wait.", NOW + timedelta(seconds=9), counts=False)
CLOSED = Waits("The server could not be reached.", NOW + timedelta(seconds=9), counts=True)
LOST = Lost("The server's answer was lost.")
ABSENT, UNREAD = Absent(NOW), Unread("A problem of its own (503).", NOW + timedelta(seconds=4), counts=True)
EVENTS: list[Event] = [SENT, FOUND, NO, BUSY, CLOSED, LOST, ABSENT, UNREAD, Released(), Taken()]


def life(state: DeliveryState, **more: object) -> Life:
    held = state in (DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN)
    started = state in (DeliveryState.SENDING, DeliveryState.UNKNOWN)
    given_up = DUE + timedelta(seconds=1) if state is DeliveryState.UNKNOWN else None
    made = Life(
        state, DUE, DUE, DUE + timedelta(hours=2), attempts=1 if started else 0,
        claimed_by="me" if held else None, first_started_at=DUE if started else None, given_up_at=given_up,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def then(before: Life, event: Event, worker: str = "me", now: datetime = NOW) -> Life | None:
    return after(before, event, worker, now, RULES)


@pytest.mark.parametrize(
    ("state", "event", "becomes"),
    [
        ("sending", SENT, "sent"), ("sending", NO, "refused"), ("sending", BUSY, "queued"),
        ("sending", CLOSED, "queued"), ("sending", LOST, "unknown"), ("sending", Taken(), "needs_person"),
        ("unknown", SENT, "sent"), ("unknown", FOUND, "sent"), ("unknown", ABSENT, "unknown"),
        ("unknown", UNREAD, "unknown"), ("unknown", LOST, "unknown"), ("claimed", Released(), "queued"),
        ("queued", SENT, "sent"), ("claimed", SENT, "sent"), ("needs_person", SENT, "sent"),
        ("missed", SENT, "sent"), ("refused", SENT, "sent"),
    ],
)  # fmt: skip
def test_what_happens_to_a_delivery_in_our_hands(state: str, event: Event, becomes: str) -> None:
    changed = then(life(DeliveryState(state)), event)
    assert changed is not None
    assert changed.state == becomes
    assert changed.claimed_by is None


@pytest.mark.parametrize("event", [NO, BUSY, CLOSED, Released(), FOUND, ABSENT, UNREAD, Taken()])
@pytest.mark.parametrize("state", list(DeliveryState))
def test_who_lost_the_lease_changes_nothing(state: DeliveryState, event: Event) -> None:
    assert then(life(state), event, worker="somebody else") is None


@pytest.mark.parametrize("event", EVENTS)
def test_what_is_sent_stays_sent(event: Event) -> None:
    assert then(life(DeliveryState.SENT, remote_id="10"), event) is None


def test_a_late_answer_is_out_even_when_the_lease_is_lost_to_another() -> None:
    changed = then(life(DeliveryState.SENDING, claimed_by="another"), SENT)
    assert changed is not None
    assert (changed.state, changed.remote_id, changed.lateness_ms) == (DeliveryState.SENT, "11", 2000)


def test_patience_that_was_asked_for_is_no_attempt() -> None:
    busy, closed = then(life(DeliveryState.SENDING), BUSY), then(life(DeliveryState.SENDING), CLOSED)
    assert busy is not None
    assert closed is not None
    assert (busy.attempts, closed.attempts) == (0, 1)
    assert busy.not_before == BUSY.until
    assert busy.first_started_at is None, "nothing was written: nothing to look for"


def test_an_attempt_that_may_have_arrived_is_remembered_by_the_ones_after_it() -> None:
    changed = then(life(DeliveryState.SENDING, given_up_at=DUE), CLOSED)
    assert changed is not None
    assert changed.first_started_at == DUE


def test_attempts_that_reached_nothing_end() -> None:
    changed = then(life(DeliveryState.SENDING, attempts=3), CLOSED)
    assert changed is not None
    assert (changed.state, changed.error) == (DeliveryState.REFUSED, NOT_REACHED)


def test_one_empty_list_is_not_enough() -> None:
    late = DUE + timedelta(minutes=5)
    changed = then(life(DeliveryState.UNKNOWN), Absent(late), now=late)
    assert changed is not None
    assert (changed.state, changed.empty_lists) == (DeliveryState.UNKNOWN, 1)


def test_a_second_empty_list_before_the_wait_is_over_is_not_enough() -> None:
    given_up = DUE + timedelta(seconds=1)
    changed = then(life(DeliveryState.UNKNOWN, empty_lists=1), Absent(given_up + timedelta(seconds=29)))
    assert changed is not None
    assert changed.state is DeliveryState.UNKNOWN
    assert changed.not_before >= given_up + RULES.read_back_wait


def test_two_empty_lists_the_second_after_the_wait_make_it_safe_to_send_again() -> None:
    late = DUE + timedelta(seconds=31)
    changed = then(life(DeliveryState.UNKNOWN, empty_lists=1), Absent(late), now=late)
    assert changed is not None
    assert (changed.state, changed.first_started_at) == (DeliveryState.QUEUED, DUE)


def test_not_there_and_no_longer_useful_is_missed() -> None:
    late = DUE + timedelta(hours=3)
    changed = then(life(DeliveryState.UNKNOWN, empty_lists=1), Absent(late), now=late)
    assert changed is not None
    assert (changed.state, changed.error) == (DeliveryState.MISSED, NO_LONGER_USEFUL)


def test_a_request_given_up_after_the_lease_starts_the_wait_again() -> None:
    changed = then(life(DeliveryState.UNKNOWN, empty_lists=1, claimed_by="another"), LOST)
    assert changed is not None
    assert (changed.given_up_at, changed.empty_lists) == (NOW, 0)


def test_lists_that_cannot_be_read_ask_a_person_in_the_end() -> None:
    changed = then(life(DeliveryState.UNKNOWN, read_backs=1), UNREAD)
    assert changed is not None
    assert (changed.state, changed.error) == (DeliveryState.NEEDS_PERSON, CANNOT_LOOK)


def test_a_platform_without_lists_asks_a_person_at_once() -> None:
    changed = then(life(DeliveryState.SENDING), Lost("", readable=False))
    assert changed is not None
    assert (changed.state, changed.error) == (DeliveryState.NEEDS_PERSON, CANNOT_READ_BACK)


def test_an_answer_that_names_anothers_post_asks_a_person() -> None:
    changed = then(life(DeliveryState.SENDING), Taken())
    assert changed is not None
    assert changed.error == SOMEBODY_ELSES


@given(st.integers(min_value=0, max_value=2**32))
def test_whatever_happens_nothing_that_may_be_out_is_sent_before_it_was_looked_for(seed: int) -> None:
    """A platform without idempotency, a list that lags less than the wait: at most one post, whatever is lost when."""
    chance, now = Random(seed), DUE
    row, posts, given_up_with_post = life(DeliveryState.QUEUED), list[datetime](), False
    for _ in range(60):
        now += timedelta(seconds=chance.uniform(0, 20))
        if row.state is DeliveryState.QUEUED and row.not_before <= now:
            row = replace(
                row, state=DeliveryState.SENDING, claimed_by="me", attempts=row.attempts + 1,
                first_started_at=row.first_started_at or now,
            )  # fmt: skip
            assert not posts, "sent again although it is out"
            event = chance.choice([LOST, LOST, replace(CLOSED, until=now), replace(BUSY, until=now), None])
            if event is None:  # killed: the lease runs out
                if chance.random() < 0.5:
                    posts.append(now)
                row = replace(row, state=DeliveryState.UNKNOWN, claimed_by=None, given_up_at=now, empty_lists=0)
                continue
            if event is LOST and chance.random() < 0.5:
                posts.append(now)
                given_up_with_post = True
            row = after(row, event, "me", now, RULES) or row
        elif row.state is DeliveryState.UNKNOWN and row.not_before <= now:
            row = replace(row, claimed_by="me")
            shown = [at for at in posts if at <= now - timedelta(seconds=chance.uniform(0, 25))]
            look: Event = Found("11", "", shown[0]) if shown else Absent(now)
            row = after(row, look, "me", now, RULES) or row
    assert len(posts) <= 1
    if row.state is DeliveryState.SENT:
        assert len(posts) == 1
    if row.state in (DeliveryState.REFUSED, DeliveryState.MISSED):
        assert posts == []
    assert not given_up_with_post or row.state in (DeliveryState.SENT, DeliveryState.UNKNOWN)
