"""The sky itself: what every part of it needs, in one hand."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from sqlite3 import Row

from workers.town import scenario
from workers.town.bluesky import tokens
from workers.town.bluesky.schema import SCHEMA
from workers.town.faults import Faults
from workers.town.settings import wall_clock
from workers.town.store import Store

PLAIN, PRIVILEGED, WHOLE = "com.atproto.appPass", "com.atproto.appPassPrivileged", "com.atproto.access"


@dataclass(frozen=True)
class SkySettings:
    data: str = ":memory:"
    key: str = ""  # no key, no control API
    passwords: Mapping[str, str] = field(default_factory=dict)  # name → app password, direct messages included
    base_url: str = ""  # empty: whatever host the request named
    domain: str = "sky.example"
    access_seconds: float = 7200.0
    rate_limit: int = 3000  # requests in five minutes, for each account
    sign_ins: int = 30  # in five minutes, for each account
    seed: int = 1
    clock: Callable[[], int] = wall_clock


@dataclass(frozen=True)
class SkySwitches:
    """Ways in which such servers differ, for as long as they are on."""

    lag_seconds: float = 0.8  # what was written is told of, and stands in shared views, only then
    chat_lag_seconds: float = 0.0
    grace_seconds: float = 7200.0  # so long an old refresh token gives the same new session once more


def did_of(handle: str) -> str:
    return f"did:plc:{base64.b32encode(hashlib.sha256(handle.encode()).digest()).decode().lower()[:24]}"


class Sky:
    def __init__(self, settings: SkySettings) -> None:
        self.settings = settings
        self.store = Store(settings.data, SCHEMA)
        self.faults = Faults.parse(json.loads(self.store.fact("faults") or "{}"), settings.seed, SkySwitches)
        self.open()

    def open(self) -> None:
        """Settles everybody in; doing it twice changes nothing."""
        with self.store.change():
            for person in scenario.people():
                self.settle(self.full(person.handle), person.name, "")
            for name, password in self.settings.passwords.items():
                self.let_in(self.person(name)["did"], password, PRIVILEGED)

    def settle(self, handle: str, name: str, password: str) -> str:
        did = did_of(handle)
        self.store.run("INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?, 0)", did, handle, name, password)
        return did

    def let_in(self, did: str, password: str, scope: str) -> None:
        self.store.run("INSERT OR REPLACE INTO app_passwords VALUES (?, ?, ?)", did, password, scope)

    def full(self, handle: str) -> str:
        """jom → jom.sky.example; wren@far.example → wren.far.example. Handles know no underscores."""
        name = handle.lstrip("@").lower().replace("_", "-").replace("@", ".")
        return name if "." in name or name.startswith("did:") else f"{name}.{self.settings.domain}"

    def person(self, who: str) -> Row:
        """By handle, short name or identity."""
        found = self.find(who)
        if found is None:
            raise KeyError(f"Nobody called {who} lives here.")
        return found

    def find(self, who: str) -> Row | None:
        if who.startswith("did:"):
            return self.store.one("SELECT * FROM accounts WHERE did = ?", who)
        return self.store.one("SELECT * FROM accounts WHERE handle = ?", self.full(who))

    def who(self, bearer: str) -> str:
        """The short name whose token it is, run out or not; empty for a stranger."""
        claims = tokens.read(bearer) or {}
        row = self.store.one("SELECT handle FROM accounts WHERE did = ?", claims.get("sub"))
        return str(row[0]).removesuffix(f".{self.settings.domain}") if row else ""

    def now(self) -> int:
        return self.settings.clock()

    def set_faults(self, wanted: Faults[SkySwitches]) -> None:
        self.faults = wanted
        with self.store.change():
            self.store.remember("faults", json.dumps(wanted.as_dict()))
