"""The Bluesky connector, for every server that speaks AT Protocol. This module is the connector."""

from datetime import UTC, datetime
from typing import Any

from api.platforms.errors import NotSent, Refusal, Refused, Unknown
from api.platforms.values import Address, Draft, Edited, Exchange, Incoming, Published, RawItem, Token, Visibility
from workers.platforms import bluesky_chat, bluesky_read
from workers.platforms.bluesky_calls import UNREADABLE, ask, get, named, post, read_object
from workers.platforms.bluesky_key import POST, Place, place, rkey
from workers.platforms.bluesky_record import Record, bring, record, reference, says, timestamp
from workers.platforms.bluesky_session import (
    authorize_url,
    exchange_code,
    home,
    limits,
    refresh,
    register_app,
    revoke,
    sign_in,
    whoami,
)
from workers.platforms.bluesky_sighting import sighted
from workers.platforms.bluesky_streams import backfill, poll
from workers.platforms.payload import child, listed, text_of

__all__ = [
    "authorize_url",
    "backfill",
    "bring",
    "context",
    "delete",
    "edit",
    "exchange_code",
    "find",
    "home",
    "like",
    "limits",
    "poll",
    "publish",
    "read",
    "refresh",
    "register_app",
    "repost",
    "revoke",
    "sighted",
    "sign_in",
    "status",
    "unlike",
    "unshare",
    "whoami",
]

REPOST, LIKE = "app.bsky.feed.repost", "app.bsky.feed.like"
NO_EDITING = "Bluesky does not let a post be changed. Take it down and write it again."
NO_LIKING = "Direct messages cannot be liked there."
PUT = "com.atproto.repo.putRecord"
SOMETHING_ELSE = "Something else stands in its place already. Write it again as a new post."
DEEP = "100"


def publish(address: Address, token: Token, draft: Draft) -> Exchange[Published]:
    """Says it once: the post's name is ours, made from the key, and nothing is put where something is."""
    if draft.visibility is Visibility.DIRECT:
        return (yield from bluesky_chat.publish(address, token, draft))
    if draft.shares:
        return (yield from repost(address, token, draft.key, draft.shares))
    made = yield from record(address, token, draft, datetime.now(UTC))
    there = yield from _put(address, token, _place_of(address, draft), made)
    return there or (yield from _ours(address, token, draft))


