"""The Mastodon connector, for every server that speaks its client API. This module is the connector."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from api.platforms.errors import Refusal, Refused, Unknown
from api.platforms.values import Address, Draft, Exchange, Published, RawItem, Request, Token
from workers.platforms import answers
from workers.platforms import mastodon_find as looking
from workers.platforms.mastodon_actions import edit, find_share, like, share, unlike, unshare
from workers.platforms.mastodon_calls import ask_object, get, items, post, status_path
from workers.platforms.mastodon_media import bring
from workers.platforms.mastodon_read import NAMES, published, read
from workers.platforms.mastodon_sighting import sighted
from workers.platforms.mastodon_sign_in import (
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
from workers.platforms.mastodon_streams import backfill, poll
from workers.platforms.payload import listed, text_of

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
    "revoke",
    "sighted",
    "sign_in",
    "status",
    "unlike",
    "unshare",
    "whoami",
]


def publish(address: Address, token: Token, draft: Draft) -> Exchange[Published]:
    """Says it once: the key is the same for every attempt, and servers that know it answer with the first."""
    if draft.shares:
        return (yield from share(address, token, draft))
    brought = draft.brought or (yield from bring(address, token, draft))
    request = _create(address, token, draft, brought)
    response = yield request
    said = answers.read_json(request, response)
    if not isinstance(said, dict) or not text_of(said, "id"):
        raise Unknown("The server's answer could not be read.")
    return published(said, lambda: answers.server_time(response))


def find(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """What the draft became, as far as its own list tells."""
    look = find_share if draft.shares else looking.find
    return (yield from look(address, token, draft, started_at, linked))


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
    request = replace(get(address, status_path(remote_id), token), method="DELETE")
    response = yield request
    if 200 <= response.status < 300 and (not response.body or answers.is_json(response)):
        return  # whatever it says besides; a page may be of something that stands before the server
    error = answers.error(request, response)
    gone = isinstance(error, Refused) and error.refusal is Refusal.NOT_FOUND
    if not gone and not (response.status in (404, 410) and (yield from _is_itself(address, token))):
        raise error


def _is_itself(address: Address, token: Token) -> Exchange[bool]:
    """Whether the server is there: then a page that says "not found" is its own, not that of something in front."""
    account = yield from ask_object(get(address, "/api/v1/accounts/verify_credentials", token))
    return text_of(account, "id") == address.remote_id


def _create(address: Address, token: Token, draft: Draft, brought: tuple[str, ...] = ()) -> Request:
    body: dict[str, Any] = {
        "status": draft.text,
        "visibility": NAMES[draft.visibility],
        "language": draft.language,
    }
    if draft.in_reply_to:
        body["in_reply_to_id"] = draft.in_reply_to
    if brought:
        body["media_ids"] = list(brought)
    if draft.content_warning:
        body |= {"spoiler_text": draft.content_warning, "sensitive": True}
    request = post(address, "/api/v1/statuses", body, token)
    return replace(request, creates=True, headers={**request.headers, "Idempotency-Key": draft.key})
