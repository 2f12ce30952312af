"""Everything that changes a status: written, edited, deleted, liked, shared."""

import struct
import zlib
from dataclasses import dataclass
from sqlite3 import Row

from workers.town import text as words
from workers.town.people import Account
from workers.town.world import Town


@dataclass(frozen=True)
class Draft:
    author: Account
    text: str
    visibility: str = "public"
    reply_to: int | None = None
    spoiler: str = ""
    sensitive: bool = False
    language: str | None = "en"
    media: tuple[int, ...] = ()
    app: str = "Practice town"
    source: str = "town"  # api | control | town
    at_ms: int | None = None


def get(town: Town, status_id: int | None) -> Row | None:
    return town.store.one("SELECT * FROM statuses WHERE id = ? AND deleted_ms IS NULL", status_id)


def _insert(town: Town, **columns: object) -> None:
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO statuses ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
    town.store.run(sql, *columns.values())


def write(town: Town, draft: Draft) -> int:
    """Written, and everybody who is mentioned has been told, or nothing happened."""
    now = draft.at_ms if draft.at_ms is not None else town.now()
    lag = int(town.faults.switches.lag_seconds * 1000) if draft.source == "api" else 0
    with town.store.change():
        parent = get(town, draft.reply_to)
        status_id = town.status_ids.next(now)
        thread = parent["conversation_id"] if parent else status_id
        _insert(
            town,
            id=status_id,
            account_id=draft.author.id,
            text=draft.text,
            spoiler=draft.spoiler,
            sensitive=draft.sensitive,
            language=draft.language,
            visibility=draft.visibility,
            reply_to=parent and parent["id"],
            reply_to_account=parent and parent["account_id"],
            conversation_id=thread,
            app=draft.app,
            source=draft.source,
            created_ms=now,
            listed_ms=now + lag,
        )
        if parent:
            town.store.run("UPDATE statuses SET replies = replies + 1 WHERE id = ?", parent["id"])
        for position, media_id in enumerate(draft.media):
            town.store.run("UPDATE media SET status_id = ?, position = ? WHERE id = ?", status_id, position, media_id)
        for tag in words.tags(draft.text):
            town.store.run("INSERT INTO tags VALUES (?, ?)", tag, status_id)
        mentioned = _mention(town, draft.author, status_id, draft.text, now)
        if draft.visibility == "direct":
            _converse(town, thread, status_id, draft.author, mentioned)
    town.written[draft.author.id] += 1
    return status_id


def _mention(town: Town, author: Account, status_id: int, text: str, now: int) -> list[Account]:
    found = [town.people.mentioned(mention) for mention in words.mentions(text, town.settings.domain)]
    mentioned = list(dict.fromkeys(account for account in found if account))
    for account in mentioned:
        new = town.store.run("INSERT OR IGNORE INTO mentions VALUES (?, ?)", status_id, account.id)
        if new and account != author:
            notify(town, account.id, "mention", author, status_id, now)
    return mentioned


def notify(town: Town, account_id: int, kind: str, author: Account, status_id: int, now: int) -> None:
    number = town.other_ids.next(now)
    values = (number, account_id, kind, author.id, status_id, now)
    town.store.run("INSERT INTO notifications VALUES (?, ?, ?, ?, ?, ?)", *values)


def _converse(town: Town, thread: int, status_id: int, author: Account, others: list[Account]) -> None:
    for account in {author.id: author} | {other.id: other for other in others}:
        town.store.run(
            "INSERT INTO conversations VALUES (?, ?, ?, ?, ?) ON CONFLICT (account_id, thread_id) "
            "DO UPDATE SET last_status_id = excluded.last_status_id, unread = excluded.unread",
            town.other_ids.next(town.now()),
            account,
            thread,
            status_id,
            account != author.id,
        )


def edit(town: Town, status: Row, text: str, spoiler: str, sensitive: bool, at_ms: int | None = None) -> None:
    """What stood there before is kept as history."""
    now = at_ms if at_ms is not None else town.now()
    with town.store.change():
        town.store.run(
            "INSERT INTO edits VALUES (?, ?, ?, ?, ?)",
            *(status["id"], status["text"], status["spoiler"], status["sensitive"]),
            status["edited_ms"] or status["created_ms"],
        )
        town.store.run(
            "UPDATE statuses SET text = ?, spoiler = ?, sensitive = ?, edited_ms = ? WHERE id = ?",
            *(text, spoiler, sensitive, now, status["id"]),
        )
        _mention(town, town.people[status["account_id"]], status["id"], text, now)
        sharers = "SELECT DISTINCT account_id FROM statuses WHERE boost_of = ? AND deleted_ms IS NULL"
        for row in town.store.all(sharers, status["id"]):
            notify(town, row[0], "update", town.people[status["account_id"]], status["id"], now)


