"""Direct messages, which live on a server of their own, behind ours. Only some app passwords open it.

A message is told apart by `chat:` before it, where a post has an address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.platforms.errors import Expired, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import (
    Address,
    Batch,
    Draft,
    Exchange,
    Incoming,
    Published,
    RawItem,
    Request,
    Token,
    Visibility,
)
from workers.platforms import bluesky_read
from workers.platforms.bluesky_calls import UNREADABLE, Query, ask, get, post, session_of
from workers.platforms.payload import child, listed, moment, text_of

Entry = dict[str, Any]

BEHIND = {"Atproto-Proxy": "did:web:api.bsky.chat#bsky_chat"}
SCHEME = "chat:"
MOST_PAGES = 100
CLOCK_SKEW = timedelta(seconds=120)


def is_chat(remote_id: str | None) -> bool:
    return (remote_id or "").startswith(SCHEME)


def poll(address: Address, token: Token, cursor: str | None) -> Exchange[Batch]:
    """What was said since the cursor, oldest first. Nothing, where the app password does not open this."""
    if not session_of(address, token).chats:
        return Batch((), cursor, more=False)
    if cursor is None:
        return (yield from backfill(address, token, None))
    said = yield from _allowed(_get(address, token, "chat.bsky.convo.getLog", {"cursor": cursor}))
    after = text_of(said, "cursor") or cursor
    logs = [entry for entry in listed(said, "logs") if isinstance(entry, dict)]
    made = [entry for entry in logs if text_of(entry, "$type").endswith("#logCreateMessage")]
    items: list[RawItem] = []
    for convo_id in dict.fromkeys(text_of(entry, "convoId") for entry in made):
        convo = child(
            (yield from _allowed(_get(address, token, "chat.bsky.convo.getConvo", {"convoId": convo_id}))), "convo"
        )
        spoken = [child(entry, "message") for entry in made if text_of(entry, "convoId") == convo_id]
        items += _items(convo, spoken)
    return Batch(tuple(items), after, more=bool(logs) and after != cursor)


def backfill(address: Address, token: Token, since: datetime | None) -> Exchange[Batch]:
    """Where the log stands is asked first: what is said meanwhile then comes twice rather than never."""
    if not session_of(address, token).chats:
        return Batch((), None, more=False)
    cursor = text_of((yield from _allowed(_get(address, token, "chat.bsky.convo.getLog"))), "cursor") or None
    items: list[RawItem] = []
    at = ""
    for _ in range(MOST_PAGES if since else 1):
        query = [("limit", "100"), *([("cursor", at)] if at else [])]
        said = yield from _allowed(_get(address, token, "chat.bsky.convo.listConvos", query))
        convos = [convo for convo in listed(said, "convos") if isinstance(convo, dict)]
        for convo in convos:
            items += _items(convo, (yield from _messages(address, token, text_of(convo, "id"), since))[::-1])
        following = text_of(said, "cursor")
        if not convos or not following or following == at:
            break
        at = following
    return Batch(
        tuple(sorted(items, key=lambda item: text_of(child(item.payload, "message"), "sentAt"))), cursor, False
    )


def publish(address: Address, token: Token, draft: Draft) -> Exchange[Published]:
    """The service knows no key: a lost answer is looked for among what was said."""
    convo_id, _ = _parts(draft.in_reply_to)
    if not convo_id:
        raise Refused(Refusal.INVALID, "A direct message can only answer one.")
    body = {"convoId": convo_id, "message": {"text": draft.text}}
    asking = post(address, token, "chat.bsky.convo.sendMessage", body, creates=True)
    said = yield from ask(_behind(asking))
    if not text_of(said, "id"):
        raise Unknown(UNREADABLE)
    return _published(convo_id, said)


def find(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """The earliest of our own since the attempt, with the same words, that nothing else is linked to."""
    convo_id, _ = _parts(draft.in_reply_to)
    spoken = yield from _messages(address, token, convo_id, started_at - CLOCK_SKEW)
    for message in reversed(spoken):
        ours = text_of(child(message, "sender"), "did") == address.remote_id
        if ours and text_of(message, "text") == draft.text and _name(convo_id, message) not in linked:
            return _published(convo_id, message)
    return None


def around(address: Address, token: Token, remote_id: str) -> Exchange[tuple[RawItem, ...]]:
    """The newest of the conversation that it stands in."""
    convo_id, _ = _parts(remote_id)
    convo = child((yield from ask(_get(address, token, "chat.bsky.convo.getConvo", {"convoId": convo_id}))), "convo")
    query = [("convoId", convo_id), ("limit", "100")]
    said = yield from ask(_get(address, token, "chat.bsky.convo.getMessages", query))
    return tuple(_items(convo, [message for message in listed(said, "messages")[::-1] if isinstance(message, dict)]))


def read(address: Address, item: RawItem) -> Incoming:
    """Like a post, with the words in `message`; whom we spoke to is told by name."""
    message, members = child(item.payload, "message"), _members(child(item.payload, "convo"))
    sender = text_of(child(message, "sender"), "did")
    said = bluesky_read.read(
        address,
        RawItem(item.remote_id, {"author": members.get(sender, {"did": sender}), "record": message}),
    )
    others = tuple(bluesky_read.contact(member).handle for did, member in members.items() if did != address.remote_id)
    return replace(
        said,
        visibility=Visibility.DIRECT,
        occurred_at=moment(message.get("sentAt")) or datetime.now(UTC),
        in_reply_to=None,
        mentions=others if said.ours else (),
    )


def _messages(address: Address, token: Token, convo_id: str, since: datetime | None) -> Exchange[list[Entry]]:
    """Newest first, back to `since`; without it, one page."""
    found: list[Entry] = []
    at = ""
    for _ in range(MOST_PAGES):
        query = [("convoId", convo_id), ("limit", "100"), *([("cursor", at)] if at else [])]
        said = yield from ask(_get(address, token, "chat.bsky.convo.getMessages", query))
        page = [message for message in listed(said, "messages") if isinstance(message, dict)]
        kept = [message for message in page if since is None or not _before(message, since)]
        found += kept
        following = text_of(said, "cursor")
        if since is None or len(kept) < len(page) or not page or not following or following == at:
            return found
        at = following
    raise Unknown("The conversation could not be read back far enough to know.")


def _allowed(request: Request) -> Exchange[Entry]:
    """Nothing, when this permission does not open direct messages: that is no trouble with the account."""
    try:
        return (yield from ask(request))
    except (Expired, RateLimited):
        raise
    except Refused as error:
        if error.refusal in (Refusal.TOKEN_REVOKED, Refusal.SUSPENDED):
            raise
        return {}


def _items(convo: Entry, messages: Iterable[Entry]) -> list[RawItem]:
    """Only talks of two, and only what has words: deletions and groups are left out."""
    if len(_members(convo)) != 2:
        return []
    described = {"id": text_of(convo, "id"), "members": listed(convo, "members")}
    return [
        RawItem(_name(text_of(convo, "id"), message), {"convo": described, "message": message})
        for message in messages
        if text_of(message, "id") and "text" in message
    ]


def _members(convo: Entry) -> Mapping[str, Entry]:
    return {text_of(each, "did"): each for each in listed(convo, "members") if isinstance(each, dict)}


def _published(convo_id: str, message: Entry) -> Published:
    return Published(_name(convo_id, message), "", moment(message.get("sentAt")) or datetime.now(UTC))


def _name(convo_id: str, message: Entry) -> str:
    return f"{SCHEME}{convo_id}/{text_of(message, 'id')}"


def _parts(remote_id: str | None) -> tuple[str, str]:
    convo_id, _, message_id = (remote_id or "").removeprefix(SCHEME).partition("/")
    return (convo_id, message_id) if is_chat(remote_id) else ("", "")


def _before(message: Entry, since: datetime) -> bool:
    sent = moment(message.get("sentAt"))
    return sent is not None and sent < since


def _get(address: Address, token: Token, method: str, query: Query = ()) -> Request:
    return _behind(get(address, token, method, query))


def _behind(request: Request) -> Request:
    return replace(request, headers={**request.headers, **BEHIND})
