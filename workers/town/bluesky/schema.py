"""What the sky keeps. A record that is taken away stays as a row, so that nothing that ever was is forgotten."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
  did TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,
  ended_ms INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS app_passwords (
  did TEXT NOT NULL, password TEXT NOT NULL, scope TEXT NOT NULL, PRIMARY KEY (did, password));
CREATE TABLE IF NOT EXISTS renewals (
  jti TEXT PRIMARY KEY, did TEXT NOT NULL, scope TEXT NOT NULL, until_ms INTEGER NOT NULL, following TEXT);
CREATE TABLE IF NOT EXISTS records (
  id INTEGER PRIMARY KEY, did TEXT NOT NULL, collection TEXT NOT NULL, rkey TEXT NOT NULL, cid TEXT NOT NULL,
  value TEXT NOT NULL, source TEXT NOT NULL, made_ms INTEGER NOT NULL, shown_ms INTEGER NOT NULL,
  parent TEXT, subject TEXT, deleted_ms INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS records_by_name ON records (did, collection, rkey) WHERE deleted_ms IS NULL;
CREATE INDEX IF NOT EXISTS records_by_parent ON records (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_by_subject ON records (subject) WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS notices (
  id INTEGER PRIMARY KEY, did TEXT NOT NULL, record INTEGER NOT NULL, reason TEXT NOT NULL, subject TEXT,
  shown_ms INTEGER NOT NULL, stands_ms INTEGER NOT NULL, UNIQUE (did, record));
CREATE INDEX IF NOT EXISTS notices_by_place ON notices (did, stands_ms, id);
CREATE TABLE IF NOT EXISTS blobs (did TEXT NOT NULL, cid TEXT NOT NULL, mime TEXT NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (did, cid));
CREATE TABLE IF NOT EXISTS convos (id TEXT PRIMARY KEY, one TEXT NOT NULL, other TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY, convo TEXT NOT NULL, did TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL,
  sent_ms INTEGER NOT NULL, shown_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_convo ON messages (convo, id);
"""
