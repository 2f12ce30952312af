"""What a relative's JSON looks like where Mastodon's looks otherwise."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from workers.town.switches import Switches

Json = Any
IDS = frozenset({"id", "in_reply_to_id", "in_reply_to_account_id"})
TIMES = frozenset({"created_at", "edited_at"})
NOTHING = frozenset({"mentions", "tags", "media_attachments", "emojis", "spoiler_text", "language", "note", "fields"})
OLD = ("uri", "title", "description", "email", "version", "stats")


def likeness(path: str, body: Json, switches: Switches) -> Json:
    body = _whole(path, body, switches)
    return _walk(body, switches)


def _whole(path: str, body: Json, switches: Switches) -> Json:
    """What is otherwise about an answer as a whole."""
    if isinstance(body, list):
        return _listed(path, body, switches)
    if switches.thin_account and path.endswith("/verify_credentials"):
        return {"id": body["id"], "acct": body["acct"]}
    if switches.old_instance and path == "/api/v1/instance":
        return {name: body[name] for name in OLD} | {"max_toot_chars": 5000}
    return body


def _listed(path: str, body: list[Json], switches: Switches) -> list[Json]:
    if switches.odd_notifications and path.endswith("/notifications") and body:
        odd = {**body[0], "id": f"{body[0]['id']}", "type": "reaction", "status": None, "emoji": "👍"}
        body = [*body, {**odd, "id": body[-1]["id"]}]
    if switches.order == "oldest_first":
        return body[::-1]
    if switches.order == "mixed":
        return random.Random(len(body)).sample(body, len(body))  # noqa: S311 - practice
    return body


def _walk(value: Json, switches: Switches) -> Json:
    if isinstance(value, list):
        return [_walk(each, switches) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _field(name, each, switches) for name, each in value.items()}
    return _status(changed, switches) if "content" in changed and "visibility" in changed else changed


def _field(name: str, value: Json, switches: Switches) -> Json:
    if name in IDS and switches.number_ids and isinstance(value, str) and value.isdigit():
        return int(value)
    if name in TIMES and isinstance(value, str):
        return _time(value, switches)
    if switches.nulls and name in NOTHING and not value:
        return None
    return _walk(value, switches)


def _time(value: str, switches: Switches) -> str:
    at = datetime.fromisoformat(value).astimezone(UTC) - timedelta(seconds=switches.clock_behind)
    match switches.times:
        case "whole":
            return at.isoformat(timespec="seconds").replace("+00:00", "Z")
        case "offset":
            return at.astimezone(timezone(timedelta(hours=2))).isoformat(timespec="milliseconds")
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _status(status: dict[str, Json], switches: Switches) -> dict[str, Json]:
    if switches.forget_parent:
        status |= {"in_reply_to_id": None, "in_reply_to_account_id": None}
    if switches.content == "absent":
        del status["content"]
    elif switches.content != "usual":
        status["content"] = CONTENTS[switches.content](str(status["content"]))
    return status


def _plain(html: str) -> str:
    text = re.sub(r"</p><p>", "\n\n", html).replace("<br />", "\n")
    return re.sub(r"<[^>]+>", "", text).replace("&lt;", "<").replace("&amp;", "&").replace("&#x27;", "'")


def _typographic(html: str) -> str:
    """As servers that make what was typed look nice."""
    return html.replace("&#x27;", "’").replace(" - ", " – ").replace("...", "…").replace("**", "")


CONTENTS: dict[str, Callable[[str], str | None]] = {
    "null": lambda html: None,
    "plain": _plain,
    "typographic": _typographic,
}
