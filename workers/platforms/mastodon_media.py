"""Bringing up what a post carries: it stays unseen until a post names it, and a day later it is gone again.

So a lost answer does no harm here: the same picture is brought up once more, and the first one is never named.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from api.platforms.errors import Refusal, Refused
from api.platforms.values import Address, Draft, Exchange, Picture, Request, Response, Token, Video
from workers.platforms import answers
from workers.platforms.mastodon_calls import get, headers, url
from workers.platforms.payload import text_of

NEWER, OLDER = "/api/v2/media", "/api/v1/media"
WAITS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
"""Before each look whether it is ready; the last again and again."""
PATIENCE_PICTURE, PATIENCE_VIDEO = 60.0, 180.0
"""Then it is a no: what comes next for this account must not wait behind a video that is never ready."""
NOT_READY = "The server did not get the picture or video ready in time. Send it again, or send the words alone."
NO_ID = "The server did not say where it put a picture."
NOT_COVERED = "This account was connected without the right to send pictures. Connect it again, then send this again."


def bring(address: Address, token: Token, draft: Draft) -> Exchange[tuple[str, ...]]:
    """The ids under which the server holds them, ready to be named, in order."""
    found = []
    for each in (*draft.pictures, *((draft.video,) if draft.video else ())):
        found.append((yield from _one(address, token, each)))
    return tuple(found)


def _one(address: Address, token: Token, what: Picture | Video) -> Exchange[str]:
    request = _upload(address, NEWER, token, what)
    response = yield request
    if response.status == 404:  # a relative, or older than 3.1.3
        request = _upload(address, OLDER, token, what)
        response = yield request
    found = _id_in(request, response)
    if response.status == 202:
        patience = PATIENCE_VIDEO if isinstance(what, Video) else PATIENCE_PICTURE
        yield from _until_ready(address, token, found, patience)
    return found


def _until_ready(address: Address, token: Token, media_id: str, patience: float) -> Exchange[None]:
    waited, look = 0.0, 0
    while waited < patience:
        wait = WAITS[min(look, len(WAITS) - 1)]
        waited, look = waited + wait, look + 1
        request = replace(get(address, f"{OLDER}/{quote(media_id, safe='')}", token), after=wait)
        response = yield request
        _id_in(request, response)
        if response.status != 206:
            return
    raise Refused(Refusal.INVALID, NOT_READY)


def _id_in(request: Request, response: Response) -> str:
    try:
        said = answers.read_json(request, response)
    except Refused as error:
        if error.refusal is Refusal.SCOPE_MISSING:
            raise Refused(Refusal.SCOPE_MISSING, NOT_COVERED) from error
        raise
    found = text_of(said, "id") if isinstance(said, dict) else ""
    return found or answers.lost(request, NO_ID)


def _upload(address: Address, path: str, token: Token, what: Picture | Video) -> Request:
    fields = {"description": what.alt} if what.alt else {}
    if isinstance(what, Picture) and what.focus != (0.0, 0.0):
        fields["focus"] = f"{what.focus[0]:.3f},{what.focus[1]:.3f}"
    body, kind = form_of(fields, what.data, what.kind)
    return Request("POST", url(address, path), {**headers(token), "Content-Type": kind}, body)


def form_of(fields: Mapping[str, str], data: bytes, kind: str) -> tuple[bytes, str]:
    """A form with a file in it. Its border is the file's own hash, which is nowhere in the file."""
    border = hashlib.sha256(data).hexdigest()
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode("utf-8", "replace")
        for name, value in fields.items()
    ]
    named = f'name="file"; filename="file.{kind.rpartition("/")[2]}"'
    head = f"--{border}\r\nContent-Disposition: form-data; {named}\r\nContent-Type: {kind}\r\n\r\n".encode()
    return b"".join([*parts, head, data, f"\r\n--{border}--\r\n".encode()]), f"multipart/form-data; boundary={border}"
