"""What an HTTP answer means: done, a clear no, not now, or nobody knows."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from api.platforms.errors import NotSent, PlatformError, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Request, Response

LONGEST_WAIT = 24 * 3600.0
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


def retry_after(response: Response) -> float | None:
    """Seconds to wait: Retry-After in seconds or as a date, else X-RateLimit-Reset as ISO time or epoch."""
    for name in ("retry-after", "x-ratelimit-reset", "ratelimit-reset"):
        wait = _seconds(response.headers.get(name, "").strip(), server_time(response))
        if wait is not None:
            return min(max(wait, 0.0), LONGEST_WAIT)
    return None


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
    if not isinstance(body, dict):
        return None
    return " ".join(str(body.get(key, "")) for key in ("error", "error_description")).lower()


def _seconds(value: str, now: datetime) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        moment = _moment(value)
        return None if moment is None else (moment - now).total_seconds()
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return number - now.timestamp() if number > 1_000_000_000 else number


def _moment(value: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except (ValueError, TypeError, IndexError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def server_time(response: Response) -> datetime:
    """The server's own clock where it shows it: its reset time is meant by that one, not by ours."""
    return _moment(response.headers.get("date", "")) or datetime.now(UTC)


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
