"""Everything the town knows, in one SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
  id INTEGER PRIMARY KEY, acct TEXT NOT NULL UNIQUE, username TEXT NOT NULL, name TEXT NOT NULL,
  kind TEXT NOT NULL, area TEXT NOT NULL, voice TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS apps (
  client_id TEXT PRIMARY KEY, client_secret TEXT NOT NULL, name TEXT NOT NULL,
  redirect_uris TEXT NOT NULL, scopes TEXT NOT NULL, website TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
  code TEXT PRIMARY KEY, client_id TEXT NOT NULL, account_id INTEGER NOT NULL, redirect_uri TEXT NOT NULL,
  scopes TEXT NOT NULL, challenge TEXT NOT NULL, created_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, account_id INTEGER, client_id TEXT NOT NULL, scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS statuses (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, text TEXT NOT NULL, spoiler TEXT NOT NULL,
  sensitive INTEGER NOT NULL, language TEXT, visibility TEXT NOT NULL, reply_to INTEGER,
  reply_to_account INTEGER, conversation_id INTEGER NOT NULL, boost_of INTEGER, app TEXT NOT NULL,
  source TEXT NOT NULL, created_ms INTEGER NOT NULL, listed_ms INTEGER NOT NULL, edited_ms INTEGER,
  deleted_ms INTEGER, replies INTEGER NOT NULL DEFAULT 0, boosts INTEGER NOT NULL DEFAULT 0,
  favourites INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS statuses_by_account ON statuses (account_id, id);
CREATE INDEX IF NOT EXISTS statuses_by_reply ON statuses (reply_to, id);
CREATE INDEX IF NOT EXISTS statuses_by_conversation ON statuses (conversation_id, id);
CREATE INDEX IF NOT EXISTS statuses_by_boost ON statuses (boost_of, account_id) WHERE boost_of IS NOT NULL;
CREATE INDEX IF NOT EXISTS statuses_public ON statuses (id)
  WHERE visibility = 'public' AND deleted_ms IS NULL AND boost_of IS NULL;
CREATE TABLE IF NOT EXISTS mentions (
  status_id INTEGER NOT NULL, account_id INTEGER NOT NULL, PRIMARY KEY (status_id, account_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
  tag TEXT NOT NULL, status_id INTEGER NOT NULL, PRIMARY KEY (tag, status_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS edits (
  status_id INTEGER NOT NULL, text TEXT NOT NULL, spoiler TEXT NOT NULL, sensitive INTEGER NOT NULL,
  created_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS edits_by_status ON edits (status_id);
CREATE TABLE IF NOT EXISTS favourites (
  status_id INTEGER NOT NULL, account_id INTEGER NOT NULL, PRIMARY KEY (status_id, account_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notifications (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, type TEXT NOT NULL, from_id INTEGER NOT NULL,
  status_id INTEGER NOT NULL, created_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS notifications_by_account ON notifications (account_id, id);
CREATE INDEX IF NOT EXISTS notifications_by_status ON notifications (status_id);
CREATE TABLE IF NOT EXISTS conversations (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, thread_id INTEGER NOT NULL,
  last_status_id INTEGER NOT NULL, unread INTEGER NOT NULL, UNIQUE (account_id, thread_id));
CREATE INDEX IF NOT EXISTS conversations_by_last ON conversations (account_id, last_status_id);
CREATE TABLE IF NOT EXISTS media (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, status_id INTEGER, mime TEXT NOT NULL,
  description TEXT NOT NULL, bytes BLOB NOT NULL, focus TEXT NOT NULL DEFAULT '',
  ready_ms INTEGER NOT NULL DEFAULT 0, position INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS media_by_status ON media (status_id) WHERE status_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS idempotency (
  account_id INTEGER NOT NULL, key TEXT NOT NULL, status_id INTEGER NOT NULL, created_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plans (id INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, what TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS plans_by_due ON plans (due_ms);
CREATE TABLE IF NOT EXISTS spoken (words TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
"""


_NUMBER = "INTEGER NOT NULL DEFAULT 0"


class Store:
    def __init__(self, path: str, schema: str = SCHEMA) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")  # outlives a killed process; this is only practice
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(schema)
        if schema is SCHEMA:
            self._grow()

    def _grow(self) -> None:
        """A town from before there were such columns goes on as it was."""
        there = {row["name"] for row in self._db.execute("PRAGMA table_info(media)")}
        for name, kind in (("focus", "TEXT NOT NULL DEFAULT ''"), ("ready_ms", _NUMBER), ("position", _NUMBER)):
            if name not in there:
                self._db.execute(f"ALTER TABLE media ADD COLUMN {name} {kind}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """All or nothing; a change inside a change belongs to the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> int:
        """The number of rows changed."""
        return self._db.execute(sql, values).rowcount

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def value(self, sql: str, *values: Any) -> Any:
        row = self.one(sql, *values)
        return None if row is None else row[0]

    def fact(self, name: str) -> str | None:
        found: str | None = self.value("SELECT value FROM facts WHERE name = ?", name)
        return found

    def remember(self, name: str, value: str) -> None:
        self.run(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            value,
        )

    def wipe(self) -> None:
        for row in self.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
            self.run(f"DELETE FROM {row[0]}")  # noqa: S608 - our own names
