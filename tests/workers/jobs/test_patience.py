"""What is heard about limits, who waits for it, and who does not."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import cycle
from uuid import UUID, uuid4

import pytest

from api.accounts import buckets
from api.core.clock import Clock, now
from api.core.runtime import Runtime
from api.models import Bucket, DeliveryState
from api.outbox.life import TOO_LATE_THEN
from api.platforms.values import Platform, Request, Response
from api.platforms.windows import Call
from tests.support.factories import count_of
from tests.support.small_town import SmallTown
from tests.support.stage import Stage, soon
from tests.workers.platforms.fake import reply
from workers.context import Context
from workers.jobs import sharing
from workers.jobs.patience import LONGEST_WAIT, Patience, asks_us_to_wait, call_of
from workers.platforms import CONNECTORS
from workers.vault import Vault

TOWN = "https://town.example"
GET = Request("GET", f"{TOWN}/api/v1/notifications")
POST = Request("POST", f"{TOWN}/api/v1/statuses", {"Content-Type": "application/json"}, creates=True)
ALICE, BOB = uuid4(), uuid4()
MINUTE = timedelta(seconds=60)


def answer(remaining: int, limit: int = 300, status: int = 200, ends_in: float = 60.0) -> Response:
    headers = {
        "limit": str(limit),
        "remaining": str(remaining),
        "reset": (now() + timedelta(seconds=ends_in)).isoformat(),
    }
    return reply({}, status, **{f"x-ratelimit-{name}": value for name, value in headers.items()})


class Ear:
    """A worker's patience, as the tests ask it."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()

    def hears(self, account: UUID, response: Response, request: Request = GET) -> None:
        self.patience.hear(account, TOWN, request, response)

    def waits(self, account: UUID, call: Call = Call.PUBLISH) -> bool:
        return self.patience.wait(account, TOWN, call) is not None

    def may_read(self, account: UUID) -> bool:
        return self.patience.reading_waits(account, TOWN) is None


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_while_there_is_plenty_nobody_waits(ear: Ear) -> None:
    ear.hears(ALICE, answer(290))
    ear.hears(ALICE, answer(200), POST)
    assert ear.may_read(ALICE)
    assert not ear.waits(ALICE)
    assert ear.patience.rest(ALICE, TOWN) == 0


def test_reading_slows_down_and_then_stops_while_posts_still_go(ear: Ear) -> None:
    ear.hears(ALICE, answer(100))
    first = ear.patience.rest(ALICE, TOWN)
    ear.hears(ALICE, answer(40))
    assert 0 < first < ear.patience.rest(ALICE, TOWN) < 60
    assert ear.may_read(ALICE)
    ear.hears(ALICE, answer(30))
    assert not ear.may_read(ALICE)
    assert not ear.waits(ALICE)


def test_what_posts_use_up_is_missing_to_reading_where_both_draw_on_one_limit(ear: Ear) -> None:
    ear.hears(ALICE, answer(250))
    ear.hears(ALICE, answer(10), POST)
    assert not ear.may_read(ALICE)
    ear.hears(BOB, answer(900, limit=1000))
    ear.hears(BOB, answer(2, limit=100), POST)
    assert ear.may_read(BOB)


def test_the_last_one_allowed_is_the_last_one_asked_for(ear: Ear) -> None:
    ear.hears(ALICE, answer(0), POST)
    assert ear.waits(ALICE)
    assert not ear.waits(ALICE, Call.MEDIA)
    assert not ear.waits(BOB)


def test_a_window_that_is_over_holds_nobody(ear: Ear, moved_clock: Clock) -> None:
    ear.hears(ALICE, answer(0, ends_in=30), POST)
    moved_clock.pass_time(seconds=31)
    assert not ear.waits(ALICE)
    assert ear.may_read(ALICE)


def test_a_new_window_is_noticed_by_its_first_answer(ear: Ear) -> None:
    ear.hears(ALICE, answer(5))
    assert not ear.may_read(ALICE)
    ear.hears(ALICE, answer(299, ends_in=300))
    assert ear.may_read(ALICE)


