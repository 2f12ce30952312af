"""How much each platform still lets us ask: heard from every answer, kept in memory, shared where it is little.

While there is plenty, an answer costs a look at two headers and nothing is kept. A window that is nearly used up, and a
platform that asks us to wait, are told to the other workers through the table of buckets.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from api.accounts import buckets
from api.accounts.buckets import Known
from api.core.clock import now
from api.core.local_time import clock_words
from api.core.runtime import Runtime
from api.platforms import windows
from api.platforms.facts import FACTS
from api.platforms.values import Address, Platform, Request, Response
from api.platforms.windows import Call, Window
from workers.jobs.one_for_all import Level
from workers.platforms.http import Heard

About = UUID | str
"""An account; or a server's origin, for a limit that is one for all who come from here."""

FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0
"""When a platform asks for patience and does not say how much: longer each time, until it answers again."""
WORDS = frozenset({"application/json", "application/x-www-form-urlencoded"})


class Patience:
    """One in each worker process, shared by whatever talks to platforms there."""

    def __init__(self) -> None:
        self._windows: dict[tuple[About, Call], Window] = {}
        self._silent: dict[tuple[About, Call], int] = {}
        self._levels: dict[tuple[str, int], Level] = {}
        self._limits: dict[tuple[str, Call], int] = {}
        self._untold: set[tuple[About, Call]] = set()
        self._heard_until: datetime | None = None
        self.tended = False

    def listener(self, account_id: UUID, address: Address) -> Heard:
        return partial(self.hear, account_id, address.instance)

    def hear(self, account_id: UUID, instance: str, request: Request, response: Response) -> None:
        """One answer. Costs next to nothing while more than half is left."""
        level, call, refused = windows.level(response.headers), call_of(request), response.status == 429
        together = False
        if level is not None:
            limit, remaining = level
            self._limits[instance, call] = limit
            together = self._level(instance, limit).falls_with_others(account_id, remaining)
            # Below half, reading slows down. A post asks for no more than whether there is one left.
            if remaining * (2 if call is Call.READ else 5) > limit and not refused:
                self._plenty(account_id, instance, call)
                return
        if refused or level is not None or "ratelimit" in response.headers:
            self._learn(instance if together else account_id, call, response, refused=refused)
        elif self._silent:
            self._silent.pop((account_id, call), None)

    def wait(self, account_id: UUID, instance: str, *calls: Call) -> datetime | None:
        """Until when this must not be asked; None: now is fine."""
        if not self._windows:
            return None
        found = (self._windows.get((about, call)) for about in (account_id, instance) for call in calls)
        return self._end(window for window in found if window and window.remaining <= 0)

    def reading_waits(self, account_id: UUID, instance: str) -> datetime | None:
        """Until when the rest is kept for posts and replies."""
        if not self._windows:
            return None
        return self._end(each for each in self._seen_by_reading(account_id, instance) if each.remaining <= each.reserve)

    def _end(self, used_up: Iterable[Window]) -> datetime | None:
        at = now()
        return max((window.resets_at for window in used_up if window.resets_at > at), default=None)

    def rest(self, account_id: UUID, instance: str) -> float:
        """Seconds for which reading stands back. A post or a reply never does for a feed's sake."""
        if not self._windows:
            return 0.0
        at = now()
        return max((window.rest(at) for window in self._seen_by_reading(account_id, instance)), default=0.0)

    def _seen_by_reading(self, account_id: UUID, instance: str) -> list[Window]:
        """Publishing counts only where both draw on one window, which is where both have the same limit."""
        calls = [Call.READ]
        if self._limits.get((instance, Call.PUBLISH)) == self._limits.get((instance, Call.READ)):
            calls.append(Call.PUBLISH)
        found = (self._windows.get((about, call)) for about in (account_id, instance) for call in calls)
        return [window for window in found if window is not None]

    def _level(self, instance: str, limit: int) -> Level:
        found = self._levels.get((instance, limit))
        if found is None:
            found = self._levels[instance, limit] = Level()
        return found

    def _plenty(self, account_id: UUID, instance: str, call: Call) -> None:
        if self._windows:
            self._windows.pop((account_id, call), None)
            self._windows.pop((instance, call), None)
        if self._silent:
            self._silent.pop((account_id, call), None)

    def _learn(self, about: About, call: Call, response: Response, *, refused: bool) -> None:
        at = now()
        window = windows.window(response.headers, at)
        if refused:
            ends_at = at + timedelta(seconds=self._asked(about, call, response, at))
            window = Window(window.limit if window else 0, 0, ends_at)
        if window is None:
            return
        self._windows[about, call] = window
        if window.remaining <= window.reserve:
            self._untold.add((about, call))

    def _asked(self, about: About, call: Call, response: Response, at: datetime) -> float:
        wait = windows.asked(response.headers, at)
        if wait is not None:
            return wait
        times = self._silent[about, call] = self._silent.get((about, call), 0) + 1
        return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (times - 1))

    async def share(self, runtime: Runtime) -> None:
        """Tells what was learnt here, then hears what others did. Nothing to tell costs one small question."""
        telling, self._untold = self._untold, set()
        known = [Known(*key, self._windows[key]) for key in telling if key in self._windows]
        try:
            if known:
                async with runtime.unit_of_work() as session:
                    await buckets.tell(session, known, now())
        except Exception:
            self._untold |= telling
            raise
        async with runtime.read() as session:
            told, until = await buckets.told(session, self._heard_until, now())
        self._heard_until = until
        for each in told:
            key = each.about, each.call
            self._windows[key] = windows.tighter(self._windows.get(key), each.window)
        self._forget_what_is_over()

    def _forget_what_is_over(self) -> None:
        at = now()
        for key in [key for key, window in self._windows.items() if window.resets_at <= at]:
            del self._windows[key]


def call_of(request: Request) -> Call:
    """By what the request is, not by who it is put to."""
    if request.method == "GET":
        return Call.READ
    if request.headers.get("Content-Type", "application/json").partition(";")[0] not in WORDS:
        return Call.MEDIA
    return Call.PUBLISH if request.creates else Call.CHANGE


def asks_us_to_wait(platform: Platform, until: datetime) -> str:
    return f"{FACTS[platform].label} asks us to wait until {clock_words(until, now())}."
