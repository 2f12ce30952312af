"""What Mastodon's answers look like."""

from collections import defaultdict
from collections.abc import Iterable
from html import escape
from sqlite3 import Row
from typing import Any

from workers.town import lists, statuses, text
from workers.town.limits import iso
from workers.town.people import Account
from workers.town.world import Town

Json = dict[str, Any]


class Shapes:
    """Knows the town, the address it was asked under, and who is asking."""

    def __init__(self, town: Town, base: str, viewer_id: int | None = None) -> None:
        self.town, self.base, self.viewer_id = town, base, viewer_id

    def profile(self, account: Account) -> str:
        return f"{self.base}/@{account.acct}"

    def account(self, account: Account) -> Json:
        picture = f"{self.base}/avatars/{account.acct}.svg"
        return {
            "id": self.town.show(account.id),
            "username": account.username,
            "acct": account.acct,
            "display_name": account.name,
            "locked": False,
            "bot": account.kind == "spam",
            "discoverable": True,
            "indexable": True,
            "group": account.kind == "group",
            "created_at": "2026-01-01T00:00:00.000Z",
            "note": f"<p>{escape(account.note)}</p>" if account.note else "",
            "url": self.profile(account),
            "uri": f"{self.base}/users/{account.acct}",
            "avatar": picture,
            "avatar_static": picture,
            "header": picture,
            "header_static": picture,
            "followers_count": 0,
            "following_count": 0,
            "statuses_count": self.town.written[account.id],
            "last_status_at": None,
            "emojis": [],
            "fields": [],
        }

    def own_account(self, account: Account, scopes: str) -> Json:
        source = {
            "privacy": "public",
            "sensitive": False,
            "language": "en",
            "note": account.note,
            "fields": [],
            "follow_requests_count": 0,
        }
        return self.account(account) | {"source": source, "scopes": scopes.split()}

    def mention(self, account: Account) -> Json:
        return {
            "id": self.town.show(account.id),
            "username": account.username,
            "acct": account.acct,
            "url": self.profile(account),
        }

    def media(self, row: Row) -> Json:
        url = f"{self.base}/media/{self.town.show(row['id'])}"
        focus = row["focus"].split(",")
        return {
            "id": self.town.show(row["id"]),
            "type": row["mime"].split("/")[0],
            "url": url,
            "preview_url": url,
            "remote_url": None,
            "meta": {"focus": dict(zip("xy", map(float, focus), strict=True))} if len(focus) == 2 else {},
            "description": row["description"] or None,
            "blurhash": None,
        }

    def html(self, words: str) -> str:
        def url_of(mention: text.Mention) -> str | None:
            account = self.town.people.mentioned(mention)
            return self.profile(account) if account else None

        return text.html(words, self.base, self.town.settings.domain, url_of)

    def status(self, row: Row) -> Json:
        return self.statuses([row])[0]

    def statuses(self, rows: Iterable[Row]) -> list[Json]:
        rows = list(rows)
        mentions, media = self._beside("mentions", rows), self._beside("media", rows)
        people = {row["account_id"]: self.account(self.town.people[row["account_id"]]) for row in rows}
        return [self._status(row, people[row["account_id"]], mentions[row["id"]], media[row["id"]]) for row in rows]

    def _beside(self, table: str, rows: list[Row]) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        marks = ", ".join("?" * len(rows))
        order = "ORDER BY position" if table == "media" else ""
        sql = f"SELECT * FROM {table} WHERE status_id IN ({marks}) {order}"  # noqa: S608 - our own names
        for row in self.town.store.all(sql, *(row["id"] for row in rows)):
            found[row["status_id"]].append(row)
        return found

    def _status(self, row: Row, account: Json, mentions: list[Row], media: list[Row]) -> Json:
        number = self.town.show(row["id"])
        boosted = statuses.get(self.town, row["boost_of"]) if row["boost_of"] else None
        tags = [{"name": tag, "url": f"{self.base}/tags/{tag}"} for tag in text.tags(row["text"])]
        return {
            "id": number,
            "created_at": iso(row["created_ms"]),
            "in_reply_to_id": self.town.show(row["reply_to"]),
            "in_reply_to_account_id": self.town.show(row["reply_to_account"]),
            "sensitive": bool(row["sensitive"]),
            "spoiler_text": row["spoiler"],
            "visibility": row["visibility"],
            "language": row["language"],
            "uri": f"{self.base}/users/{account['acct']}/statuses/{number}",
            "url": f"{account['url']}/{number}",
            "replies_count": row["replies"],
            "reblogs_count": row["boosts"],
            "favourites_count": row["favourites"],
            "quotes_count": 0,
            "edited_at": iso(row["edited_ms"]) if row["edited_ms"] else None,
            "content": self.html(row["text"]),
            "reblog": self.status(boosted) if boosted else None,
            "application": {"name": row["app"], "website": None} if row["app"] else None,
            "account": account,
            "media_attachments": [self.media(one) for one in media],
            "mentions": [self.mention(self.town.people[one["account_id"]]) for one in mentions],
            "tags": tags,
            "emojis": [],
            "card": None,
            "poll": None,
            **self._mine(row),
        }

    def _mine(self, row: Row) -> Json:
        if self.viewer_id is None:
            return {}
        liked = "SELECT 1 FROM favourites WHERE status_id = ? AND account_id = ?"
        shared = "SELECT 1 FROM statuses WHERE boost_of = ? AND account_id = ? AND deleted_ms IS NULL"
        return {
            "favourited": self.town.store.value(liked, row["id"], self.viewer_id) is not None,
            "reblogged": self.town.store.value(shared, row["id"], self.viewer_id) is not None,
            "muted": False,
            "bookmarked": False,
        }

    def notifications(self, rows: list[Row]) -> list[Json]:
        marks = ", ".join("?" * len(rows))
        sql = f"SELECT * FROM statuses WHERE id IN ({marks}) AND deleted_ms IS NULL"  # noqa: S608
        found = self.town.store.all(sql, *(row["status_id"] for row in rows))
        shown = {row["id"]: shape for row, shape in zip(found, self.statuses(found), strict=True)}
        return [
            {
                "id": self.town.show(row["id"]),
                "type": row["type"],
                "created_at": iso(row["created_ms"]),
                "group_key": f"ungrouped-{row['id']}",
                "account": self.account(self.town.people[row["from_id"]]),
                "status": shown.get(row["status_id"]),
            }
            for row in rows
        ]

    def conversation(self, row: Row) -> Json:
        last = statuses.get(self.town, row["last_status_id"])
        others = self.town.store.all(
            "SELECT DISTINCT account_id FROM conversations WHERE thread_id = ? AND account_id != ?",
            *(row["thread_id"], row["account_id"]),
        )
        return {
            "id": self.town.show(row["id"]),
            "unread": bool(row["unread"]),
            "accounts": [self.account(self.town.people[one["account_id"]]) for one in others],
            "last_status": self.status(last) if last and lists.may_see(self.town, last, self.viewer_id) else None,
        }
