"""One attempt at the platform, and which event in a delivery's life its outcome is."""

import asyncio
import math
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from api.core.clock import now
from api.core.log import log
from api.core.sealing import Sealed
from api.outbox.life import GONE_QUIET, Absent, Event, Found, Lost, No, Sent, Unread, Waits
from api.outbox.service import Claim
from api.platforms.errors import NotSent, PlatformError, RateLimited, Refusal, Refused, Unknown
from api.platforms.facts import FACTS
from api.platforms.values import Token
from api.platforms.windows import Call
from workers.context import Context
from workers.jobs.backoff import by_ourselves, when_asked
from workers.jobs.cards import Cards
from workers.jobs.dbclock import DatabaseClock
from workers.jobs.luggage import Luggage, unloaded, weight_of
from workers.jobs.patience import asks_us_to_wait
from workers.jobs.permission import Permission
from workers.platforms.wire import SLOWEST_LINE
from workers.vault import CannotOpen

NO_KEY = "This worker cannot open the account's permission. Ask whoever runs Beatline to look at its keys."
NO_CONNECTOR = "This worker does not know the platform yet. It goes out once the workers are up to date."
NOT_BROUGHT = "A picture or video could not be brought up to the platform. It is tried again."
WAIT_FOR_PEOPLE = 30.0
PREPARING = 240.0
"""More than any platform is given to make a video ready."""


