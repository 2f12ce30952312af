"""What people write: records under names, put once, never written over unawares."""

import json
import re
from collections.abc import Mapping
from sqlite3 import Row
from typing import Any

import regex

from workers.town.bluesky import cids, notices
from workers.town.bluesky.calls import wrong
from workers.town.bluesky.sky import Sky

POST = "app.bsky.feed.post"
TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
NAMED_BY_TIME = frozenset({POST, "app.bsky.feed.repost", "app.bsky.feed.like"})
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
MOST_GRAPHEMES, MOST_BYTES = 300, 3000
LARGEST_PICTURE = 2_000_000


def uri_of(row: Row) -> str:
    return f"at://{row['did']}/{row['collection']}/{row['rkey']}"


def get(sky: Sky, uri: str) -> Row | None:
    did, _, name = uri.removeprefix("at://").partition("/")
    collection, _, rkey = name.partition("/")
    sql = "SELECT * FROM records WHERE did = ? AND collection = ? AND rkey = ? AND deleted_ms IS NULL"
    return sky.store.one(sql, did, collection, rkey)


def put(sky: Sky, did: str, collection: str, rkey: str, value: dict[str, Any], source: str) -> int:
    """Written, and everybody whom it concerns will be told. What stood there is gone, but not forgotten."""
    now = sky.now()
    with sky.store.change():
        take_away(sky, f"at://{did}/{collection}/{rkey}")
        sky.store.run(
            "INSERT INTO records (did, collection, rkey, cid, value, source, made_ms, shown_ms, parent, subject) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(did, collection, rkey, cids.of_record(value), json.dumps(value), source, now),
            now + int(sky.faults.switches.lag_seconds * 1000),
            *(_uri(value.get("reply"), "parent"), _uri(value, "subject")),
        )
        number = int(sky.store.value("SELECT last_insert_rowid()"))
        notices.tell(sky, number, did, value)
    return number


def _uri(value: Any, name: str) -> str | None:
    return str(value[name]["uri"]) if isinstance(value, Mapping) and isinstance(value.get(name), Mapping) else None


def take_away(sky: Sky, uri: str) -> None:
    row = get(sky, uri)
    if row is not None:
        with sky.store.change():
            sky.store.run("UPDATE records SET deleted_ms = ? WHERE id = ?", sky.now(), row["id"])
            sky.store.run("DELETE FROM notices WHERE record = ?", row["id"])


def new_rkey(sky: Sky) -> str:
    """Later than every name before it."""
    last = int(sky.store.fact("last rkey") or 0)
    value = max((sky.now() * 1000) << 10, last + (1 << 10))
    sky.store.remember("last rkey", str(value))
    return "".join(LETTERS[value >> 5 * place & 31] for place in reversed(range(13)))


def check(sky: Sky, did: str, collection: str, rkey: str, value: Any) -> dict[str, Any]:
    """As far as the reference looks: it believes links past the end of a text, and parents that never were."""
    if not isinstance(value, dict) or value.get("$type", collection) != collection:
        raise wrong(f"Invalid $type: expected {collection}")
    if collection in NAMED_BY_TIME and not TID.fullmatch(rkey):
        raise wrong(f"Invalid {collection} record key: not a valid TID")
    if not isinstance(value.get("createdAt"), str) and collection in NAMED_BY_TIME:
        raise wrong(f'Invalid {collection} record: Record must have the property "createdAt"')
    if collection == POST:
        _check_post(sky, did, value)
    return {"$type": collection, **value}


def _check_post(sky: Sky, did: str, value: dict[str, Any]) -> None:
    text = value.get("text")
    if not isinstance(text, str):
        raise wrong(f'Invalid {POST} record: Record must have the property "text"')
    if len(text.encode()) > MOST_BYTES:
        raise wrong(f"Invalid {POST} record: Record/text must not be longer than {MOST_BYTES} characters")
    if len(regex.findall(r"\X", text)) > MOST_GRAPHEMES:
        raise wrong(f"Invalid {POST} record: Record/text must not be longer than {MOST_GRAPHEMES} graphemes")
    for image in (value.get("embed") or {}).get("images", []):
        blob = image.get("image", {})
        if int(blob.get("size", 0)) > LARGEST_PICTURE:
            raise wrong(f"This file is too large. It is {blob['size']} but the maximum size is {LARGEST_PICTURE}.")
        known = sky.store.value("SELECT 1 FROM blobs WHERE did = ? AND cid = ?", did, blob.get("ref", {}).get("$link"))
        if known is None:
            raise wrong("Could not find blob", "BlobNotFound")