def find(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """What the draft became. The name is known, so there is nothing to search and nothing to be unsure of."""
    if draft.visibility is Visibility.DIRECT:
        return (yield from bluesky_chat.find(address, token, draft, started_at, linked))
    if draft.shares:
        return (yield from _found_repost(address, token, draft, started_at))
    stored = yield from _stored(address, token, _place_of(address, draft))
    if stored is None or not says(stored, draft):
        return None
    return bluesky_read.published(_place_of(address, draft).uri, stored, started_at)


def repost(address: Address, token: Token, key: str, uri: str) -> Exchange[Published]:
    """Shows somebody's post to our followers. Taken back by deleting what this made."""
    return (yield from _point_at(address, token, REPOST, key, uri))


def unshare(address: Address, token: Token, remote_id: str) -> Exchange[None]:
    yield from delete(address, token, remote_id)


def like(address: Address, token: Token, key: str, uri: str) -> Exchange[Published]:
    if bluesky_chat.is_chat(uri):
        raise Refused(Refusal.INVALID, NO_LIKING)
    return (yield from _point_at(address, token, LIKE, key, uri))


def unlike(address: Address, token: Token, key: str, uri: str) -> Exchange[None]:
    """By its name, which we chose: no list has to be looked through."""
    yield from delete(address, token, Place(address.remote_id, LIKE, rkey(key)).uri)


def edit(address: Address, token: Token, remote_id: str, draft: Draft, before: Draft) -> Exchange[Edited]:
    """Never asked for where FACTS are heeded: a record can be written over, but readers go on showing the old one."""
    yield from ()
    raise Refused(Refusal.INVALID, NO_EDITING)


def delete(address: Address, token: Token, remote_id: str) -> Exchange[None]:
    """Gone afterwards, whoever deleted it first. Only what is ours."""
    where = place(remote_id)
    if where is None or where.repo != address.remote_id:
        raise Refused(Refusal.FORBIDDEN, "Only what this account wrote itself can be deleted.")
    yield from ask(post(address, token, "com.atproto.repo.deleteRecord", where.as_query()))


def status(address: Address, token: Token, remote_id: str) -> Exchange[RawItem | None]:
    """As it is now; None when it is gone. Ours is asked of our own server: the shared view may not have it yet."""
    if bluesky_chat.is_chat(remote_id):
        raise NotSent("Direct messages are not looked at one by one.")
    where = place(remote_id)
    if where is not None and where.repo == address.remote_id:
        stored = yield from _stored(address, token, where)
        author = {"did": address.remote_id, "handle": address.handle}
        return None if stored is None else RawItem(remote_id, {"uri": remote_id, "author": author, "record": stored})
    said = yield from ask(get(address, token, "app.bsky.feed.getPosts", {"uris": remote_id}))
    return next(iter(bluesky_read.items(listed(said, "posts"))), None)


def context(address: Address, token: Token, remote_id: str) -> Exchange[tuple[RawItem, ...]]:
    """What came before it and after it, as far as we may see: who blocks us, or was deleted, is left out."""
    if bluesky_chat.is_chat(remote_id):
        return (yield from bluesky_chat.around(address, token, remote_id))
    query = {"uri": remote_id, "depth": DEEP, "parentHeight": DEEP}
    thread = child((yield from ask(get(address, token, "app.bsky.feed.getPostThread", query))), "thread")
    if not child(thread, "post"):
        raise Refused(Refusal.NOT_FOUND, "The server does not have it any more.")
    return bluesky_read.items([*_before(thread), *_after(thread)])


def read(address: Address, item: RawItem) -> Incoming:
    """Pure: the same item always reads the same."""
    if bluesky_chat.is_chat(item.remote_id):
        return bluesky_chat.read(address, item)
    return bluesky_read.read(address, item)


def _place_of(address: Address, draft: Draft) -> Place:
    return Place(address.remote_id, POST, rkey(draft.key))


def _put(address: Address, token: Token, where: Place, made: Record) -> Exchange[Published | None]:
    """None: something is there already. `swapRecord` null asks the server never to write over anything."""
    body = {**where.as_query(), "swapRecord": None, "record": made}
    request = post(address, token, PUT, body, creates=True)
    response = yield request
    if response.status == 400 and named(response)[0] == "InvalidSwap":
        return None
    said = read_object(request, response)
    if text_of(said, "uri") != where.uri:
        raise Unknown(UNREADABLE)
    return bluesky_read.published(where.uri, made, datetime.now(UTC))


def _ours(address: Address, token: Token, draft: Draft) -> Exchange[Published]:
    """An earlier attempt of ours got there, unless what stands there says something else."""
    found = yield from find(address, token, draft, datetime.now(UTC), frozenset())
    if found is None:
        raise Refused(Refusal.INVALID, SOMETHING_ELSE)
    return found


def _point_at(address: Address, token: Token, collection: str, key: str, uri: str) -> Exchange[Published]:
    subject, _ = yield from reference(address, token, uri)
    where = Place(address.remote_id, collection, rkey(key))
    made = {"$type": collection, "subject": subject, "createdAt": timestamp(datetime.now(UTC))}
    there = yield from _put(address, token, where, made)
    return there or bluesky_read.published(where.uri, made, datetime.now(UTC))


def _found_repost(address: Address, token: Token, draft: Draft, started_at: datetime) -> Exchange[Published | None]:
    where = Place(address.remote_id, REPOST, rkey(draft.key))
    stored = yield from _stored(address, token, where)
    if stored is None or text_of(child(stored, "subject"), "uri") != draft.shares:
        return None
    return bluesky_read.published(where.uri, stored, started_at)


def _stored(address: Address, token: Token, where: Place) -> Exchange[Record | None]:
    try:
        said = yield from ask(get(address, token, "com.atproto.repo.getRecord", where.as_query()))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise
        return None
    return child(said, "value")


def _before(thread: Record) -> list[Any]:
    """Parents, from where it all began."""
    above: list[Any] = []
    while thread := child(thread, "parent"):
        above.append(child(thread, "post"))
    return above[::-1]


def _after(thread: Record) -> list[Any]:
    """Answers, each followed by what answers it."""
    below: list[Any] = []
    waiting = listed(thread, "replies")[::-1]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            below.append(child(one, "post"))
            waiting += listed(one, "replies")[::-1]
    return below
