"""Direct messages between two. The service knows no key: said twice is there twice."""

from sqlite3 import Row
from typing import Any

from workers.town.bluesky.sky import Sky, did_of
from workers.town.bluesky.views import Views
from workers.town.limits import iso

Json = dict[str, Any]


def between(sky: Sky, one: str, other: str) -> Row:
    first, second = sorted((one, other))
    name = did_of(f"{first} {second}").removeprefix("did:plc:")[:13]
    with sky.store.change():
        sky.store.run("INSERT OR IGNORE INTO convos VALUES (?, ?, ?)", name, first, second)
    return sky.store.all("SELECT * FROM convos WHERE id = ?", name)[0]


def say(sky: Sky, convo: str, did: str, text: str, source: str) -> Row:
    now = sky.now()
    shown = now + int(sky.faults.switches.chat_lag_seconds * 1000)
    with sky.store.change():
        sky.store.run(
            "INSERT INTO messages (convo, did, text, source, sent_ms, shown_ms) VALUES (?, ?, ?, ?, ?, ?)",
            *(convo, did, text, source, now, shown),
        )
        return sky.store.all("SELECT * FROM messages WHERE id = last_insert_rowid()")[0]


def mine(sky: Sky, did: str, convo: str) -> Row | None:
    return sky.store.one("SELECT * FROM convos WHERE id = ? AND ? IN (one, other)", convo, did)


def message(row: Row) -> Json:
    sender = {"did": row["did"]}
    return {"id": _name(row), "rev": _name(row), "text": row["text"], "sender": sender, "sentAt": iso(row["sent_ms"])}


def convo(sky: Sky, row: Row) -> Json:
    members = [Views(sky).profile(did) for did in (row["one"], row["other"])]
    return {"id": row["id"], "rev": "1", "members": members, "muted": False, "unreadCount": 0, "status": "accepted"}


def _name(row: Row) -> str:
    return f"3m{row['id']:011d}"
