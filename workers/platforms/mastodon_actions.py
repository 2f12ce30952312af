"""What is done on Mastodon with something that is there already: changed, passed on, liked, and each taken back."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from api.platforms.errors import Refusal, Refused, Unknown
from api.platforms.values import Address, Draft, Edited, Exchange, Published, Token
from workers.platforms import answers, html
from workers.platforms.mastodon_calls import ask, ask_object, get, post, status_path
from workers.platforms.mastodon_find import own_list
from workers.platforms.mastodon_match import MENTION
from workers.platforms.mastodon_read import published
from workers.platforms.payload import child, listed, text_of

NOT_THERE = "This server cannot find what is to be shared. Share it as a link instead."
SEARCHES = ("/api/v2/search", "/api/v1/search")
"""The newer way of asking, and the one that relatives have kept."""


def edit(address: Address, token: Token, remote_id: str, draft: Draft, before: Draft) -> Exchange[Edited]:
    """Done twice it is done once. A change that leaves its pictures out would take them away, so they are named again."""
    status = yield from ask_object(get(address, status_path(remote_id), token))
    there = yield from _source(address, token, remote_id, status, before)
    wanted = Edited(draft.text, draft.content_warning)
    if not _same(there, before, wanted):
        return there
    body: dict[str, Any] = {
        "status": draft.text,
        "spoiler_text": draft.content_warning,
        "sensitive": bool(draft.content_warning) or status.get("sensitive") is True,
        "language": draft.language,
        **_pictures(status, draft),
    }
    request = post(address, status_path(remote_id), body, token)
    yield from ask_object(replace(request, method="PUT"))
    return wanted


def share(address: Address, token: Token, draft: Draft) -> Exchange[Published]:
    """Servers give the first repost back when they are asked for a second."""
    original = yield from _local(address, token, draft.shares or "")
    request = replace(post(address, status_path(original, "reblog"), {}, token), creates=True)
    response = yield request
    said = answers.read_json(request, response)
    if not isinstance(said, dict) or not text_of(said, "id"):
        raise Unknown("The server's answer could not be read.")
    return published(said, lambda: answers.server_time(response))


def find_share(
    address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    """The original itself says whether we share it; our own list says as what."""
    try:
        original = yield from _local(address, token, draft.shares or "")
        status = yield from ask_object(get(address, status_path(original), token))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise
        return None  # reposts go with what they share
    if status.get("reblogged") is False:
        return None
    return (yield from _in_list(address, token, original, started_at, linked))


def unshare(address: Address, token: Token, remote_id: str) -> Exchange[None]:
    """Gone afterwards; with its original it may be gone already."""
    try:
        repost = yield from ask_object(get(address, status_path(remote_id), token))
        original = text_of(child(repost, "reblog"), "id")
        if original:
            yield from ask(post(address, status_path(original, "unreblog"), {}, token))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise


def like(address: Address, token: Token, key: str, remote_id: str) -> Exchange[None]:
    yield from ask(post(address, status_path(remote_id, "favourite"), {}, token))


def unlike(address: Address, token: Token, key: str, remote_id: str) -> Exchange[None]:
    """What is gone is not liked any more."""
    try:
        yield from ask(post(address, status_path(remote_id, "unfavourite"), {}, token))
    except Refused as error:
        if error.refusal is not Refusal.NOT_FOUND:
            raise


def _source(address: Address, token: Token, remote_id: str, status: dict[str, Any], before: Draft) -> Exchange[Edited]:
    """As it was written. Of a server that does not tell, what it shows, where it says that somebody changed it."""
    try:
        said = yield from ask_object(get(address, status_path(remote_id, "source"), token))
    except Refused as error:
        if error.refusal in (Refusal.TOKEN_REVOKED, Refusal.SUSPENDED):
            raise
        said = {}
    if isinstance(said.get("text"), str):
        return Edited(said["text"], text_of(said, "spoiler_text"))
    if not status.get("edited_at"):
        return Edited(before.text, before.content_warning)
    return Edited(html.to_text(text_of(status, "content")), html.to_text(text_of(status, "spoiler_text")))


def _same(there: Edited, before: Draft, wanted: Edited) -> bool:
    """Nobody else has touched it: it says what it said, or already what it shall say."""
    known = (_plain(before.text, before.content_warning), _plain(wanted.text, wanted.content_warning))
    return _plain(there.text, there.content_warning) in known


def _plain(text: str, warning: str) -> tuple[str, str]:
    """Servers trim, write line ends their own way, and name people with or without their own name."""
    return html.normalise(MENTION.sub(lambda found: found[1].lower(), text)), html.normalise(warning)


def _pictures(status: dict[str, Any], draft: Draft) -> dict[str, Any]:
    ids = [text_of(each, "id") for each in listed(status, "media_attachments") if isinstance(each, dict)]
    words = [picture.alt for picture in draft.pictures] or ([draft.video.alt] if draft.video else [])
    described = [{"id": each, "description": alt} for each, alt in zip(ids, words, strict=False)]
    return {"media_ids": ids} | ({"media_attributes": described} if len(words) == len(ids) and ids else {})


def _local(address: Address, token: Token, shared: str) -> Exchange[str]:
    """What our own server calls it. One of its own is tried first; what comes from elsewhere it has to look for."""
    if _origin(shared) == _origin(address.instance):
        name = urlsplit(shared).path.rstrip("/").rpartition("/")[2]
        try:
            status = yield from ask_object(get(address, status_path(name), token))
        except Refused as error:
            if error.refusal in (Refusal.TOKEN_REVOKED, Refusal.SUSPENDED):
                raise
        else:
            if _is_at(status, shared):
                return text_of(status, "id")
    found = yield from _searched(address, token, shared)
    if not found:
        raise Refused(Refusal.NOT_FOUND, NOT_THERE)
    return found


def _searched(address: Address, token: Token, shared: str) -> Exchange[str]:
    query = {"q": shared, "type": "statuses", "resolve": "true", "limit": "5"}
    for path in SEARCHES:
        request = get(address, path, token, query)
        response = yield request
        if response.status == 404 and path != SEARCHES[-1]:
            continue
        said = answers.read_json(request, response)
        statuses = listed(said, "statuses") if isinstance(said, dict) else []
        return next((text_of(each, "id") for each in statuses if isinstance(each, dict) and _is_at(each, shared)), "")
    return ""


def _in_list(
    address: Address, token: Token, original: str, started_at: datetime, linked: frozenset[str]
) -> Exchange[Published | None]:
    def ours(status: dict[str, Any]) -> bool:
        return text_of(child(status, "reblog"), "id") == original and text_of(status, "id") not in linked

    found = yield from own_list(address, token, started_at, ours, any_will_do=True)
    return published(found[0], lambda: started_at) if found else None


def _is_at(status: dict[str, Any], shared: str) -> bool:
    return bool(shared) and shared in (text_of(status, "url"), text_of(status, "uri"))


def _origin(link: str) -> tuple[str, str]:
    parts = urlsplit(link)
    return parts.scheme, parts.netloc.lower()
