"""The town itself: what every part of it needs, in one hand."""

import json
from asyncio import Event
from collections import Counter
from collections.abc import Callable

from workers.town import faults, ids, scenario
from workers.town.limits import Limits
from workers.town.people import Account, People
from workers.town.settings import TownSettings
from workers.town.store import Store
from workers.town.switches import Switches

SCOPES = "read write follow push profile"


class Town:
    def __init__(self, settings: TownSettings) -> None:
        self.settings = settings
        self.scenario = scenario.load(settings.scenario)
        self.store = Store(settings.data)
        self.faults = faults.Faults.parse(json.loads(self.store.fact("faults") or "{}"), settings.seed, Switches)
        self.limits = Limits(settings.rate_limit)
        self.wake = Event()  # somebody planned something
        self.noticed: Callable[[int], None] = lambda status_id: None  # the engine listens here
        self.open()

    def open(self) -> None:
        """Settles everybody in; doing it twice changes nothing."""
        with self.store.change():
            self.people = People(self.store)
            self.people.settle(scenario.people())
            self.status_ids = ids.Ids(self._last("statuses"))
            self.other_ids = ids.Ids(max(self._last("notifications"), self._last("conversations")))
            self.media_ids = ids.Ids(self._last("media"))
            counts = "SELECT account_id, count(*) FROM statuses WHERE deleted_ms IS NULL GROUP BY account_id"
            self.written = Counter({row[0]: row[1] for row in self.store.all(counts)})
            for handle, token in self.settings.tokens.items():
                self.give_token(self.account(handle), token)

    def _last(self, table: str) -> int:
        # A deleted notification was perhaps the newest: its id must not come again.
        kept = int(self.store.fact(f"last {table}") or 0)
        return max(kept, int(self.store.value(f"SELECT coalesce(max(id), 0) FROM {table}")))  # noqa: S608

    def give_token(self, account: Account, token: str) -> None:
        self.store.run(
            "INSERT INTO tokens VALUES (?, ?, 'town', ?, ?, 0) ON CONFLICT (token) DO NOTHING",
            token,
            account.id,
            SCOPES,
            self.now(),
        )

    def account(self, handle: str) -> Account:
        found = self.people.find(handle, self.settings.domain)
        if found is None:
            raise KeyError(f"Nobody called {handle} lives here.")
        return found

    def now(self) -> int:
        return self.settings.clock()

    def who(self, bearer: str) -> str:
        """The handle whose token it is; empty for a stranger."""
        row = self.store.one("SELECT account_id FROM tokens WHERE token = ? AND account_id IS NOT NULL", bearer)
        return self.people[row[0]].acct if row else ""

    def show(self, number: int | None) -> str | None:
        return None if number is None else ids.show(number, self.faults.switches.ids)

    def set_faults(self, wanted: faults.Faults[Switches]) -> None:
        self.faults = wanted
        with self.store.change():
            self.store.remember("faults", json.dumps(wanted.as_dict()))
