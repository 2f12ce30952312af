"""Everything that only reads: lists in pages, threads, who may see what."""

from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from workers.town.world import Town


@dataclass(frozen=True)
class Page:
    limit: int = 20
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None


@dataclass(frozen=True)
class Where:
    """A piece of SQL and its values, always ours."""

    sql: str
    values: tuple[Any, ...] = ()

    def __add__(self, other: "Where") -> "Where":
        return Where(f"{self.sql} AND {other.sql}", self.values + other.values)


def turn(town: Town, what: str, where: Where, page: Page, key: str = "id") -> list[Row]:
    """Newest first; min_id gives those just above the mark, so that going forward leaves no gap."""
    if page.max_id is not None:
        where += Where(f"{key} < ?", (page.max_id,))
    if page.since_id is not None:
        where += Where(f"{key} > ?", (page.since_id,))
    forward = page.min_id is not None
    if forward:
        where += Where(f"{key} > ?", (page.min_id,))
    order = "ASC" if forward else "DESC"
    sql = f"SELECT * FROM {what} WHERE {where.sql} ORDER BY {key} {order} LIMIT ?"  # noqa: S608 - no words from outside
    rows = town.store.all(sql, *where.values, page.limit)
    return rows[::-1] if forward else rows


def may_see(town: Town, status: Row, viewer_id: int | None) -> bool:
    if status["visibility"] in {"public", "unlisted"} or status["account_id"] == viewer_id:
        return True
    named = "SELECT 1 FROM mentions WHERE status_id = ? AND account_id = ?"
    return viewer_id is not None and town.store.value(named, status["id"], viewer_id) is not None


def by_account(town: Town, account_id: int, viewer_id: int | None, page: Page, *conditions: str) -> list[Row]:
    where = Where("account_id = ? AND deleted_ms IS NULL AND listed_ms <= ?", (account_id, town.now()))
    if viewer_id != account_id:
        seen = (
            "(visibility IN ('public', 'unlisted') OR EXISTS "
            "(SELECT 1 FROM mentions WHERE status_id = statuses.id AND mentions.account_id = ?))"
        )
        where += Where(seen, (viewer_id or 0,))
    for condition in conditions:
        where += Where(condition)
    return turn(town, "statuses", where, page)


def public(town: Town, page: Page, *, remote_only: bool = False) -> list[Row]:
    where = Where("visibility = 'public' AND deleted_ms IS NULL AND boost_of IS NULL")
    if remote_only:
        where += Where("account_id IN (SELECT id FROM accounts WHERE acct LIKE '%@%')")
    return turn(town, "statuses", where, page)


def tagged(town: Town, tag: str, page: Page) -> list[Row]:
    where = Where(
        "id IN (SELECT status_id FROM tags WHERE tag = ?) AND visibility = 'public'", (tag.lower(),)
    )
    return turn(town, "statuses", where + Where("deleted_ms IS NULL"), page)


def notifications(town: Town, account_id: int, page: Page, types: list[str], without: list[str]) -> list[Row]:
    where = Where("account_id = ?", (account_id,))
    if types:
        where += Where(f"type IN ({', '.join('?' * len(types))})", tuple(types))
    if without:
        where += Where(f"type NOT IN ({', '.join('?' * len(without))})", tuple(without))
    return turn(town, "notifications", where, page)


def conversations(town: Town, account_id: int, page: Page) -> list[Row]:
    return turn(town, "conversations", Where("account_id = ?", (account_id,)), page, key="last_status_id")


def ancestors(town: Town, status: Row, viewer_id: int | None) -> list[Row]:
    found: list[Row] = []
    above = status["reply_to"]
    while above is not None and len(found) < 400:
        row = town.store.one("SELECT * FROM statuses WHERE id = ? AND deleted_ms IS NULL", above)
        if row is None:
            break
        if may_see(town, row, viewer_id):
            found.append(row)
        above = row["reply_to"]
    return found[::-1]


def descendants(town: Town, status: Row, viewer_id: int | None) -> list[Row]:
    """Depth first, as Mastodon lists them: every answer below what it answers."""
    rows = town.store.all(
        "WITH RECURSIVE below (id, path) AS ("
        "  SELECT id, printf('%020d', id) FROM statuses WHERE reply_to = ? AND deleted_ms IS NULL"
        "  UNION ALL SELECT s.id, path || printf('%020d', s.id) "
        "  FROM statuses s JOIN below ON s.reply_to = below.id"
        "  WHERE s.deleted_ms IS NULL LIMIT 4000) "
        "SELECT statuses.* FROM below JOIN statuses ON statuses.id = below.id ORDER BY path",
        status["id"],
    )
    return [row for row in rows if may_see(town, row, viewer_id)]
