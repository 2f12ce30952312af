"""From something that goes wrong to the people and the systems that are told of it, and to its end."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from api.accounts import service as accounts
from api.alerts import queries, service
from api.alerts.causes import MOST_NAMED
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
    MessageState,
    Person,
    Viewer,
    Webhook,
)
from api.outbox import service as outbox
from tests.support.factories import Cast, an_account
from tests.support.mail import Box, mail_server
from workers.context import Context
from workers.jobs import alerts
from workers.jobs.alerts import Watcher
from workers.platforms import CONNECTORS
from workers.platforms.http import HttpxCarrier
from workers.vault import Vault


@dataclass
class Listener:
    """Another system of the force: keeps what it is told and answers what it is told to."""

    port: int = 0
    status: int = 204
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        self.calls.append((headers, await reader.readexactly(int(headers.get("content-length", "0")))))
        writer.write(f"HTTP/1.1 {self.status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.calls]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.hear, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


@dataclass
class Desk:
    """A runtime with one account of the team, somebody who watches, and the ways to look at what came of it."""

    runtime: Runtime
    cast: Cast
    account: Account
    vault: Vault = field(default_factory=lambda: Vault([bytes(range(32))]))

    async def watch(self) -> None:
        carrier = HttpxCarrier(self.runtime.settings.private_hosts, timeout=5)
        watcher = Watcher(Context(self.runtime, carrier, CONNECTORS, self.vault))
        await watcher.look()
        await watcher.post()
        await carrier.aclose()

    def set(self, **settings: Any) -> None:
        self.runtime.settings = self.runtime.settings.model_copy(update=settings)

    async def change(self, **values: Any) -> None:
        async with self.runtime.unit_of_work() as session:
            account = await session.get_one(Account, self.account.id)
            for name, value in values.items():
                setattr(account, name, value)

    async def a_delivery(self, state: DeliveryState) -> Delivery:
        async with self.runtime.unit_of_work() as session:
            delivery = await outbox.queue(
                session, self.cast.alice, self.account, "Road closed", now(), team_id=self.cast.team.id
            )
            delivery.state = state
        return delivery

    async def standing(self, viewer: Viewer | None = None) -> list[AlertKind]:
        async with self.runtime.read() as session:
            page = await queries.alerts(session, viewer or self.cast.alice, standing=True)
        return sorted(alert.kind for alert in page.items)

    async def alert(self) -> Alert:
        async with self.runtime.read() as session:
            return (await session.execute(select(Alert).order_by(Alert.created_at.desc()))).scalars().first()  # type: ignore[attr-defined]

    async def messages(self) -> list[AlertMessage]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(AlertMessage).order_by(AlertMessage.created_at))).scalars())  # type: ignore[arg-type]

    async def hook(self, listener: Listener) -> tuple[Webhook, str]:
        self.set(allow_private_hosts=frozenset({f"127.0.0.1:{listener.port}"}))
        async with self.runtime.unit_of_work() as session:
            url = f"http://127.0.0.1:{listener.port}/beatline"
            return await service.add_webhook(session, self.vault.sealer, self.cast.sam, url)


@pytest.fixture
async def desk(runtime: Runtime, cast: Cast) -> Desk:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")
        account.last_poll_at = now()
    return Desk(runtime, cast, account)


@pytest.fixture
async def post(desk: Desk) -> AsyncIterator[Box]:
    with mail_server(Box()) as box:
        desk.set(smtp_url=f"smtp://127.0.0.1:{box.port}", mail_from="beatline@sandfordvale.example")
        yield box


async def email(desk: Desk, viewer: Viewer) -> str:
    async with desk.runtime.read() as session:
        return (await session.get_one(Person, viewer.person_id)).email


async def test_when_all_is_well_nobody_is_told(desk: Desk, post: Box) -> None:
    await desk.watch()
    assert await desk.standing() == []
    assert post.mails == []


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"state": AccountState.NEEDS_RECONNECT}, AlertKind.NEEDS_RECONNECT),
        ({"state": AccountState.SUSPENDED}, AlertKind.SUSPENDED),
        ({"last_poll_at": now() - timedelta(hours=1)}, AlertKind.FEED_STOPPED),
        ({"token_expires_at": now() + timedelta(days=2)}, AlertKind.PERMISSION_ENDS),
    ],
)
async def test_an_account_in_trouble_is_told_of_once_and_is_over_when_it_is_well(
    desk: Desk, values: dict[str, Any], kind: AlertKind
) -> None:
    await desk.change(**values)
    await desk.watch()
    await desk.watch()
    assert await desk.standing() == [kind]
    assert await desk.standing(desk.cast.charlie) == []
    await desk.change(state=AccountState.ACTIVE, last_poll_at=now(), token_expires_at=None)
    await desk.watch()
    assert await desk.standing() == []
    assert (await desk.alert()).resolved_at is not None


@pytest.mark.parametrize("state", [DeliveryState.NEEDS_PERSON, DeliveryState.REFUSED, DeliveryState.MISSED])
async def test_deliveries_in_trouble_are_one_alert_per_account_that_grows(desk: Desk, state: DeliveryState) -> None:
    first = await desk.a_delivery(state)
    await desk.watch()
    assert await desk.standing() == [AlertKind(state.value)]
    async with desk.runtime.unit_of_work() as session:
        await service.seen(session, desk.cast.alice, (await desk.alert()).id)
    await desk.a_delivery(state)
    await desk.watch()
    grown = await desk.alert()
    assert (grown.number, grown.seen_at) == (2, None), "one more is news"
    async with desk.runtime.unit_of_work() as session:
        await service.seen(session, desk.cast.alice, grown.id)
        (await session.get_one(Delivery, first.id)).state = DeliveryState.SENT
    await desk.watch()
    shrunk = await desk.alert()
    assert shrunk.number == 1
    assert shrunk.seen_at is not None, "one less is none"


async def test_what_was_missed_is_history_after_a_week(desk: Desk) -> None:
    await desk.a_delivery(DeliveryState.MISSED)
    await desk.a_delivery(DeliveryState.NEEDS_PERSON)
    desk.runtime.clock.pass_time(days=8)
    await desk.change(last_poll_at=now())
    await desk.watch()
    assert await desk.standing() == [AlertKind.NEEDS_PERSON]


async def test_those_who_can_do_something_get_one_letter_each(desk: Desk, post: Box) -> None:
    await desk.change(state=AccountState.NEEDS_RECONNECT)
    await desk.watch()
    await desk.watch()
    cast = desk.cast
    told = {await email(desk, viewer) for viewer in (cast.nadia, cast.ellie, cast.sam)}
    assert sorted(post.recipients) == sorted(told)
    assert "has to be connected again" in post.mails[0]["Subject"]
    assert f"/accounts/{desk.account.id}" in post.words()
    assert all(message.state is MessageState.SENT for message in await desk.messages())


async def test_a_missed_post_is_told_to_who_writes_in_the_team_without_its_words(desk: Desk, post: Box) -> None:
    await desk.a_delivery(DeliveryState.MISSED)
    await desk.watch()
    cast = desk.cast
    told = {await email(desk, viewer) for viewer in (cast.alice, cast.bob, cast.nadia, cast.ellie)}
    assert set(post.recipients) == told
    letters = [post.words(number) for number in range(len(post.mails))]
    assert all("Road closed" not in each for each in letters)
    assert sum("Alice" in each for each in letters) == 1, "nobody reads whom else we told"
    assert f"/on-time?account={desk.account.id}#mend" in letters[0]


async def test_the_forces_own_account_is_for_those_of_the_whole_force(desk: Desk, post: Box) -> None:
    await desk.change(team_id=None, last_poll_at=now() - timedelta(hours=1))
    await desk.watch()
    cast = desk.cast
    whole_force = {await email(desk, viewer) for viewer in (cast.ellie, cast.dev, cast.sam)}
    assert set(post.recipients) == whole_force
    assert await desk.standing(cast.alice) == []
    post.recipients.clear()
    await desk.a_delivery(DeliveryState.MISSED)
    await desk.watch()
    assert set(post.recipients) == whole_force


async def test_much_at_once_is_one_letter(desk: Desk, post: Box) -> None:
    async with desk.runtime.unit_of_work() as session:
        for _ in range(4):
            account = await an_account(session, desk.cast.force, desk.cast.team)
            account.state = AccountState.SUSPENDED
    await desk.watch()
    assert post.recipients.count(await email(desk, desk.cast.nadia)) == 1
    assert "4 things need somebody" in post.mails[0]["Subject"]


async def test_who_turned_a_kind_off_gets_the_others(desk: Desk, post: Box) -> None:
    async with desk.runtime.unit_of_work() as session:
        await service.choose_mail(session, desk.cast.nadia, set(AlertKind) - {AlertKind.SUSPENDED})
        (await session.get_one(Person, desk.cast.ellie.person_id)).active = False
    await desk.change(state=AccountState.SUSPENDED)
    await desk.watch()
    assert post.recipients == [await email(desk, desk.cast.sam)]
    await desk.change(state=AccountState.NEEDS_RECONNECT)
    await desk.watch()
    assert await email(desk, desk.cast.nadia) in post.recipients


async def test_the_owner_is_told_whatever_their_role(desk: Desk, post: Box) -> None:
    await desk.change(state=AccountState.SUSPENDED, owner_id=desk.cast.moira.person_id)
    await desk.watch()
    assert await email(desk, desk.cast.moira) in post.recipients


async def test_a_mail_server_that_is_gone_makes_letters_late_and_loses_none(desk: Desk) -> None:
    with mail_server(Box()) as gone:
        port = gone.port
    desk.set(smtp_url=f"smtp://127.0.0.1:{port}")
    await desk.change(state=AccountState.SUSPENDED)
    await desk.watch()
    assert {message.state for message in await desk.messages()} == {MessageState.WAITING}
    with mail_server(Box(), port=port) as box:
        await desk.watch()
        assert box.mails == [], "not before its wait is over"
        desk.runtime.clock.pass_time(minutes=2)
        await desk.change(last_poll_at=now())
        await desk.watch()
        await desk.watch()
        assert len(box.mails) == 3
    assert {message.state for message in await desk.messages()} == {MessageState.SENT}


async def test_a_refused_recipient_is_not_tried_again_and_keeps_nobody_else_waiting(desk: Desk, post: Box) -> None:
    post.refuse[await email(desk, desk.cast.nadia)] = "550 no such user"
    await desk.change(state=AccountState.SUSPENDED)
    await desk.watch()
    desk.runtime.clock.pass_time(hours=1)
    await desk.change(last_poll_at=now())
    await desk.watch()
    assert len(post.mails) == 2
    (failed,) = [message for message in await desk.messages() if message.state is MessageState.FAILED]
    assert "550" in failed.error
    assert "@" not in failed.error


async def test_a_letter_that_may_have_arrived_keeps_its_name_when_it_goes_again(desk: Desk, post: Box) -> None:
    post.after = "451 try again"
    await desk.change(state=AccountState.SUSPENDED)
    await desk.watch()
    post.after = ""
    desk.runtime.clock.pass_time(minutes=2)
    await desk.change(last_poll_at=now())
    await desk.watch()
    names = [mail["Message-ID"] for mail in post.mails]
    assert len(names) == 6
    assert sorted(names[:3]) == sorted(names[3:]), "so that a mail server knows the copy"


async def test_a_letter_that_never_gets_through_is_given_up_after_days(desk: Desk) -> None:
    desk.set(smtp_url="smtp://127.0.0.1:9")
    await desk.change(state=AccountState.SUSPENDED)
    await desk.watch()
    desk.runtime.clock.pass_time(days=4)
    await desk.change(last_poll_at=now())
    await desk.watch()
    assert {message.state for message in await desk.messages()} == {MessageState.FAILED}


async def test_of_a_long_outage_all_are_counted_and_the_newest_named(desk: Desk) -> None:
    async with desk.runtime.unit_of_work() as session:
        for number in range(MOST_NAMED + 20):
            due = now() - timedelta(minutes=number)
            delivery = await outbox.queue(session, desk.cast.alice, desk.account, "One", due, team_id=desk.cast.team.id)
            delivery.state = DeliveryState.MISSED
    await desk.watch()
    alert = await desk.alert()
    assert (alert.number, len(alert.about)) == (MOST_NAMED + 20, MOST_NAMED)
    await desk.watch()
    assert (await desk.alert()).version == alert.version, "nothing moved, nothing is written"


async def test_a_worker_of_the_slow_queue_tells_by_itself(desk: Desk, post: Box) -> None:
    await desk.change(state=AccountState.SUSPENDED)
    carrier = HttpxCarrier(timeout=5)
    stop = asyncio.Event()
    running = asyncio.create_task(alerts.loop(Context(desk.runtime, carrier, CONNECTORS, desk.vault), stop))
    async with asyncio.timeout(20):
        while len(post.mails) < 3:  # noqa: ASYNC110 - the mail server cannot ring
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(running, 10)
    await carrier.aclose()


async def test_two_watchers_tell_once(desk: Desk, post: Box) -> None:
    await desk.change(state=AccountState.SUSPENDED)
    await asyncio.gather(desk.watch(), desk.watch(), desk.watch())
    await desk.watch()
    assert len(post.mails) == 3
    assert len(await desk.messages()) == 3


async def test_a_webhook_is_told_of_the_beginning_and_the_end_signed(desk: Desk) -> None:
    async with listening() as listener:
        _, secret = await desk.hook(listener)
        await desk.change(state=AccountState.SUSPENDED)
        await desk.watch()
        await desk.change(state=AccountState.ACTIVE)
        await desk.watch()
    assert [said["event"] for said in listener.said] == ["alert.opened", "alert.resolved"]
    headers, body = listener.calls[0]
    signature = hmac.new(secret.encode(), f"{headers['beatline-timestamp']}.".encode() + body, hashlib.sha256)
    assert headers["beatline-signature"] == f"sha256={signature.hexdigest()}"
    assert set(listener.said[0]["alert"]) == {"id", "kind", "account_id", "team_id", "number", "opened_at"}
    assert b"Sandford" not in body


async def test_a_webhook_that_fails_is_called_again_with_the_same_name(desk: Desk) -> None:
    async with listening() as listener:
        hook, _ = await desk.hook(listener)
        listener.status = 500
        await desk.change(state=AccountState.SUSPENDED)
        await desk.watch()
        async with desk.runtime.read() as session:
            last = (await queries.last_calls(session, [hook.id]))[hook.id]
        assert (last.state, last.error) == (MessageState.WAITING, "The address answered 500.")
        listener.status = 200
        desk.runtime.clock.pass_time(minutes=2)
        await desk.change(last_poll_at=now())
        await desk.watch()
    first, second = (headers["beatline-call"] for headers, _ in listener.calls)
    assert first == second
    assert [message.state for message in await desk.messages()] == [MessageState.SENT]


async def test_a_webhook_into_a_private_network_is_never_called(desk: Desk) -> None:
    async with listening() as listener:
        hook, _ = await desk.hook(listener)
        desk.set(allow_private_hosts=frozenset())
        async with desk.runtime.unit_of_work() as session:
            (await session.get_one(Webhook, hook.id)).url = f"https://127.0.0.1:{listener.port}/"
            await service.try_webhook(session, desk.cast.sam, hook.id)
        await desk.watch()
        assert listener.calls == []
    (message,) = await desk.messages()
    assert "private network" in message.error


async def test_a_test_is_one_call_about_nothing_and_an_ended_webhook_gets_none(desk: Desk) -> None:
    async with listening() as listener:
        hook, _ = await desk.hook(listener)
        async with desk.runtime.unit_of_work() as session:
            await service.try_webhook(session, desk.cast.sam, hook.id)
        await desk.watch()
        assert listener.said[0]["event"] == "alert.test"
        assert listener.said[0]["alert"] is None
        async with desk.runtime.unit_of_work() as session:
            await service.try_webhook(session, desk.cast.sam, hook.id)
            await service.end_webhook(session, desk.cast.sam, hook.id)
        await desk.watch()
        assert len(listener.calls) == 1
    assert (await desk.messages())[-1].state is MessageState.FAILED


async def test_an_account_that_dies_while_sending_asks_for_the_watcher(stage: Any) -> None:
    """At once, not at the next turn: the bell rings."""
    account = await stage.account()
    stage.town.fault = lambda _: "401"
    rung: list[str] = []

    class Bell:
        async def wake(self, job: Any) -> None:
            rung.append(job.name)

    stage.runtime.queue = Bell()
    await stage.queue(account, "Nobody hears this")
    stage.start()
    await stage.settled()

    async def heard() -> bool:
        return "alerts" in rung

    await stage.until(heard)
    assert (await stage.all())[0].state is DeliveryState.REFUSED


async def test_an_account_connected_again_ends_its_alert(desk: Desk) -> None:
    await desk.change(state=AccountState.NEEDS_RECONNECT)
    await desk.watch()
    async with desk.runtime.unit_of_work() as session:
        await accounts.disconnect(session, desk.cast.ellie, desk.account.id)
    await desk.watch()
    assert await desk.standing() == [], "who let go of it need not be told"


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_what_people_see_as_alerts_prometheus_sees_as_gauges(desk: Desk) -> None:
    desk.set(smtp_url="smtp://127.0.0.1:9")
    await desk.a_delivery(DeliveryState.MISSED)
    await desk.a_delivery(DeliveryState.UNKNOWN)
    await desk.a_delivery(DeliveryState.QUEUED)
    await desk.change(state=AccountState.SUSPENDED)
    await desk.watch()
    await desk.watch()
    assert gauge("beatline_deliveries_to_mend", state="missed") == 1
    assert gauge("beatline_deliveries_in_doubt") == 1
    assert gauge("beatline_deliveries_will_fail") == 1
    assert gauge("beatline_alerts_open", kind="suspended") == 1
    assert gauge("beatline_alert_messages_waiting") == len(await desk.messages()) > 0
