"""How one call to a Mastodon server is put: its address, its headers, its answer."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from api.platforms.values import Address, Exchange, RawItem, Request, Response, Token
from workers.platforms import answers
from workers.platforms.payload import text_of

LINK = re.compile(r"<([^>]*)>([^<]*)")
LIMIT = re.compile(r"(?<=[?&])limit=\d+&?")
_as_json = json.JSONEncoder(ensure_ascii=False).encode

Query = Mapping[str, str | int] | Sequence[tuple[str, str | int]]


def get(address: Address, path: str, token: Token | None = None, query: Query = ()) -> Request:
    return Request("GET", url(address, path, query), headers(token))


def post(
    address: Address, path: str, body: Mapping[str, Any], token: Token | None = None, *, form: bool = False
) -> Request:
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    content = urlencode(body) if form else _as_json(body)
    return Request(
        "POST",
        url(address, path),
        {**headers(token), "Content-Type": kind},
        content.encode("utf-8", "replace"),
    )


def headers(token: Token | None) -> dict[str, str]:
    usual = {"Accept": "application/json"}
    return {**usual, "Authorization": f"Bearer {access_of(token)}"} if token else usual


def access_of(token: Token) -> str:
    """Most servers give one word; some give it with what renews it, and then we hold both."""
    return text_of(held(token), "access") or token.secret


def held(token: Token) -> dict[str, Any]:
    """What a token that can be renewed is made of; nothing for one that cannot."""
    if not token.secret.startswith("{"):
        return {}
    try:
        parts = json.loads(token.secret)
    except ValueError:
        return {}
    return parts if isinstance(parts, dict) else {}


def url(address: Address, path: str, query: Query = ()) -> str:
    """Never with a token in it: addresses end up in the logs of whatever stands in between."""
    pairs = urlencode(query)
    return f"{address.instance.rstrip('/')}{path}{'?' if pairs else ''}{pairs}"


def status_path(remote_id: str, *more: str) -> str:
    return "/".join(["/api/v1/statuses", quote(remote_id, safe=""), *more])


def ask(request: Request) -> Exchange[Any]:
    """The JSON that comes back, or the error that the answer means."""
    response = yield request
    return answers.read_json(request, response)


def ask_object(request: Request) -> Exchange[dict[str, Any]]:
    value = yield from ask(request)
    return value if isinstance(value, dict) else answers.lost(request, "The server's answer could not be read.")


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, as the server sent it; what its Link header says lies around it; the server's own time."""

    entries: list[dict[str, Any]]
    around: Mapping[str, str]
    at: datetime | None


def ask_list(request: Request) -> Exchange[Listed]:
    response = yield request
    if response.status in (400, 422) and "limit=" in request.url:
        # Some refuse what others only shorten: they may say themselves how much they give.
        request = replace(request, url=LIMIT.sub("", request.url))
        response = yield request
    value = answers.read_json(request, response)
    if not isinstance(value, list):
        answers.lost(request, "The server's list could not be read.")
    entries = [entry for entry in value if isinstance(entry, dict)]
    return Listed(entries, neighbours(response), answers.shown_time(response))


def neighbours(response: Response) -> dict[str, str]:
    """The ids in the Link header. Only the ids: the addresses may name a host behind a proxy."""
    found: dict[str, str] = {}
    for target, relation in LINK.findall(response.headers.get("link", "")):
        query = parse_qs(urlsplit(target).query)
        names = ("max_id",) if "next" in relation else ("min_id", "since_id") if "prev" in relation else ()
        for name in names:
            if name in query:
                found.setdefault("older" if name == "max_id" else "newer", query[name][0])
    return found


def items(statuses: Sequence[Any]) -> tuple[RawItem, ...]:
    """What has no id cannot be answered or found again, so it is left out."""
    found = [status for status in statuses if isinstance(status, dict) and text_of(status, "id")]
    return tuple(RawItem(text_of(status, "id"), status) for status in found)
