"""The promise as pages: how late everything was, what needs somebody, what will not go out, and what to do about it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from api.core.clock import now
from api.core.runtime import Runtime
from api.models import (
    Account,
    AccountState,
    Alert,
    AlertKind,
    AlertMessage,
    Delivery,
    DeliveryState,
    Person,
    Sighting,
    Webhook,
)
from api.outbox import service as outbox
from tests.support.factories import Cast
from tests.support.reader import Reader
from tests.web.conftest import Sits
from tests.web.test_writing import YES
from web.words import for_input
from workers.vault import Vault

WHERE = "https://town.example/@sandfordnorth/1000"


async def out(runtime: Runtime, cast: Cast, account: Account, **values: object) -> Delivery:
    async with runtime.unit_of_work() as session:
        due = now() - timedelta(hours=2)
        delivery = await outbox.queue(session, cast.alice, account, "Walk with us", due, team_id=cast.team.id)
        for name, value in ({"state": DeliveryState.SENT, "lateness_ms": 210} | values).items():
            setattr(delivery, name, value)
    return delivery


async def change(runtime: Runtime, account: Account, **values: object) -> None:
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Account, account.id)
        for name, value in values.items():
            setattr(row, name, value)


async def an_alert(runtime: Runtime, cast: Cast, account: Account, kind: AlertKind) -> Alert:
    async with runtime.unit_of_work() as session:
        alert = Alert(force_id=cast.force.id, team_id=account.team_id, account_id=account.id, kind=kind)
        session.add(alert)
    return alert


async def test_the_page_says_how_late_it_was_also_to_who_does_not_see_the_drawing(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    await out(runtime, cast, account)
    await out(runtime, cast, account, state=DeliveryState.MISSED, lateness_ms=None, error="It was no longer useful.")
    alice = await sits(cast.alice)
    page = await alice.open("/on-time")
    assert "0.21 s half of them, at most" in page.words.replace("\u00a0", " ")
    assert "1 missed too late to be useful" in page.words
    assert "It was no longer useful." in page.words
    assert 'aria-label="99 in 100 were at most 1 second late on 1 of 1 day with posts.' in alice.answer.text
    assert "Did not go out as planned: 1 on" in alice.answer.text
    assert "The same as a table" in page.words
    only = await alice.open(f"/on-time?account={account.id}")
    assert "On time: Sandford North Police" in only.words


async def test_nothing_sent_says_what_the_page_is_for_and_charlie_sees_nothing(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    await out(runtime, cast, account)
    charlie = await sits(cast.charlie)
    assert "Nothing went out in these 30 days" in (await charlie.open("/on-time")).words
    await charlie.open(f"/on-time?account={account.id}")
    assert charlie.answer.status_code == 404


async def test_the_days_can_be_taken_as_a_table(sits: Sits, cast: Cast, runtime: Runtime, account: Account) -> None:
    await out(runtime, cast, account)
    alice, charlie = await sits(cast.alice), await sits(cast.charlie)
    await alice.open("/on-time")
    await alice.follow("Take it as a table")
    assert alice.answer.headers["content-type"].startswith("text/csv")
    head, *days = alice.answer.text.splitlines()
    assert head == "day,sent,p50_ms,p99_ms,longest_ms,missed,refused,needs_person,again"
    assert len(days) == 30
    assert sum(day.endswith(",1,210,210,210,0,0,0,0") for day in days) == 1
    await charlie.open("/on-time/days.csv")
    assert "210" not in charlie.answer.text


async def test_today_has_a_line_of_proof(sits: Sits, cast: Cast, runtime: Runtime, account: Account) -> None:
    await out(runtime, cast, account)
    page = await (await sits(cast.alice)).open("/")
    assert "Last 7 days: 1 sent, 99 in 100 within 0.21 s, none missed" in page.words.replace("\u00a0", " ")
    assert "/on-time" in page.links.values()


async def test_what_will_not_go_out_stands_wherever_somebody_could_see_it(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    alice = await sits(cast.alice)
    await alice.open("/write")
    await alice.press(YES, text="Lambs and leads", when="on", publish_at=for_input(now() + timedelta(days=3)))
    post = alice.answer.url.path
    assert "will not go out" not in (await alice.open("/")).words
    await change(runtime, account, token_expires_at=now() + timedelta(days=1))
    for address in ("/", "/on-time", f"/accounts/{account.id}"):
        assert (
            "1 planned post will not go out: the permission for the account ends" in (await alice.open(address)).words
        )
    assert "It will not go out: the permission" in (await alice.open(post)).words
    assert "Will not go out on Mastodon" in (await alice.open("/calendar")).words
    await change(runtime, account, token_expires_at=None, state=AccountState.SUSPENDED)
    assert "the platform has suspended its account" in (await alice.open(post)).words


@pytest.fixture
async def doubtful(sits: Sits, cast: Cast, runtime: Runtime, account: Account) -> Reader:
    """Alice in front of a post that may be out."""
    alice = await sits(cast.alice)
    await alice.open("/write")
    await alice.press(YES, text="Bike marking")
    async with runtime.unit_of_work() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
        delivery.state, delivery.error = DeliveryState.NEEDS_PERSON, "The answer was lost. Look, then decide."
    await alice.open(alice.answer.url.path)
    return alice


async def test_who_found_it_there_says_where_and_the_page_says_that_it_looks(
    doubtful: Reader, runtime: Runtime
) -> None:
    assert "hx-trigger" not in doubtful.answer.text.partition("<main")[2].partition("</main>")[0]
    page = await doubtful.press("It is live there", url=WHERE)
    assert "We are looking whether it stands there" in page.words
    assert 'hx-trigger="every 2s"' in doubtful.answer.text
    assert "Said that it is live" in page.words
    assert "It is live there" not in [button for form in page.forms for button in form.buttons]
    async with runtime.read() as session:
        assert (await session.execute(select(Sighting))).scalar_one().url == WHERE


async def test_an_address_that_is_none_is_said_and_sending_again_stays_possible(doubtful: Reader) -> None:
    address = doubtful.answer.url.path
    page = await doubtful.press("It is live there", url="it is there, believe me")
    assert doubtful.answer.status_code == 422
    assert "Paste the whole address" in page.words
    await doubtful.open(address)
    await doubtful.press("It is live there", url=WHERE)
    page = await doubtful.press("Send again, in my name", looked="yes")
    assert "It is on its way again." in page.words


async def test_charlie_and_a_contributor_cannot_say_that_it_is_live(
    doubtful: Reader, sits: Sits, cast: Cast, runtime: Runtime
) -> None:
    async with runtime.read() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
    for viewer, status in ((cast.charlie, 404), (cast.lottie, 403)):
        reader = await sits(viewer)
        answer = await reader.client.post(
            f"/deliveries/{delivery.id}/sighting", data={"url": WHERE}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == status


async def test_an_alert_is_counted_until_somebody_has_seen_it(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    await an_alert(runtime, cast, account, AlertKind.SUSPENDED)
    alice, charlie = await sits(cast.alice), await sits(cast.charlie)
    page = await alice.open("/")
    assert "1 alert that nobody has seen" in page.words
    assert "1 nobody has seen" in page.words, "in the rail"
    page = await alice.follow("alert that nobody has seen")
    assert "Sandford North Police (Mastodon) is suspended" in page.words
    assert f"/accounts/{account.id}" in page.links.values()
    page = await alice.press("Seen: Sandford North Police (Mastodon) is suspended")
    assert "by PCSO Alice Marsh" in page.words
    assert "nobody has seen" not in (await alice.open("/")).words
    assert "suspended" not in (await charlie.open("/alerts")).words


async def test_a_contributor_reads_alerts_and_marks_none(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    alert = await an_alert(runtime, cast, account, AlertKind.MISSED)
    lottie = await sits(cast.lottie)
    page = await lottie.open("/alerts")
    assert "A post missed its time" in page.words
    assert all("seen" not in form.action for form in page.forms)
    answer = await lottie.client.post(f"/alerts/{alert.id}/seen", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 403


async def test_an_administrator_registers_another_system_tests_it_and_ends_it(
    sits: Sits, cast: Cast, runtime: Runtime
) -> None:
    runtime.sealer = Vault([bytes(range(32))]).sealer
    sam = await sits(cast.sam)
    await sam.open("/alerts/webhooks")
    page = await sam.press("Register it", url="http://alarm.example/")
    assert sam.answer.status_code == 422
    assert "begins with https://" in page.words
    page = await sam.press("Register it", url="https://alarm.example/beatline")
    assert "whs_" in page.words
    page = await sam.open("/alerts/webhooks")
    assert "whs_" not in page.words
    page = await sam.press("Send a test to https://alarm.example/beatline")
    assert "On its way" in page.words
    async with runtime.unit_of_work() as session:
        call = (await session.execute(select(AlertMessage))).scalar_one()
        call.tries, call.error = 2, "The address answered 500."
    assert "The address answered 500. 2 tries so far" in (await sam.open("/alerts/webhooks")).words
    page = await sam.press("Use it", url="https://alarm.example/other")
    assert "https://alarm.example/other" in page.words
    page = await sam.press("End it: https://alarm.example/other")
    assert "No other system is told" in page.words
    async with runtime.read() as session:
        assert (await session.execute(select(Webhook))).scalar_one().ended_at is not None


async def test_nobody_else_reaches_other_systems(sits: Sits, cast: Cast) -> None:
    for viewer in (cast.alice, cast.nadia, cast.ellie, cast.charlie):
        reader = await sits(viewer)
        await reader.open("/alerts/webhooks")
        assert reader.answer.status_code == 403
        assert "/alerts/webhooks" not in (await reader.open("/alerts")).links.values()


async def test_each_chooses_their_own_e_mails(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    alice = await sits(cast.alice)
    await alice.open("/me")
    page = await alice.press("Keep these e-mails", kinds=["missed", "needs_person"])
    assert "In the app you see all of them" in page.words
    async with runtime.read() as session:
        kept = await session.get_one(Person, cast.alice.person_id)
    assert set(kept.no_mail or ()) == set(AlertKind) - {AlertKind.MISSED, AlertKind.NEEDS_PERSON}
    chosen = [value for form in page.forms for name, value in form.fields if name == "kinds"]
    assert sorted(chosen) == ["missed", "needs_person"]
    await alice.press("Keep these e-mails", kinds=[])
    async with runtime.read() as session:
        assert len((await session.get_one(Person, cast.alice.person_id)).no_mail or ()) == len(AlertKind)