@pytest.mark.parametrize("style", ["iso", "epoch", "seconds", "date"])
def test_being_asked_to_wait_is_kept_to_however_it_is_said(ear: Ear, style: str) -> None:
    then = now() + MINUTE
    headers = {
        "iso": {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "0", "x-ratelimit-reset": then.isoformat()},
        "epoch": {
            "x-rate-limit-limit": "9",
            "x-rate-limit-remaining": "0",
            "x-rate-limit-reset": str(then.timestamp()),
        },
        "seconds": {"retry-after": "60"},
        "date": {"retry-after": format_datetime(then.astimezone(UTC), usegmt=True)},
    }[style]
    ear.hears(ALICE, reply({"error": "Too many requests"}, 429, **headers), POST)
    until = ear.patience.wait(ALICE, TOWN, Call.PUBLISH)
    assert until is not None
    assert abs(until - then) < timedelta(seconds=2)
    assert not ear.waits(BOB)


def test_a_platform_that_does_not_say_how_long_is_left_alone_longer_each_time(ear: Ear, moved_clock: Clock) -> None:
    waits = []
    for _ in range(9):
        ear.hears(ALICE, reply({}, 429), POST)
        until = ear.patience.wait(ALICE, TOWN, Call.PUBLISH)
        assert until is not None
        waits.append(round((until - now()).total_seconds()))
        moved_clock.pass_time(seconds=waits[-1] + 1)
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == LONGEST_WAIT
    ear.hears(ALICE, reply({}), POST)
    ear.hears(ALICE, reply({}, 429), POST)
    until = ear.patience.wait(ALICE, TOWN, Call.PUBLISH)
    assert until is not None
    assert until - now() < timedelta(seconds=6)


def test_where_all_who_come_from_here_are_counted_together_all_wait(ear: Ear) -> None:
    """GoToSocial counts by address: what remains falls with each answer, whoever got it."""
    for remaining, account in zip(range(12, -1, -1), cycle([ALICE, BOB]), strict=False):
        ear.hears(account, answer(remaining), POST)
    assert ear.waits(ALICE)
    assert ear.waits(BOB)
    assert ear.waits(uuid4())


def test_where_each_account_has_its_own_limit_one_that_is_used_up_holds_no_other(ear: Ear) -> None:
    """Both are asked as often, so that both numbers fall side by side."""
    for remaining in range(140, 100, -1):
        ear.hears(ALICE, answer(remaining), POST)
        ear.hears(BOB, answer(remaining), POST)
    ear.hears(ALICE, answer(0, status=429), POST)
    assert ear.waits(ALICE)
    assert not ear.waits(BOB)


def test_a_sudden_no_to_one_account_is_its_own_even_where_all_are_counted_together(ear: Ear) -> None:
    for remaining, account in zip(range(140, 120, -1), cycle([ALICE, BOB]), strict=False):
        ear.hears(account, answer(remaining), POST)
    ear.hears(ALICE, answer(0, status=429), POST)
    assert not ear.waits(BOB)