def delete(town: Town, status: Row, at_ms: int | None = None) -> None:
    """Gone for everybody; replies to it stay, and answer nothing any more."""
    status_id, store = status["id"], town.store
    with store.change():
        store.remember("last notifications", str(town.other_ids.last))
        store.run(
            "UPDATE statuses SET deleted_ms = ? WHERE id = ? OR boost_of = ?",
            at_ms or town.now(),
            status_id,
            status_id,
        )
        store.run("UPDATE statuses SET replies = max(0, replies - 1) WHERE id = ?", status["reply_to"])
        store.run("UPDATE statuses SET reply_to = NULL, reply_to_account = NULL WHERE reply_to = ?", status_id)
        store.run("DELETE FROM notifications WHERE status_id = ?", status_id)
        store.run("DELETE FROM tags WHERE status_id = ?", status_id)
        before = store.value(
            "SELECT max(id) FROM statuses WHERE conversation_id = ? AND visibility = 'direct' AND deleted_ms IS NULL",
            status["conversation_id"],
        )
        if before is None:
            store.run("DELETE FROM conversations WHERE last_status_id = ?", status_id)
        store.run("UPDATE conversations SET last_status_id = ? WHERE last_status_id = ?", before, status_id)
    town.written[status["account_id"]] -= 1


def favourite(town: Town, status: Row, account: Account, wanted: bool) -> None:
    with town.store.change():
        if not wanted:
            changed = -town.store.run(
                "DELETE FROM favourites WHERE status_id = ? AND account_id = ?", status["id"], account.id
            )
        else:
            changed = town.store.run("INSERT OR IGNORE INTO favourites VALUES (?, ?)", status["id"], account.id)
        town.store.run("UPDATE statuses SET favourites = favourites + ? WHERE id = ?", changed, status["id"])
        if changed > 0 and status["account_id"] != account.id:
            notify(town, status["account_id"], "favourite", account, status["id"], town.now())


def boost(town: Town, status: Row, account: Account) -> int:
    """Sharing the same thing twice gives the same boost back."""
    known = town.store.value(
        "SELECT id FROM statuses WHERE boost_of = ? AND account_id = ? AND deleted_ms IS NULL",
        status["id"],
        account.id,
    )
    if known is not None:
        return int(known)
    now = town.now()
    with town.store.change():
        number = town.status_ids.next(now)
        _insert(
            town,
            id=number,
            account_id=account.id,
            text="",
            spoiler="",
            sensitive=False,
            visibility="public",
            conversation_id=number,
            boost_of=status["id"],
            app="",
            source="town",
            created_ms=now,
            listed_ms=now,
        )
        town.store.run("UPDATE statuses SET boosts = boosts + 1 WHERE id = ?", status["id"])
        if status["account_id"] != account.id:
            notify(town, status["account_id"], "reblog", account, status["id"], now)
    return number


def unboost(town: Town, status: Row, account: Account) -> None:
    with town.store.change():
        gone = town.store.run(
            "UPDATE statuses SET deleted_ms = ? WHERE boost_of = ? AND account_id = ? AND deleted_ms IS NULL",
            *(town.now(), status["id"], account.id),
        )
        town.store.run("UPDATE statuses SET boosts = max(0, boosts - ?) WHERE id = ?", gone, status["id"])


def keep_media(town: Town, account: Account, mime: str, description: str, content: bytes, focus: str = "") -> int:
    number = town.media_ids.next(town.now())
    ready = town.now() + int(town.faults.switches.media_slow * 1000)
    with town.store.change():
        values = (number, account.id, mime, description, content, focus, ready)
        columns = "id, account_id, mime, description, bytes, focus, ready_ms"
        town.store.run(f"INSERT INTO media ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", *values)  # noqa: S608 - ours
    return number


def is_ready(town: Town, media: Row) -> bool:
    return not town.faults.switches.media_never_ready and bool(media["ready_ms"] <= town.now())


def plain_picture(width: int = 320, height: int = 240) -> bytes:
    """A grey PNG, for residents who send a photograph."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes([90 + line // 4] * width) for line in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
