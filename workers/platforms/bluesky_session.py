"""How an account of ours is connected to Bluesky, and how its session is kept alive."""

from typing import Any
from urllib.parse import quote, unquote, urlsplit

from api.platforms.errors import Expired, NotSent, PlatformError, Refusal, Refused
from api.platforms.facts import FACTS
from api.platforms.values import Address, App, Exchange, Identity, Limits, Platform, Request, Token
from workers.platforms import answers, html
from workers.platforms.bluesky_calls import AGAIN, Session, ask, call, get, named, read_object, session_of, url
from workers.platforms.bluesky_read import WEB
from workers.platforms.payload import child, link, listed, text_of

NO_PAGE = "A Bluesky account is connected with its handle and an app password."
WRONG = "The server did not take this handle and app password."
NEEDS_CODE = "The server asks for a code. Use an app password, not the account's own."
NO_SUCH = "There is no account with this handle. Look how it is spelt."
HOMELESS = "The account's identity does not say which server keeps it."
RESOLVER = "https://bsky.social"
"""Knows every handle of the network, also of accounts that live elsewhere."""
DIRECTORY = "https://plc.directory"


def home(handle: str) -> Exchange[str]:
    """The handle gives the identity, and the identity's document names the server. No password travels with it."""
    query = {"handle": handle}
    try:
        said = yield from ask(_look_up(url(RESOLVER, "com.atproto.identity.resolveHandle", query)))
        document = yield from ask(_look_up(_document(text_of(said, "did"))))
    except Refused as error:
        raise Refused(Refusal.NOT_FOUND, NO_SUCH) from error
    there = urlsplit(_host(document))
    if there.scheme != "https" or not there.netloc or there.path.strip("/"):
        raise Refused(Refusal.INVALID, HOMELESS)
    return f"https://{there.netloc}"


def _document(did: str) -> str:
    """Where the identity's document lies: in the directory, or at the domain that is the identity."""
    kind, _, name = did.removeprefix("did:").partition(":")
    if kind == "plc":
        return f"{DIRECTORY}/{quote(did, safe=':')}"
    if kind == "web" and name and not set(name) & set(":/?#@\\"):
        return f"https://{unquote(name)}/.well-known/did.json"
    raise Refused(Refusal.INVALID, HOMELESS)


def _look_up(address: str) -> Request:
    return Request("GET", address, {"Accept": "application/json"})


def sign_in(address: Address, identifier: str, password: str) -> Exchange[Token]:
    """A session; the password is not kept. What holds it open is renewed, and runs out after weeks of silence."""
    body = {"identifier": identifier.strip().lstrip("@"), "password": password}
    request = call(address.instance, "com.atproto.server.createSession", body)
    try:
        response = yield request
        if named(response)[0] == "AuthFactorTokenRequired":
            raise Refused(Refusal.INVALID, NEEDS_CODE)
        said = read_object(request, response)
    except Refused as error:
        raise _turned_away(error) from error
    _usable(said)
    return _session(address.instance, said).token() if text_of(said, "accessJwt") else _silent(request)


def _turned_away(error: Refused) -> Refused:
    """In words that say what to do about it."""
    return Refused(error.refusal, WRONG) if error.refusal is Refusal.TOKEN_REVOKED else error


def refresh(address: Address, token: Token) -> Exchange[Token]:
    """A new pair for the old one. Asked again soon after, the server gives the same: a lost answer ends nothing."""
    held = session_of(address, token)
    request = call(held.host, "com.atproto.server.refreshSession", bearer=held.refresh)
    try:
        said = yield from ask(request)
    except (Expired, Refused) as error:
        if isinstance(error, Refused) and error.refusal is Refusal.SUSPENDED:
            raise
        raise Refused(Refusal.TOKEN_REVOKED, AGAIN) from error
    _usable(said)
    return _session(held.host, said).token() if text_of(said, "accessJwt") else _silent(request)


def revoke(address: Address, app: App, token: Token) -> Exchange[None]:
    """Ends the session. One that the server no longer knows has ended already."""
    held = session_of(address, token)
    try:
        yield from ask(call(held.host, "com.atproto.server.deleteSession", bearer=held.refresh))
    except (Expired, Refused):
        return


def whoami(address: Address, token: Token) -> Exchange[Identity]:
    said = yield from ask(request := get(address, token, "com.atproto.server.getSession"))
    _usable(said)
    did, handle = text_of(said, "did"), text_of(said, "handle")
    if not did:
        answers.lost(request, "The server did not say whose account this is.")
    try:
        profile = yield from ask(get(address, token, "app.bsky.actor.getProfile", {"actor": did}))
    except Expired:
        raise
    except PlatformError:
        profile = {}  # a server that shows no profiles can still publish
    return Identity(did, handle, html.normalise(text_of(profile, "displayName")) or handle, f"{WEB}/{handle}")


def limits(address: Address) -> Exchange[Limits]:
    """The same on every server: they are part of what a post is."""
    yield from ()
    return FACTS[Platform.BLUESKY].limits


def register_app(address: Address, redirect_uri: str) -> Exchange[App]:
    raise Refused(Refusal.INVALID, NO_PAGE)


def authorize_url(address: Address, app_client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
    raise Refused(Refusal.INVALID, NO_PAGE)


def exchange_code(address: Address, app: App, code: str, redirect_uri: str, verifier: str) -> Exchange[Token]:
    raise Refused(Refusal.INVALID, NO_PAGE)


def _usable(said: dict[str, Any]) -> None:
    if said.get("active") is False:
        raise Refused(Refusal.SUSPENDED, answers.SENTENCES[Refusal.SUSPENDED])


def _session(host: str, said: dict[str, Any]) -> Session:
    return Session(text_of(said, "accessJwt"), text_of(said, "refreshJwt"), _host(child(said, "didDoc")) or host)


def _host(document: dict[str, Any]) -> str:
    """The server that keeps the account, as its identity says; a big provider signs people in somewhere else."""
    for service in listed(document, "service"):
        if isinstance(service, dict) and text_of(service, "id").endswith("#atproto_pds"):
            return link(text_of(service, "serviceEndpoint")).rstrip("/")
    return ""


def _silent(request: Any) -> Token:
    raise NotSent("The server did not give us a session.")
