"""Direct messages as their service offers them, behind an account's own server."""

from sqlite3 import Row
from typing import Any

from workers.town.bluesky import chats
from workers.town.bluesky.calls import Call, Handler, wrong

MINE = "convo IN (SELECT id FROM convos WHERE ? IN (one, other))"


async def list_convos(call: Call) -> Any:
    call.privileged()
    sql = "SELECT * FROM convos WHERE ? IN (one, other) AND id > ? ORDER BY id LIMIT ?"
    rows = call.sky.store.all(sql, call.did, call.asked("cursor"), call.limit())
    following = {"cursor": rows[-1]["id"]} if len(rows) == call.limit() else {}
    return {"convos": [chats.convo(call.sky, row) for row in rows], **following}


async def get_convo(call: Call) -> Any:
    call.privileged()
    return {"convo": chats.convo(call.sky, _convo(call, call.needed("convoId")))}


async def get_convo_for_members(call: Call) -> Any:
    call.privileged()
    return {"convo": chats.convo(call.sky, chats.between(call.sky, call.did, call.needed("members")))}


def _convo(call: Call, name: str) -> Row:
    row = chats.mine(call.sky, call.did, name)
    if row is None:
        raise wrong("Convo not found", "InvalidConvo")
    return row


async def get_messages(call: Call) -> Any:
    """Newest first."""
    call.privileged()
    convo, limit = _convo(call, call.needed("convoId")), call.limit()
    rows = call.sky.store.all(
        "SELECT * FROM messages WHERE convo = ? AND id < ? AND shown_ms <= ? ORDER BY id DESC LIMIT ?",
        *(convo["id"], int(call.asked("cursor") or 1 << 62), call.sky.now(), limit),
    )
    following = {"cursor": str(rows[-1]["id"])} if len(rows) == limit else {}
    return {"messages": [chats.message(row) for row in rows], **following}


async def get_log(call: Call) -> Any:
    """What was said since; without a cursor, only where it stands now."""
    call.privileged()
    if not call.asked("cursor"):
        last = f"SELECT coalesce(max(id), 0) FROM messages WHERE {MINE} AND shown_ms <= ?"  # noqa: S608 - ours
        return {"logs": [], "cursor": str(call.sky.store.value(last, call.did, call.sky.now()))}
    rows = call.sky.store.all(
        f"SELECT * FROM messages WHERE {MINE} AND id > ? AND shown_ms <= ? ORDER BY id LIMIT 100",  # noqa: S608 - ours
        *(call.did, int(call.asked("cursor")), call.sky.now()),
    )
    logs = [
        {
            "$type": "chat.bsky.convo.defs#logCreateMessage",
            "rev": str(row["id"]),
            "convoId": row["convo"],
            "message": chats.message(row),
        }
        for row in rows
    ]
    return {"logs": logs, "cursor": str(rows[-1]["id"]) if rows else call.asked("cursor")}


async def send_message(call: Call) -> Any:
    call.privileged()
    body = await call.body("convoId", "message")
    text = str((body["message"] or {}).get("text", ""))
    if not text or len(text.encode()) > 10_000:
        raise wrong("Error: message/text must not be longer than 10000 characters")
    return chats.message(chats.say(call.sky, _convo(call, str(body["convoId"]))["id"], call.did, text, "api"))


METHODS: dict[str, tuple[str, Handler]] = {
    "chat.bsky.convo.listConvos": ("GET", list_convos),
    "chat.bsky.convo.getConvo": ("GET", get_convo),
    "chat.bsky.convo.getConvoForMembers": ("GET", get_convo_for_members),
    "chat.bsky.convo.getMessages": ("GET", get_messages),
    "chat.bsky.convo.getLog": ("GET", get_log),
    "chat.bsky.convo.sendMessage": ("POST", send_message),
}
