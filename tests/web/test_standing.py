"""What a post's page says of each account: honest sentences, and how soon it is worth asking again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.core.ids import new_id
from api.models import Account, AccountState, Delivery, DeliveryState, Sighting, SightingState
from api.platforms.values import Platform
from web.standing import QUICK, SLOW, pace, sentence

AT = datetime(2026, 11, 24, 9, 0, 30, tzinfo=UTC)
NINE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def a_delivery(state: DeliveryState = DeliveryState.QUEUED, **more: Any) -> Delivery:
    values = {"due_at": NINE, "not_before": NINE, "useful_until": NINE + timedelta(hours=2)} | more
    return Delivery(force_id=new_id(), account_id=new_id(), text="Road closed", state=state, **values)


def an_account(**more: Any) -> Account:
    return Account(force_id=new_id(), platform=Platform.MASTODON, instance="", remote_id="", handle="", name="", **more)


def a_sighting(state: SightingState, error: str = "") -> Sighting:
    return Sighting(
        force_id=new_id(), delivery_id=new_id(), asked_by_id=new_id(), url="", next_try_at=AT, state=state, error=error
    )  # fmt: skip


def said(delivery: Delivery, account: Account | None = None, sighting: Sighting | None = None) -> str:
    return sentence(delivery, account or an_account(), sighting, AT)


def test_what_waits_says_until_when() -> None:
    later = a_delivery(due_at=NINE + timedelta(hours=1))
    assert said(later) == "Waiting for its time: 10:00 today, useful until 11:00 today."


def test_what_a_platform_asks_for_is_said_with_its_name() -> None:
    asked = "Mastodon asks us to wait until 14:05."
    waits = an_account(send_after=datetime(2026, 11, 24, 14, 5, tzinfo=UTC), send_after_why=asked)
    assert said(a_delivery(), waits).startswith(asked)


def test_a_try_that_failed_says_when_the_next_is() -> None:
    failed = a_delivery(error="The server could not be reached.", not_before=AT + timedelta(seconds=20))
    assert said(failed).startswith("The server could not be reached. Next try 09:00:50 today, by itself")


def test_a_part_waits_for_the_part_before_it() -> None:
    assert "the part before it" in said(a_delivery(parent_id=new_id()))
    assert said(a_delivery()) == "Its turn comes in a moment."


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (an_account(state=AccountState.NEEDS_RECONNECT), "its account has to be connected again"),
        (an_account(state=AccountState.SUSPENDED), "suspended"),
        (an_account(token_expires_at=NINE), "the permission for the account ended 09:00 today"),
    ],
)
def test_what_will_not_go_out_says_so_before(account: Account, words: str) -> None:
    told = said(a_delivery(), account)
    assert "It will not go out: " in told
    assert words in told


def test_a_lost_answer_is_read_back_and_says_how_often() -> None:
    doubtful = a_delivery(DeliveryState.UNKNOWN, empty_lists=1, not_before=AT + timedelta(seconds=30))
    assert said(doubtful).startswith("The answer was lost. We are reading the account to see")
    assert "Looked once so far. Next look 09:01:00 today." in said(doubtful)


def test_what_is_out_says_to_the_second_and_the_tenth_how_late() -> None:
    out = a_delivery(DeliveryState.SENT, sent_at=NINE, lateness_ms=210)
    assert said(out).replace("\u00a0", " ") == "Out at 09:00:00 today, 0.21 s late."
    assert "on time" in said(a_delivery(DeliveryState.SENT, sent_at=NINE, lateness_ms=10))
    assert "2 min 14 s late" in said(a_delivery(DeliveryState.SENT, sent_at=NINE, lateness_ms=134_000))


def test_an_address_is_not_believed_before_it_was_looked_at() -> None:
    doubtful = a_delivery(DeliveryState.NEEDS_PERSON, error="Look at the account, then decide.")
    assert "We are looking" in said(doubtful, sighting=a_sighting(SightingState.ASKED))
    rejected = said(doubtful, sighting=a_sighting(SightingState.REJECTED, "It is not ours."))
    assert rejected == "It is not ours. Look at the account, then decide."


@pytest.mark.parametrize(
    ("delivery", "account", "every"),
    [
        (a_delivery(DeliveryState.SENDING), an_account(), QUICK),
        (a_delivery(DeliveryState.UNKNOWN), an_account(), QUICK),
        (a_delivery(due_at=AT + timedelta(seconds=30)), an_account(), QUICK),
        (a_delivery(due_at=AT + timedelta(minutes=10)), an_account(), SLOW),
        (a_delivery(), an_account(send_after=AT + timedelta(minutes=5)), SLOW),
        (a_delivery(), an_account(state=AccountState.SUSPENDED), SLOW),
        (a_delivery(due_at=AT + timedelta(days=1)), an_account(), 0),
        (a_delivery(DeliveryState.SENT), an_account(), 0),
        (a_delivery(DeliveryState.NEEDS_PERSON), an_account(), 0),
    ],
)
def test_it_asks_again_only_as_soon_as_something_can_have_changed(
    delivery: Delivery, account: Account, every: int
) -> None:
    delivery.account_id = account.id
    assert pace([delivery], {account.id: account}, {}, AT) == every


def test_of_many_the_quickest_counts_and_an_address_is_looked_at_quickly() -> None:
    settled, doubtful = a_delivery(DeliveryState.SENT), a_delivery(DeliveryState.NEEDS_PERSON)
    assert pace([settled, doubtful], {}, {doubtful.id: a_sighting(SightingState.ASKED)}, AT) == QUICK
    assert pace([], {}, {}, AT) == 0
