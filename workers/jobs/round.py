"""One reading of one account: its streams first, then around what deserves another look. No transaction waits."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar

from api.accounts import secrets
from api.core.clock import now
from api.core.sealing import Sealed
from api.inbox import service as inbox
from api.inbox import watching
from api.inbox.watching import Watched
from api.intake import queries as arrivals
from api.intake import service as intake
from api.intake.service import CONTEXT, Kept, Position
from api.models import Account, Cursor, SecretKind
from api.platforms.errors import PlatformError, RateLimited, Refusal, Refused
from api.platforms.values import Address, Batch, RawItem, Stream
from api.posts import withdrawing
from workers.context import Context
from workers.jobs.patience import asks_us_to_wait
from workers.jobs.permission import Permission, Question
from workers.jobs.understanding import Understood, concerning, root_in, understand
from workers.platforms import Connector
from workers.vault import CannotOpen

T = TypeVar("T")

NO_TOKEN = "There is no permission stored for this account. Connect it again."  # noqa: S105
NO_KEY = "This worker cannot open the account's permission. Ask whoever runs Beatline to look at its keys."
NO_CONNECTOR = "This worker does not know the platform yet. Its feed is read once the workers are up to date."
MOST_PAGES = 50
AT_FIRST = 60
"""Threads looked up while reading in the history."""
LONG_ENOUGH = 60.0
"""When a server asks for patience and does not say how much."""
UNSURE = RawItem("", {})
MISSING_ASKED = 3
"""Messages no longer listed that are asked for one by one, in each look at a thread."""
GIVES_UP = (Refusal.TOKEN_REVOKED, Refusal.SUSPENDED)


class CannotRead(Exception):
    """Something of ours is missing; `str()` is a sentence for whoever has to act."""


class Round:
    """Holds what one reading needs. `wait` is set when the platform asked for patience on the way."""

    def __init__(self, context: Context, account: Account, chance: Random) -> None:
        self.account = account
        self.wait: float | None = None
        self._context, self._runtime, self._chance = context, context.runtime, chance
        self._settings = context.runtime.settings
        self._address = Address(account.platform, account.instance, account.remote_id, account.handle)
        self._permission: Permission | None = None
        # In five minutes a server allows some 300 requests, for reading and sending together.
        self._budget = min(10, max(1, round(self._settings.poll_interval * 0.4)))

    async def read(self) -> None:
        """Every stream is tried, whatever is wrong with another; then the first trouble is told."""
        cursors = await self._prepare()
        trouble: PlatformError | None = None
        for stream in Stream:
            try:
                await self._stream(stream, cursors.get(stream))
            except PlatformError as error:
                if isinstance(error, RateLimited) or _is_over(error):
                    raise
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        await self._around()

    async def _prepare(self) -> dict[Stream, Cursor]:
        if self.account.platform not in self._context.connectors:
            raise CannotRead(NO_CONNECTOR)
        async with self._runtime.read() as session:
            secret = await secrets.get(session, self.account.id, SecretKind.ACCESS_TOKEN)
            cursors = await arrivals.cursors(session, self.account.id)
        if secret is None:
            raise CannotRead(NO_TOKEN)
        self._permission = Permission(self._context, self.account.id, self._address, Sealed(secret.key_id, secret.box))
        return cursors

    @property
    def box(self) -> bytes:
        """The permission that was last asked with."""
        return self._permission.sealed.box if self._permission else b""

    @property
    def _connector(self) -> Connector:
        return self._context.connectors[self.account.platform]

    async def _ask(self, question: Question[T]) -> T:
        assert self._permission is not None
        until = self._context.patience.reading_waits(self.account.id, self._address.instance)
        if until is not None:
            raise RateLimited(asks_us_to_wait(self._address.platform, until), (until - now()).total_seconds())
        try:
            return await self._permission.ask(question)
        except CannotOpen as error:
            raise CannotRead(NO_KEY) from error

    async def _stream(self, stream: Stream, cursor: Cursor | None) -> None:
        """From where it was left until there is no more; the first time, back into the history."""
        if cursor is None or cursor.filled_at is None:
            await self._fill(stream, cursor)
            return
        position = cursor.position
        for _ in range(MOST_PAGES):
            batch = await self._poll(stream, position)
            await self._take(batch, Position(stream, position, batch.cursor), self._budget)
            position = batch.cursor
            if not batch.more:
                return

    async def _poll(self, stream: Stream, position: str | None) -> Batch:
        return await self._ask(lambda token: self._connector.poll(self._address, token, stream, position))

    async def _fill(self, stream: Stream, cursor: Cursor | None) -> None:
        since = now() - timedelta(days=self._settings.backfill_days)
        batch = await self._ask(lambda token: self._connector.backfill(self._address, token, stream, since))
        before = cursor.position if cursor else None
        await self._take(batch, Position(stream, before, batch.cursor, filled=True), AT_FIRST, backfilled=True)

    async def _take(self, batch: Batch, position: Position, most: int, *, backfilled: bool = False) -> None:
        """Keeps what came with how far we are. Parents nobody knows are asked for first: reading is without network."""
        if not batch.items and position.before == position.after and not position.filled:
            return
        things = understand(self._connector, self._address, batch.items)
        roots, around = await self._surroundings(things, most)
        async with self._runtime.unit_of_work() as session:
            days = self._settings.arrival_days
            # First the surroundings: parents are then read before what answers them.
            await intake.keep(session, self.account, CONTEXT, around, keep_days=days, backfilled=backfilled)
            kept = [one.kept(roots.get(one.item.remote_id)) for one in things]
            await intake.keep(
                session, self.account, position.stream, kept, position, keep_days=days, backfilled=backfilled
            )

    async def _surroundings(self, things: Sequence[Understood], most: int) -> tuple[dict[str, str], list[Kept]]:
        """Roots of what answers something unknown, and what else in these threads concerns us."""
        unknown = await self._answering_the_unknown(things)
        roots: dict[str, str] = {}
        found: dict[str, Kept] = {}
        for one in unknown:
            if one.item.remote_id in roots or most <= 0:
                continue
            most -= 1
            context = [*await self._context_of(one.item.remote_id), one]
            for other in unknown:
                root = root_in(other.item.remote_id, context)
                if root is not None:
                    roots[other.item.remote_id] = root
            for near in concerning(self._address, context):
                if near is not one:
                    found[near.item.remote_id] = near.kept(root_in(near.item.remote_id, context))
        return roots, list(found.values())

    async def _answering_the_unknown(self, things: Sequence[Understood]) -> list[Understood]:
        here = {one.item.remote_id for one in things}
        asks = [one for one in things if one.incoming and one.incoming.in_reply_to]
        parents = {one.incoming.in_reply_to or "" for one in asks if one.incoming} - here
        if not parents:
            return []
        async with self._runtime.read() as session:
            known = await watching.known_ids(session, self.account.id, parents | here)
        # Newest first: what came before it in its thread is answered by the same look.
        return [
            one
            for one in reversed(asks)
            if one.incoming and one.incoming.in_reply_to not in known | here and one.item.remote_id not in known
        ]

    async def _context_of(self, remote_id: str) -> list[Understood]:
        """Nothing, when the server will not say: the message itself must not be lost over it."""
        try:
            items = await self._ask(lambda token: self._connector.context(self._address, token, remote_id))
        except PlatformError as error:
            if isinstance(error, RateLimited) or _is_over(error):
                raise
            return []
        return understand(self._connector, self._address, items)

    async def _around(self) -> None:
        """Looks again at some threads. Trouble with one of them is not trouble with the feed."""
        async with self._runtime.read() as session:
            chosen = await watching.to_watch(
                session,
                self.account.id,
                timedelta(days=self._settings.watch_days),
                timedelta(seconds=self._settings.poll_interval * 0.8),
                self._budget,
                self._chance,
            )
        for watched in chosen:
            if self._budget <= 0:
                return
            try:
                await self._look_at(watched)
            except RateLimited as error:
                self.wait = error.retry_after or LONG_ENOUGH
                return

    async def _look_at(self, watched: Watched) -> None:
        self._budget -= 1
        there: list[Understood] = []
        gone: list[str] = []
        try:
            items = await self._ask(lambda token: self._connector.context(self._address, token, watched.around))
            there = understand(self._connector, self._address, items)
            missing = await self._missing(watched, {one.item.remote_id for one in there})
        except Refused as error:
            if _is_over(error):
                raise
            missing = [watched.around] if error.refusal is Refusal.NOT_FOUND else []
        except RateLimited:
            raise
        except PlatformError:
            missing = []  # its turn is over all the same: one thread that fails must not take the others' turns
        for remote_id in missing:
            item = await self._as_it_is(remote_id)
            if item is None:
                gone.append(remote_id)
            elif item is not UNSURE:
                there += understand(self._connector, self._address, [item])
        await self._note(watched, there, gone)

    async def _missing(self, watched: Watched, listed: Collection[str]) -> list[str]:
        """Of what ought to be listed and is not, some; by chance, so that each has its turn."""
        since = now() - timedelta(days=self._settings.watch_days)
        async with self._runtime.read() as session:
            known = await watching.known_in(session, self.account.id, watched, since)
        missing = [remote_id for remote_id in known if remote_id not in listed]
        # A thread does not list the message it was asked about.
        first = [watched.around] if watched.around in missing else []
        others = [remote_id for remote_id in missing if remote_id != watched.around]
        return first + self._chance.sample(others, min(len(others), MISSING_ASKED))

    async def _as_it_is(self, remote_id: str) -> RawItem | None:
        """None: gone. UNSURE: the server does not say."""
        self._budget -= 1
        try:
            return await self._ask(lambda token: self._connector.status(self._address, token, remote_id))
        except RateLimited:
            raise
        except PlatformError as error:
            if _is_over(error):
                raise
            return UNSURE

    async def _note(self, watched: Watched, there: Sequence[Understood], gone: Collection[str]) -> None:
        ours = watched.delivery_id is not None
        async with self._runtime.unit_of_work() as session:
            known = await watching.known_ids(session, self.account.id, [one.item.remote_id for one in there])
            things = [
                one.kept(watched.around if ours else root_in(one.item.remote_id, there))
                for one in concerning(self._address, there, known, under_ours=ours)
            ]
            await intake.keep(session, self.account, CONTEXT, things, keep_days=self._settings.arrival_days)
            await inbox.take_back(session, self.account.id, gone)
            await watching.watched_now(session, watched, gone=ours and watched.around in gone)
            if ours and watched.delivery_id and watched.around in gone:
                await withdrawing.gone(session, [watched.delivery_id])


def _is_over(error: PlatformError) -> bool:
    """Nothing else of this account will work either."""
    return isinstance(error, Refused) and error.refusal in GIVES_UP
