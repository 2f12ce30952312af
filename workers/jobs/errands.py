"""Does what was asked about things that stand on a platform already: claim, call, record, and again until it is clear.

Doing any of it twice changes nothing more, so that a lost answer is simply asked again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random, SystemRandom

from api.core.clock import now
from api.core.log import log
from api.core.sealing import Sealed
from api.models import ErrandKind
from api.outbox import errand_work
from api.outbox import service as outbox
from api.outbox.errand_work import Asked
from api.outbox.life import Event, No, Waits
from api.platforms.errors import PlatformError, RateLimited, Refusal, Refused
from api.platforms.values import Draft, Edited, Exchange, Picture, Token
from workers.context import Context
from workers.jobs.above import tell_errand
from workers.jobs.permission import Permission
from workers.jobs.steady import keep
from workers.platforms import Connector
from workers.vault import CannotOpen

ERRANDS = "errands"
AT_ONCE = 20
LOOK_EVERY = 5.0
LOOK_AGAIN = 1.0
"""Those that are due wait for others about the same thing."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
GIVES_UP = timedelta(days=1)
NO_ACCOUNT = "The account is not connected any more, so we cannot do it. Do it by hand there."
NO_ANSWER = "The platform did not answer for a day. Do it by hand there."
NOT_YET = "The platform has not answered yet."
NO_KEY = "This worker cannot open the account's permission. Ask whoever runs Beatline to look at its keys."
NO_CONNECTOR = "This worker does not know the platform yet. It is done once the workers are up to date."
BROKE = "It failed on our side. It is tried again; tell whoever runs Beatline if it stays so."


