"""Who is told of what: those who are named, answered, quoted, liked or shared. Nobody of what they do themselves."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from workers.town.bluesky.sky import Sky

ABOVE = 5  # so many posts up the thread, their authors are told


def tell(sky: Sky, record: int, author: str, value: dict[str, Any]) -> None:
    row = sky.store.one("SELECT * FROM records WHERE id = ?", record)
    assert row is not None
    for did, reason, subject in _whom(sky, row["collection"], value):
        if did != author and sky.find(did) is not None:
            sky.store.run(
                "INSERT OR IGNORE INTO notices (did, record, reason, subject, shown_ms, stands_ms) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                *(did, record, reason, subject, row["shown_ms"], _stands(value, row["shown_ms"])),
            )


def _stands(value: dict[str, Any], shown_ms: int) -> int:
    """Where it stands in the list: at the time its author gives, though never in the future."""
    try:
        said = datetime.fromisoformat(str(value.get("createdAt")))
    except ValueError:
        return shown_ms
    return min(shown_ms, int(said.timestamp() * 1000))


def _whom(sky: Sky, collection: str, value: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    if collection in ("app.bsky.feed.like", "app.bsky.feed.repost"):
        uri = str(value["subject"]["uri"])
        yield _author(uri), collection.rpartition(".")[2], uri
        return
    for uri in _above(sky, value):
        yield _author(uri), "reply", uri
    for did in _named(value):
        yield did, "mention", None
    if quoted := _quoted(value):
        yield _author(quoted), "quote", quoted


def _author(uri: str) -> str:
    return uri.removeprefix("at://").partition("/")[0]


def _above(sky: Sky, value: dict[str, Any]) -> Iterator[str]:
    uri = ((value.get("reply") or {}).get("parent") or {}).get("uri")
    for _ in range(ABOVE):
        if not uri:
            return
        yield uri
        uri = sky.store.value(
            "SELECT parent FROM records WHERE 'at://' || did || '/' || collection || '/' || rkey = ? "
            "AND did = ? AND deleted_ms IS NULL",
            *(uri, _author(uri)),
        )


def _named(value: dict[str, Any]) -> Iterator[str]:
    for facet in value.get("facets") or []:
        for feature in facet.get("features") or []:
            if str(feature.get("$type", "")).endswith("#mention"):
                yield str(feature.get("did"))


def _quoted(value: dict[str, Any]) -> str:
    embed = value.get("embed") or {}
    record = embed.get("record") or {}
    return str((record.get("record") or record).get("uri") or "")
