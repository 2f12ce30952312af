"""Who lives here: kept in the store, and in memory, because every answer names somebody."""

from dataclasses import dataclass

from workers.town.scenario import Person
from workers.town.store import Store
from workers.town.text import Mention

FIRST_ID = 110_000_000_000_000_000


@dataclass(frozen=True)
class Account:
    id: int
    acct: str
    username: str
    name: str
    kind: str  # force | resident | group | press | spam
    area: str
    voice: str
    note: str

    @property
    def is_force(self) -> bool:
        return self.kind == "force"


class People:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.load()

    def load(self) -> None:
        accounts = [Account(*row) for row in self._store.all("SELECT * FROM accounts ORDER BY id")]
        self.by_id = {account.id: account for account in accounts}
        self.by_acct = {account.acct.lower(): account for account in accounts}

    def settle(self, newcomers: list[Person]) -> None:
        """Somebody who lives here already keeps their id."""
        for person in newcomers:
            self._store.run(
                "INSERT INTO accounts SELECT ?, ?, ?, ?, ?, ?, ?, ? "
                "WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE acct = ?)",
                FIRST_ID + 1 + int(self._store.value("SELECT count(*) FROM accounts")),
                person.handle,
                person.handle.split("@")[0],
                person.name,
                person.kind,
                person.area,
                person.voice,
                person.note,
                person.handle,
            )
        self.load()

    def find(self, acct: str, domain: str) -> Account | None:
        name = acct.strip().lstrip("@").lower()
        return self.by_acct.get(name.removesuffix(f"@{domain}"))

    def mentioned(self, mention: Mention) -> Account | None:
        name = f"{mention.user}@{mention.host}" if mention.host else mention.user
        return self.by_acct.get(name.lower())

    def __getitem__(self, account_id: int) -> Account:
        return self.by_id[account_id]