class Attempts:
    """Talks to platforms; to the database only when a token has to be renewed on the way."""

    def __init__(self, context: Context, clock: DatabaseClock, chance: Random) -> None:
        self._context, self._clock, self._chance = context, clock, chance
        # A carrier has its own time-outs for a request; this one ends an exchange of many.
        self._longest = 4 * context.runtime.settings.request_timeout
        self.cards = Cards(context)
        self._token = lru_cache(maxsize=4096)(self._open)
        self._luggage = Luggage(context.runtime)

    async def bring(self, claim: Claim) -> Claim | Event:
        """The claim with what it carries brought up to its platform, where nobody sees it yet; or why it cannot go."""
        if (until := self._must_wait(claim, Call.MEDIA)) is not None:
            return self._asked_to_wait(claim, until)
        try:
            async with self._luggage.room(claim):
                return await self._bring(claim)
        except PlatformError as error:
            return self._not_published(claim, error)
        except (CannotOpen, KeyError):
            return self._waits(NO_KEY, WAIT_FOR_PEOPLE)
        except Exception:  # our store is away, or something broke: nothing of it can be seen anywhere
            log.exception("not brought up", platform=claim.address.platform)
            return Waits(NOT_BROUGHT, self._after(None, claim.attempts), counts=True)

    async def _bring(self, claim: Claim) -> Claim:
        draft = await self._luggage.packed(claim)
        connector = self._context.connectors[claim.address.platform]
        async with asyncio.timeout(self._longest + PREPARING + weight_of(draft) / SLOWEST_LINE):
            brought = await self._as(claim).ask(lambda token: connector.bring(claim.address, token, draft))
        return replace(claim, draft=replace(unloaded(draft), brought=brought))

    async def publish(self, claim: Claim) -> Event:
        connector = self._context.connectors.get(claim.address.platform)
        if connector is None:
            return self._waits(NO_CONNECTOR, WAIT_FOR_PEOPLE)
        if (until := self._must_wait(claim, Call.PUBLISH)) is not None:
            return self._asked_to_wait(claim, until)
        try:
            self._token(claim.sealed)
        except CannotOpen:
            return self._waits(NO_KEY, WAIT_FOR_PEOPLE)
        draft = await self.cards.on(claim)
        try:
            published = await self._as(claim, self._longest).ask(
                lambda token: connector.publish(claim.address, token, draft)
            )
        except PlatformError as error:
            return self._not_published(claim, error)
        except TimeoutError:
            return self._lost(claim, GONE_QUIET)
        except Exception:  # whatever broke, something may have been written before it did
            log.exception("attempt broke", platform=claim.address.platform)
            return self._lost(claim, GONE_QUIET)
        return Sent(published.remote_id, published.url, self._clock.now())

    async def find(self, claim: Claim, linked: frozenset[str]) -> Event:
        """Reads our own list back past the first attempt."""
        asked_at = self._clock.now()
        started_at = claim.first_started_at or claim.due_at
        if (until := self._must_wait(claim, Call.READ)) is not None:
            asked = self._asked_to_wait(claim, until)
            return Unread(asked.sentence, asked.until, counts=False)
        try:
            connector = self._context.connectors[claim.address.platform]
            draft = await self._luggage.described(claim) if claim.media_ids else claim.draft
            async with asyncio.timeout(3 * self._longest):
                found = await self._as(claim).ask(
                    lambda token: connector.find(claim.address, token, draft, started_at, linked)
                )
        except RateLimited as error:
            asked = self._rate_limited(claim, error)
            return Unread(asked.sentence, asked.until, counts=False)
        except Refused as error:
            return Unread(str(error), self._after(None, claim.read_backs), counts=True, refusal=error.refusal)
        except (PlatformError, CannotOpen, KeyError, TimeoutError) as error:
            sentence = str(error) if isinstance(error, PlatformError) else GONE_QUIET
            return Unread(sentence, self._after(None, claim.read_backs), counts=True)
        except Exception:
            log.exception("read-back broke", platform=claim.address.platform)
            return Unread(GONE_QUIET, self._after(None, claim.read_backs), counts=True)
        return Found(found.remote_id, found.url, found.created_at) if found else Absent(asked_at)

    def stale(self) -> Event:
        """The fence was written too long ago to trust it; nothing was sent."""
        return Waits("It was interrupted before anything was sent.", self._clock.now(), counts=False)

    def _not_published(self, claim: Claim, error: PlatformError) -> Event:
        match error:
            case RateLimited():
                return self._rate_limited(claim, error)
            case NotSent():
                return Waits(str(error), self._after(error.retry_after, claim.attempts), counts=True)
            case Refused(refusal=Refusal.DUPLICATE) | Unknown():
                return self._lost(claim, str(error))  # a duplicate is there already: the list tells which
            case Refused():
                return No(error.refusal, str(error))
        return self._lost(claim, str(error))

    def _must_wait(self, claim: Claim, *calls: Call) -> datetime | None:
        return self._context.patience.wait(claim.account_id, claim.address.instance, *calls)

    def _rate_limited(self, claim: Claim, error: RateLimited) -> Waits:
        """What was heard with the answer says until when, even where the answer itself did not."""
        until = self._must_wait(claim, *Call)
        if until is None:
            return Waits(str(error), self._after(error.retry_after, claim.attempts), counts=False)
        return self._asked_to_wait(claim, until)

    def _asked_to_wait(self, claim: Claim, until: datetime) -> Waits:
        """Asking before that would only be refused: it is no attempt."""
        seconds = max(0.0, (until - now()).total_seconds())
        return Waits(asks_us_to_wait(claim.address.platform, until), self._after(seconds, 0), counts=False)

    def _lost(self, claim: Claim, sentence: str) -> Lost:
        return Lost(sentence, readable=FACTS[claim.address.platform].can_read_back)

    def _waits(self, sentence: str, seconds: float) -> Waits:
        return Waits(sentence, self._after(seconds, 0), counts=True)

    def _after(self, retry_after: float | None, tries: int) -> datetime:
        wait = when_asked(retry_after, self._chance) if retry_after is not None else by_ourselves(tries, self._chance)
        return self._clock.now() + timedelta(seconds=wait)

    def _as(self, claim: Claim, longest: float = math.inf) -> Permission:
        return Permission(self._context, claim.account_id, claim.address, claim.sealed, self._token, longest)

    def _open(self, sealed: Sealed) -> Token:
        return Token(self._context.vault.open(sealed.key_id, sealed.box).decode())
