"""How one call to a Bluesky server is put: its address, its session, its answer."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from api.platforms.errors import Expired, PlatformError, Refusal, Refused
from api.platforms.values import Address, Exchange, Request, Response, Token
from workers.platforms import answers
from workers.platforms.payload import text_of

Query = Mapping[str, str] | Sequence[tuple[str, str]]

APP_PASSWORD_SCOPE = "com.atproto.appPass"  # noqa: S105
UNREADABLE = "The server's answer could not be read."
AGAIN = answers.SENTENCES[Refusal.TOKEN_REVOKED]
RAN_OUT = frozenset({"ExpiredToken", "InvalidToken"})
REVOKED = frozenset({"AuthMissing", "AuthenticationRequired", "AuthRequired"})
SUSPENDED = frozenset({"AccountTakedown", "AccountSuspended", "AccountDeactivated"})
GONE = frozenset({"RecordNotFound", "NotFound", "RepoNotFound"})
NOT_COVERED = ("bad token method", "bad token scope")
TOO_LONG = ("must not be longer", "must not be larger", "too big", "too long")


@dataclass(frozen=True, slots=True)
class Session:
    """What a token of ours holds. `host` is the server that keeps the account; it may move."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    host: str

    def token(self) -> Token:
        secret = json.dumps({"access": self.access, "refresh": self.refresh, "host": self.host})
        scope = self.scope
        return Token(secret, (scope,) if scope else (), self.ends_at, renewable=bool(self.refresh))

    @property
    def scope(self) -> str:
        return text_of(_claims(self.access), "scope")

    @property
    def ends_at(self) -> datetime | None:
        """What renews it ends after months of silence, and this with it."""
        try:
            return datetime.fromtimestamp(float(text_of(_claims(self.refresh), "exp")), UTC)
        except (ValueError, OverflowError, OSError):
            return None

    @property
    def chats(self) -> bool:
        """A plain app password does not open direct messages; one that was made for them does."""
        return self.scope != APP_PASSWORD_SCOPE


def _claims(jwt: str) -> dict[str, Any]:
    """What a token says of itself. It is the server's to check; we only save ourselves a question."""
    try:
        claims = json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def session_of(address: Address, token: Token) -> Session:
    try:
        held = json.loads(token.secret)
    except ValueError:
        held = None
    if not isinstance(held, dict) or not text_of(held, "access"):
        raise Refused(Refusal.TOKEN_REVOKED, AGAIN)
    return Session(text_of(held, "access"), text_of(held, "refresh"), text_of(held, "host") or address.instance)


def get(address: Address, token: Token, method: str, query: Query = ()) -> Request:
    session = session_of(address, token)
    return Request("GET", url(session.host, method, query), headers(session.access))


def post(address: Address, token: Token, method: str, body: Mapping[str, Any], *, creates: bool = False) -> Request:
    session = session_of(address, token)
    return replace(call(session.host, method, body, session.access), creates=creates)


def call(host: str, method: str, body: Mapping[str, Any] | None = None, bearer: str = "") -> Request:
    """A procedure. Some take no body, and then none may be sent."""
    if body is None:
        return Request("POST", url(host, method), headers(bearer))
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Request("POST", url(host, method), {**headers(bearer), "Content-Type": "application/json"}, content)


def url(host: str, method: str, query: Query = ()) -> str:
    pairs = urlencode(query)
    return f"{host.rstrip('/')}/xrpc/{method}{'?' if pairs else ''}{pairs}"


def headers(bearer: str = "") -> dict[str, str]:
    usual = {"Accept": "application/json"}
    return {**usual, "Authorization": f"Bearer {bearer}"} if bearer else usual


def ask(request: Request) -> Exchange[dict[str, Any]]:
    """The object that comes back, or the error that the answer means."""
    response = yield request
    return read_object(request, response)


def read_object(request: Request, response: Response) -> dict[str, Any]:
    if not 200 <= response.status < 300:
        raise error(request, response)
    if not response.body:
        return {}  # some procedures answer with nothing, and mean yes
    said = answers.read_json(request, response)
    return said if isinstance(said, dict) else answers.lost(request, UNREADABLE)


def error(request: Request, response: Response) -> PlatformError:
    """By the name that the platform gives it; whatever has none is read by its status, as anywhere."""
    name, message = named(response)
    if not name or not 400 <= response.status < 500 or response.status in (408, 429):
        return answers.error(request, response)
    if name in RAN_OUT and not any(words in message for words in NOT_COVERED):
        return Expired("Our session with the server has run out.")
    refusal, sentence = _refusal(name, message, response.status)
    return Refused(refusal, sentence)


def named(response: Response) -> tuple[str, str]:
    """The error's name as the platform wrote it, and its message in lower case."""
    try:
        body = answers.parse(response.body)
    except ValueError:
        return "", ""
    return (text_of(body, "error"), text_of(body, "message").lower()) if isinstance(body, dict) else ("", "")


def _refusal(name: str, message: str, status: int) -> tuple[Refusal, str]:
    if status == 413 or name == "BlobTooLarge" or any(words in message for words in TOO_LONG):
        return Refusal.INVALID, "The server says that it is too long or too large."
    refusal = Refusal.INVALID
    if name in RAN_OUT:
        refusal = Refusal.SCOPE_MISSING
    elif name in SUSPENDED:
        refusal = Refusal.SUSPENDED
    elif name in REVOKED or status == 401:
        refusal = Refusal.TOKEN_REVOKED
    elif name in GONE:
        refusal = Refusal.NOT_FOUND
    elif status == 403:
        refusal = Refusal.FORBIDDEN
    return refusal, answers.SENTENCES[refusal]
