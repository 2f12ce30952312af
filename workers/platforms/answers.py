"""What an HTTP answer means: done, a clear no, not now, or nobody knows."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from api.platforms import windows
from api.platforms.errors import NotSent, PlatformError, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Request, Response

TOO_LONG = ("character limit", "too long", "exceed")
SUSPENDED = ("disabled", "suspended", "pending approval", "confirmed e-mail", "has moved", "deactivated")
SENTENCES = {
    Refusal.TOKEN_REVOKED: "The server no longer accepts our permission for this account. Connect it again.",
    Refusal.SCOPE_MISSING: "Our permission for this account does not cover this. Connect it again.",
    Refusal.SUSPENDED: "The server has disabled this account. Ask whoever runs the server.",
    Refusal.FORBIDDEN: "The server does not allow this account to do that.",
    Refusal.NOT_FOUND: "The server does not have it any more.",
    Refusal.INVALID: "The server did not accept it as it is.",
}


def read_json(request: Request, response: Response) -> Any:
    """The body of a 2xx answer; anything else is raised as what it means."""
    if not 200 <= response.status < 300:
        raise error(request, response)
    try:
        return parse(response.body)
    except ValueError:
        lost(request, "The server's answer could not be read.")


def lost(request: Request, sentence: str) -> NoReturn:
    """There was an answer, or half of one, and it says nothing."""
    raise Unknown(sentence) if request.creates else NotSent(sentence)


def error(request: Request, response: Response) -> PlatformError:
    status = response.status
    if status == 429:
        return RateLimited("The server asks us to wait.", retry_after(response))
    if status >= 500 or status == 408:
        return _failed(request, response)
    if 300 <= status < 400:
        return Refused(Refusal.INVALID, "The server has moved to another address. Connect the account again.")
    if status < 400:
        return _failed(request, response)
    said = _said(response)
    if said is None:
        return _from_a_proxy(request, response)
    refusal, sentence = _refusal(status, said)
    return Refused(refusal, sentence)


def parse(body: bytes) -> Any:
    """JSON that a database can hold: no NUL, no half characters, no NaN. Raises ValueError for the rest."""
    try:
        value = _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return _clean(value) if b"\\u0000" in body or b"\\ud" in body.lower() else value


def is_json(response: Response) -> bool:
    try:
        parse(response.body)
    except ValueError:
        return False
    return True


def retry_after(response: Response) -> float | None:
    """Seconds to wait, as the answer says it, in whichever way."""
    return windows.asked(response.headers, datetime.now(UTC))


def _failed(request: Request, response: Response) -> PlatformError:
    sentence = f"The server had a problem of its own ({response.status})."
    if request.creates:
        return Unknown(sentence)
    return NotSent(sentence, retry_after(response))


def _refusal(status: int, said: str) -> tuple[Refusal, str]:
    if status == 422 and any(part in said for part in TOO_LONG):
        return Refusal.INVALID, "The server says that it is too long."
    refusal = {401: Refusal.TOKEN_REVOKED, 404: Refusal.NOT_FOUND, 410: Refusal.NOT_FOUND}.get(status)
    if status == 403:
        refusal = Refusal.FORBIDDEN
        if "scope" in said:
            refusal = Refusal.SCOPE_MISSING
        elif any(part in said for part in SUSPENDED):
            refusal = Refusal.SUSPENDED
    refusal = refusal or Refusal.INVALID
    return refusal, SENTENCES[refusal]


def _from_a_proxy(request: Request, response: Response) -> PlatformError:
    """A 4xx without the platform's own words: something in front of it spoke, so it proves little."""
    if response.status == 413:
        return Refused(Refusal.INVALID, "What we sent is larger than the server takes.")
    if not request.creates:
        return NotSent(f"Something in front of the server answered in its place ({response.status}).")
    if response.status in (401, 403):
        return Refused(Refusal.FORBIDDEN, "Something in front of the server turned us away.")
    return Refused(Refusal.INVALID, f"Something in front of the server did not accept it ({response.status}).")


def _said(response: Response) -> str | None:
    """The platform's own words, lower case. They may name people: they choose a sentence, no more."""
    try:
        body = parse(response.body)
    except ValueError:
        return None
    return " ".join(_words(body)).lower()


def _words(value: Any) -> Iterator[str]:
    """However deep a server wraps them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _words(each)


def server_time(response: Response) -> datetime:
    """The server's own clock where it shows it: its reset time is meant by that one, not by ours."""
    return shown_time(response) or datetime.now(UTC)


def shown_time(response: Response) -> datetime | None:
    said = response.headers.get("date")
    return windows.moment(said) if said else None


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(name)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


_DECODER = json.JSONDecoder(parse_constant=_not_a_number)
"""Made once: with arguments of one's own, json.loads makes one for each text."""
