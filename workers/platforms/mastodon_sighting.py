"""What stands at an address that somebody pasted: only what this account wrote itself counts."""

import re
from urllib.parse import unquote, urlsplit

from api.platforms.errors import Refusal, Refused
from api.platforms.values import Address, Exchange, Published, Token
from workers.platforms.mastodon_calls import ask_object, get, status_path
from workers.platforms.mastodon_read import published
from workers.platforms.payload import child, moment, text_of

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def sighted(address: Address, token: Token, url: str) -> Exchange[Published | None]:
    """None: nothing of ours is there. The server itself is asked who wrote it; the address is only a hint."""
    name = _last_name(url)
    if name is None:
        return None
    try:
        status = yield from ask_object(get(address, status_path(name), token))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise
        return None
    made = moment(status.get("created_at"))
    if text_of(child(status, "account"), "id") != address.remote_id or status.get("reblog") or made is None:
        return None
    known = (address.instance, text_of(status, "url"), text_of(status, "uri"))
    return published(status, lambda: made) if _host(url) in map(_host, known) else None


def _last_name(url: str) -> str | None:
    """Every relative of Mastodon ends the address of a status with its name on that server."""
    last = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return last if NAME.fullmatch(last) else None


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()
