"""Looks for what people must know, and tells them: by e-mail, and over the webhooks that a force has registered."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import SystemRandom

from api.alerts import outgoing, telling, watching
from api.alerts.causes import ENDS
from api.alerts.outgoing import NOBODY
from api.core.clock import now
from api.core.log import log
from api.core.metrics import ALERT_MESSAGES_WAITING, ALERTS_OPEN, IN_DOUBT, TO_MEND, WILL_FAIL
from api.models import AlertKind, AlertMessage, MessageChannel
from api.outbox import counting
from api.platforms.errors import PlatformError
from workers.context import Context
from workers.jobs import letters
from workers.jobs.steady import keep
from workers.outside import webhook
from workers.outside.mail import MailRefused, NotAMailServer, NotNow, PostOffice, deliver
from workers.outside.webhook import Signed
from workers.platforms.http import carry
from workers.vault import CannotOpen

ALERTS = "alerts"
LEASE = timedelta(seconds=120)
BATCH, AT_ONCE = 20, 10
LONGEST = 40.0  # twice that is less than the lease: nobody else takes what is still being told
NO_MAIL = "There is no mail server any more: set BEATLINE_SMTP_URL."
NO_KEY = "This worker cannot open the webhook's secret."


class Watcher:
    """Looking and telling side by side: a mail server that hangs keeps nothing from being noticed."""

    def __init__(self, context: Context) -> None:
        self._context, self._runtime = context, context.runtime
        self._settings = context.runtime.settings
        self._bell = context.bells.hang(ALERTS)
        self._to_post = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await asyncio.gather(
                keep(ALERTS, self.look, stop, self._bell), keep("alert messages", self.post, stop, self._to_post)
            )
        finally:
            self._context.bells.take_down(ALERTS, self._bell)

    async def look(self) -> float:
        await self.watch()
        self._to_post.set()
        await self.measure()
        return self._settings.alert_interval * SystemRandom().uniform(0.8, 1.2)

    async def post(self) -> float:
        while await self.deliver() == BATCH:
            continue
        return self._settings.alert_interval

    async def watch(self) -> None:
        """Reads; writes only where something is new or over."""
        async with self._runtime.read() as session:
            found = await watching.difference(session, self._settings, now())
        if found:
            async with self._runtime.unit_of_work() as session:
                turn = await watching.follow(session, found)
                await telling.tell(session, self._settings, turn, now())

    async def deliver(self) -> int:
        """Whatever is due, some at once; a slow server keeps nobody else's from arriving."""
        async with self._runtime.unit_of_work() as session:
            messages = await outgoing.claim(session, now(), LEASE, BATCH)
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(message: AlertMessage) -> None:
            async with turns:
                await self._deliver(message)

        await asyncio.gather(*(one(message) for message in messages))
        return len(messages)

    async def measure(self) -> None:
        async with self._runtime.read() as session:
            mend, standing = await counting.to_mend(session, now()), await watching.standing_kinds(session)
            IN_DOUBT.set(await counting.in_doubt(session))
            WILL_FAIL.set(await counting.will_fail(session))
            ALERT_MESSAGES_WAITING.set(await outgoing.waiting(session))
        kinds = Counter(standing)
        for state in ENDS:
            TO_MEND.labels(state.value).set(mend.get(state, 0))
        for kind in AlertKind:
            ALERTS_OPEN.labels(kind.value).set(kinds[kind])

    async def _deliver(self, message: AlertMessage) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                told = await (self._mail(message) if message.channel is MessageChannel.MAIL else self._call(message))
        except MailRefused as error:
            log.warning("an e-mail was refused", message=str(message.id))
            async with self._runtime.unit_of_work() as session:
                await outgoing.refused(session, message, str(error))
        except (NotNow, NotAMailServer, PlatformError, CannotOpen) as error:
            await self._later(message, NO_KEY if isinstance(error, CannotOpen) else str(error))
        except TimeoutError:
            await self._later(message, "There was no answer in time.")
        except Exception:
            log.exception("telling broke", message=str(message.id))
            await self._later(message, "It failed on our side.")
        else:
            async with self._runtime.unit_of_work() as session:
                await (
                    outgoing.arrived(session, message, now()) if told else outgoing.refused(session, message, NOBODY)
                )

    async def _mail(self, message: AlertMessage) -> bool:
        async with self._runtime.read() as session:
            letter = await outgoing.letter(session, message)
        if letter is None:
            return False
        if not self._settings.smtp_url:
            raise NotNow(NO_MAIL)
        office = PostOffice.of(self._settings.smtp_url, self._settings.smtp_password, letters.sender_of(self._settings))
        await deliver(office, letters.mail_of(letter, self._settings))
        return True

    async def _call(self, message: AlertMessage) -> bool:
        async with self._runtime.read() as session:
            call = await outgoing.call(session, message)
        if call is None:
            return False
        at = now()
        secret = self._context.vault.open(call.sealed.key_id, call.sealed.box)
        signed = Signed(str(call.id), call.url, letters.body_of(call, at), int(at.timestamp()), secret)
        await carry(self._context.carrier, webhook.call(signed))
        return True

    async def _later(self, message: AlertMessage, sentence: str) -> None:
        async with self._runtime.unit_of_work() as session:
            await outgoing.later(session, message, sentence, now())


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Watcher(context).run(stop)


async def look(context: Context, about: str) -> None:
    """Something went wrong, or somebody asked for a test: look now, not at the next turn."""
    context.bells.ring(ALERTS)


JOBS = {ALERTS: look}
