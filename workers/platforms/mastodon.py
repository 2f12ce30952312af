"""The Mastodon connector, for every server that speaks its client API. This module is the connector."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from api.platforms.errors import Refusal, Refused, Unknown
from api.platforms.values import Address, Draft, Exchange, Published, RawItem, Request, Token
from workers.platforms import answers
from workers.platforms.mastodon_calls import ask, ask_object, ask_page, get, items, post, status_path
from workers.platforms.mastodon_read import NAMES, is_ours, published, read
from workers.platforms.mastodon_sign_in import (
    authorize_url,
    exchange_code,
    limits,
    refresh,
    register_app,
    revoke,
    sign_in,
    whoami,
)
from workers.platforms.mastodon_streams import backfill, poll
from workers.platforms.payload import listed, moment, text_of

__all__ = [
    "authorize_url",
    "backfill",
    "context",
    "delete",
    "exchange_code",
    "find",
    "limits",
    "poll",
    "publish",
    "read",
    "refresh",
    "register_app",
    "revoke",
    "sign_in",
    "status",
    "whoami",
]

CLOCK_SKEW = timedelta(seconds=120)
MOST_PAGES = 250


def publish(address: Address, token: Token, draft: Draft) -> Exchange[Published]:
    """Says it once: the key is the same for every attempt, and servers that know it answer with the first."""
    request = _create(address, token, draft)
    response = yield request
    said = answers.read_json(request, response)
    if not isinstance(said, dict) or not text_of(said, "id"):
        raise Unknown("The server's answer could not be read.")
    return published(said, lambda: answers.server_time(response))


def find(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """What the draft became, if its own list shows it: the earliest match that nothing else is linked to.

    The list is read back until it is older than the attempt. The newest page alone is not enough:
    with many sends in flight the post has left it before anybody looks.
    """
    horizon = started_at - CLOCK_SKEW
    match: dict[str, Any] | None = None
    seen: set[str] = set()
    query: dict[str, str | int] = {"limit": 40}
    for _ in range(MOST_PAGES):
        request = get(address, f"/api/v1/accounts/{quote(address.remote_id, safe='')}/statuses", token, query)
        page, around = yield from ask_page(request)
        for status in page:
            if _since(status, horizon) and text_of(status, "id") not in linked and is_ours(address, draft, status):
                match = status
        ids = [text_of(status, "id") for status in page]
        if not page or not any(_since(status, horizon) for status in page):
            return published(match, lambda: started_at) if match else None
        if seen.issuperset(ids):
            break
        seen.update(ids)
        query = {"limit": 40, "max_id": around.get("older", ids[-1])}
    raise Unknown("The server's list could not be read back far enough to know.")


def status(address: Address, token: Token, remote_id: str) -> Exchange[RawItem | None]:
    """As it is now; None when the server says that it is gone."""
    try:
        said = yield from ask_object(get(address, status_path(remote_id), token))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise
        return None
    return RawItem(text_of(said, "id") or remote_id, said)


def context(address: Address, token: Token, remote_id: str) -> Exchange[tuple[RawItem, ...]]:
    """What came before it and after it, as far as this server knows; replies elsewhere may be missing."""
    said = yield from ask_object(get(address, status_path(remote_id, "context"), token))
    return items([*listed(said, "ancestors"), *listed(said, "descendants")])


def delete(address: Address, token: Token, remote_id: str) -> Exchange[None]:
    """Gone afterwards, whoever deleted it first."""
    request = get(address, status_path(remote_id), token)
    try:
        yield from ask(replace(request, method="DELETE"))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise


def _create(address: Address, token: Token, draft: Draft) -> Request:
    body: dict[str, Any] = {
        "status": draft.text,
        "visibility": NAMES[draft.visibility],
        "language": draft.language,
    }
    if draft.in_reply_to:
        body["in_reply_to_id"] = draft.in_reply_to
    if draft.content_warning:
        body |= {"spoiler_text": draft.content_warning, "sensitive": True}
    request = post(address, "/api/v1/statuses", body, token)
    return replace(request, creates=True, headers={**request.headers, "Idempotency-Key": draft.key})


def _since(status: dict[str, Any], horizon: datetime) -> bool:
    """A status without a time may be ours: it is looked at, never taken for an old one."""
    made = moment(status.get("created_at"))
    return made is None or made >= horizon