class Errands:
    """Any number of workers look; each takes what no other holds. One account is asked for one thing at a time."""

    def __init__(self, context: Context, chance: Random | None = None) -> None:
        self._context, self._runtime = context, context.runtime
        self._chance = chance or SystemRandom()
        self._longest = 4 * context.runtime.settings.request_timeout
        # Longer than a whole row of them for one account may take.
        self._lease = timedelta(seconds=max(60.0, 2 * self._longest))
        self._bell = context.bells.hang(ERRANDS)

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await keep(ERRANDS, self.step, stop, self._bell)
        finally:
            self._context.bells.take_down(ERRANDS, self._bell)

    async def step(self) -> float:
        wait = await self._wait()
        if wait > 0:
            return wait
        async with self._runtime.unit_of_work() as session:
            claimed = await errand_work.claim(session, now(), self._lease, AT_ONCE)
        rows: defaultdict[object, list[Asked]] = defaultdict(list)
        for asked in claimed:
            rows[asked.account_id].append(asked)
        await asyncio.gather(*(self._row(row) for row in rows.values()))
        return 0.0 if claimed else LOOK_AGAIN

    async def _wait(self) -> float:
        """Until the next try that is due: looking costs no write while there is nothing to do."""
        async with self._runtime.read() as session:
            next_at = await errand_work.next_at(session, now())
        return LOOK_EVERY if next_at is None else min(LOOK_EVERY, (next_at - now()).total_seconds())

    async def _row(self, row: Sequence[Asked]) -> None:
        """Those of one account. Once it asks for patience, the others wait with it."""
        for number, asked in enumerate(row):
            until = await self._one(asked)
            if until is not None:
                await self._put_off(row[number + 1 :], until)
                return

    async def _one(self, asked: Asked) -> datetime | None:
        """Not None: the account is to be left in peace until then."""
        if not asked.active or asked.sealed is None:
            await self._failed(asked, NO_ACCOUNT)
            return None
        try:
            async with asyncio.timeout(self._longest):
                found = await self._ask(asked, asked.sealed)
        except RateLimited as error:
            return await self._left_alone(asked, asked.sealed, error)
        except Refused as error:
            await self._refused(asked, asked.sealed, error)
        except PlatformError as error:
            await self._again(asked, str(error), error)
        except TimeoutError:
            await self._again(asked, NOT_YET)
        except CannotOpen:
            await self._again(asked, NO_KEY)
        except KeyError:
            await self._again(asked, NO_CONNECTOR)
        except Exception:
            log.exception("errand broke", platform=asked.address.platform)
            await self._again(asked, BROKE)
        else:
            await self._done(asked, found)
        return None

    async def _ask(self, asked: Asked, sealed: Sealed) -> Edited | None:
        connector = self._context.connectors[asked.address.platform]
        permission = Permission(self._context, asked.account_id, asked.address, sealed)
        return await permission.ask(lambda token: _exchange(connector, asked, token))

    async def _done(self, asked: Asked, found: Edited | None) -> None:
        async with self._runtime.unit_of_work() as session:
            done = await errand_work.done(session, asked, now(), found)
            if done is not None:
                await tell_errand(session, done)

    async def _failed(self, asked: Asked, sentence: str) -> None:
        async with self._runtime.unit_of_work() as session:
            await errand_work.failed(session, asked, now(), sentence)

    async def _refused(self, asked: Asked, sealed: Sealed, error: Refused) -> None:
        """What is gone cannot be taken down again: that is done. Nor can it be changed or liked: that is a no."""
        if error.refusal is Refusal.NOT_FOUND and asked.kind in (ErrandKind.WITHDRAW, ErrandKind.UNLIKE):
            await self._done(asked, None)
            return
        await self._note(asked, No(error.refusal, str(error)), sealed)
        await self._failed(asked, str(error))

    async def _left_alone(self, asked: Asked, sealed: Sealed, error: RateLimited) -> datetime:
        until = self._after(error.retry_after, asked.tries)
        await self._note(asked, Waits(str(error), until, counts=False), sealed)
        async with self._runtime.unit_of_work() as session:
            await errand_work.later(session, asked, until, str(error), counts=False)
        return until

    async def _put_off(self, row: Sequence[Asked], until: datetime) -> None:
        async with self._runtime.unit_of_work() as session:
            for asked in row:
                await errand_work.later(session, asked, until, NOT_YET, counts=False)

    async def _again(self, asked: Asked, sentence: str, error: PlatformError | None = None) -> None:
        if now() - asked.created_at > GIVES_UP:
            await self._failed(asked, NO_ANSWER)
            return
        until = self._after(getattr(error, "retry_after", None), asked.tries)
        async with self._runtime.unit_of_work() as session:
            await errand_work.later(session, asked, until, sentence)

    async def _note(self, asked: Asked, event: Event, sealed: Sealed) -> None:
        """What it taught us about the account."""
        async with self._runtime.unit_of_work() as session:
            await outbox.note_on_accounts(session, [(asked.account_id, event, sealed)], now())

    def _after(self, retry_after: float | None, tries: int) -> datetime:
        wait = retry_after if retry_after is not None else min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries, 12))
        jitter = self._chance.uniform(0, max(0.1, min(wait / 4, 30)))
        return now() + timedelta(seconds=wait + jitter)


def _exchange(connector: Connector, asked: Asked, token: Token) -> Exchange[Edited | None]:
    """The one conversation with the platform that this errand is."""
    address, remote_id = asked.address, asked.remote_id
    match asked.kind:
        case ErrandKind.EDIT:
            return (yield from connector.edit(address, token, remote_id, _wanted(asked), _before(asked)))
        case ErrandKind.WITHDRAW if asked.repost:
            yield from connector.unshare(address, token, remote_id)
        case ErrandKind.WITHDRAW:
            yield from connector.delete(address, token, remote_id)
        case ErrandKind.LIKE:
            yield from connector.like(address, token, str(asked.message_id), remote_id)
        case ErrandKind.UNLIKE:
            yield from connector.unlike(address, token, str(asked.message_id), remote_id)
    return None


def _wanted(asked: Asked) -> Draft:
    pictures = tuple(Picture(b"", "", alt, 0, 0) for alt in asked.alts)
    return Draft(
        str(asked.delivery_id), asked.text, asked.visibility, asked.in_reply_to, asked.language,
        asked.content_warning, pictures,
    )  # fmt: skip


def _before(asked: Asked) -> Draft:
    return Draft(
        str(asked.delivery_id), asked.before, asked.visibility, asked.in_reply_to, asked.language, asked.before_warning
    )


async def loop(context: Context, stop: asyncio.Event) -> None:
    await Errands(context).run(stop)


async def look(context: Context, about: str) -> None:
    """Somebody asked for something: look now, not at the next turn."""
    context.bells.ring(ERRANDS)


JOBS = {ERRANDS: look}
