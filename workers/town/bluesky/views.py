"""How others see what was written: posts with their authors, threads, notifications. Some time behind the writing."""

import json
from sqlite3 import Row
from typing import Any

from workers.town.bluesky import repo
from workers.town.bluesky.sky import Sky
from workers.town.limits import iso

Json = dict[str, Any]


class Views:
    def __init__(self, sky: Sky) -> None:
        self.sky = sky

    def profile(self, did: str) -> Json:
        row = self.sky.find(did)
        return {
            "did": did,
            "handle": row["handle"] if row else "handle.invalid",
            "displayName": row["name"] if row else "",
        }

    def shown(self, uri: str) -> Row | None:
        row = repo.get(self.sky, uri)
        return row if row is not None and row["shown_ms"] <= self.sky.now() else None

    def post(self, row: Row) -> Json:
        uri = repo.uri_of(row)
        counts = {
            "likeCount": self._count(uri, "app.bsky.feed.like"),
            "repostCount": self._count(uri, "app.bsky.feed.repost"),
            "replyCount": len(self._answers(uri)),
            "quoteCount": 0,
        }
        seen = {"record": json.loads(row["value"]), "indexedAt": iso(row["shown_ms"]), "labels": [], "viewer": {}}
        return {"uri": uri, "cid": row["cid"], "author": self.profile(row["did"]), **seen, **counts}

    def _count(self, uri: str, collection: str) -> int:
        sql = "SELECT count(*) FROM records WHERE subject = ? AND collection = ? AND deleted_ms IS NULL"
        return int(self.sky.store.value(sql, uri, collection))

    def _answers(self, uri: str) -> list[Row]:
        sql = "SELECT * FROM records WHERE parent = ? AND deleted_ms IS NULL AND shown_ms <= ? ORDER BY id"
        return self.sky.store.all(sql, uri, self.sky.now())

    def thread(self, row: Row, below: int, above: int) -> Json:
        found: Json = {"$type": "app.bsky.feed.defs#threadViewPost", "post": self.post(row)}
        if row["parent"] and above > 0:
            parent = self.shown(row["parent"])
            found["parent"] = self.thread(parent, 0, above - 1) if parent else _missing(row["parent"])
        if below > 0:
            found["replies"] = [self.thread(answer, below - 1, 0) for answer in self._answers(repo.uri_of(row))]
        return found

    def notice(self, row: Row) -> Json:
        record = self.sky.store.one("SELECT * FROM records WHERE id = ?", row["record"])
        assert record is not None
        about = {"reasonSubject": row["subject"]} if row["subject"] else {}
        return {
            "uri": repo.uri_of(record),
            "cid": record["cid"],
            "author": self.profile(record["did"]),
            "reason": row["reason"],
            **about,
            "record": json.loads(record["value"]),
            "isRead": False,
            "indexedAt": iso(row["stands_ms"]),
            "labels": [],
        }


def _missing(uri: str) -> Json:
    return {"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": True}