def test_what_is_asked_is_told_by_the_request() -> None:
    picture = Request("POST", TOWN, {"Content-Type": "image/jpeg"}, b"bytes", creates=True)
    form = Request("POST", TOWN, {"Content-Type": "multipart/form-data; boundary=x"}, b"bytes")
    assert [call_of(each) for each in (GET, POST, picture, form)] == [Call.READ, Call.PUBLISH, Call.MEDIA, Call.MEDIA]
    assert call_of(Request("DELETE", TOWN)) is Call.CHANGE
    assert call_of(Request("POST", TOWN, {"Content-Type": "application/json"})) is Call.CHANGE


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (datetime(2026, 6, 1, 13, 5, tzinfo=UTC), "14:05"),
        (datetime(2026, 6, 1, 13, 4, 1, tzinfo=UTC), "14:05"),
        (datetime(2026, 6, 2, 6, 0, tzinfo=UTC), "Tue 2 Jun, 07:00"),
    ],
)
def test_the_wait_is_said_by_londons_clock_and_never_too_early(
    until: datetime, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.jobs.patience.now", lambda: datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
    assert asks_us_to_wait(Platform.MASTODON, until) == f"Mastodon asks us to wait until {words}."


async def test_two_workers_share_what_they_learn(runtime: Runtime) -> None:
    one, other = Ear(), Ear()
    await other.patience.share(runtime)
    one.hears(ALICE, answer(0), POST)
    for remaining, account in zip(range(12, -1, -1), cycle([ALICE, BOB]), strict=False):
        one.hears(account, answer(remaining))
    await one.patience.share(runtime)
    assert not other.waits(ALICE)
    await other.patience.share(runtime)
    assert other.waits(ALICE)
    assert not other.waits(BOB)
    assert not other.may_read(BOB)


async def test_plenty_is_never_written_down_and_what_is_over_is_cleared(runtime: Runtime, moved_clock: Clock) -> None:
    ear = Ear()
    for remaining in range(300, 100, -1):
        ear.hears(ALICE, answer(remaining))
    await ear.patience.share(runtime)
    assert await count_of(runtime.database, Bucket) == 0
    ear.hears(ALICE, answer(3))
    await ear.patience.share(runtime)
    ear.hears(ALICE, answer(2))
    await ear.patience.share(runtime)
    assert await count_of(runtime.database, Bucket) == 1
    moved_clock.pass_time(hours=2)
    async with runtime.unit_of_work() as session:
        assert await buckets.clear(session, now(), 100) == 1


async def test_a_database_that_is_away_loses_nothing_that_was_to_be_told(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Ear(), Ear()
    one.hears(ALICE, answer(0), POST)
    with monkeypatch.context() as away:
        away.setattr(runtime, "unit_of_work", _gone)
        with pytest.raises(OSError, match="away"):
            await one.patience.share(runtime)
    await one.patience.share(runtime)
    await other.patience.share(runtime)
    assert other.waits(ALICE)


def _gone() -> None:
    raise OSError("the database is away")


async def test_a_post_says_until_when_the_platform_asks_it_to_wait_and_counts_no_attempt(stage: Stage) -> None:
    account = await stage.account()
    stage.town.retry_after = 600
    stage.town.fault = lambda _: "429"
    delivery = await stage.queue(account, "Road closed")
    stage.start()

    async def told() -> bool:
        return (await stage.delivery(delivery.id)).error is not None

    await stage.until(told)
    waiting = await stage.delivery(delivery.id)
    assert waiting.error is not None
    assert waiting.error.startswith("Mastodon asks us to wait until ")
    assert (waiting.state, waiting.attempts) == (DeliveryState.QUEUED, 0)
    assert timedelta(minutes=9) < waiting.not_before - now() < timedelta(minutes=11)
    assert stage.town.calls == [("POST", "429")]


async def test_a_wait_beyond_its_use_is_said_at_once_and_not_when_it_is_over(stage: Stage) -> None:
    account = await stage.account()
    stage.town.retry_after = 3600
    stage.town.fault = lambda _: "429"
    useful, hopeless = soon(7200), soon(1800)
    first = await stage.queue(account, "Witnesses wanted", useful_until=useful)
    second = await stage.queue(account, "Road closed", soon(0.01), useful_until=hopeless)
    stage.start()
    missed = await stage.is_in(second, DeliveryState.MISSED)
    assert missed.error is not None
    assert missed.error.startswith("Mastodon asks us to wait until ")
    assert missed.error.endswith(TOO_LATE_THEN)
    assert (await stage.delivery(first.id)).state is DeliveryState.QUEUED


async def test_in_each_process_one_loop_shares_for_all_and_stops_when_asked(runtime: Runtime) -> None:
    vault = Vault([bytes(range(32))])
    here, there = (Context(runtime, SmallTown(), CONNECTORS, vault) for _ in range(2))
    stop = asyncio.Event()
    loops = [asyncio.create_task(sharing.loop(context, stop)) for context in (here, here, there)]
    Ear(here.patience).hears(ALICE, answer(0), POST)
    async with asyncio.timeout(20):
        while not Ear(there.patience).waits(ALICE):  # noqa: ASYNC110 - the database cannot ring
            await asyncio.sleep(0.05)
    assert await count_of(runtime.database, Bucket) == 1
    stop.set()
    await asyncio.gather(*loops)
    assert not here.patience.tended


async def test_a_post_is_not_even_asked_for_where_another_worker_learnt_that_it_would_be_refused(stage: Stage) -> None:
    account = await stage.account()
    one = Ear()
    one.patience.hear(account.id, account.instance, POST, answer(0, ends_in=900))
    await one.patience.share(stage.runtime)
    context = replace(stage.context)
    await context.patience.share(stage.runtime)
    delivery = await stage.queue(account, "Road closed")
    stage.start(patience=context.patience)

    async def told() -> bool:
        return (await stage.delivery(delivery.id)).error is not None

    await stage.until(told)
    waiting = await stage.delivery(delivery.id)
    assert (waiting.state, waiting.attempts, stage.town.calls) == (DeliveryState.QUEUED, 0, [])
