"""How an account of ours is connected to Bluesky, and how its session is kept alive."""

from typing import Any

from api.platforms.errors import Expired, NotSent, PlatformError, Refusal, Refused
from api.platforms.facts import FACTS
from api.platforms.values import Address, App, Exchange, Identity, Limits, Platform, Token
from workers.platforms import answers, html
from workers.platforms.bluesky_calls import AGAIN, Session, ask, call, get, session_of
from workers.platforms.bluesky_read import WEB
from workers.platforms.payload import child, link, listed, text_of

NO_PAGE = "A Bluesky account is connected with its handle and an app password."
WRONG = "The server did not take this handle and app password."
NEEDS_CODE = "The server asks for a code. Use an app password, not the account's own."


def sign_in(address: Address, identifier: str, password: str) -> Exchange[Token]:
    """A session; the password is not kept. What holds it open is renewed, and runs out after weeks of silence."""
    body = {"identifier": identifier.strip().lstrip("@"), "password": password}
    request = call(address.instance, "com.atproto.server.createSession", body)
    try:
        said = yield from ask(request)
    except Refused as error:
        sentence = NEEDS_CODE if error.refusal is Refusal.INVALID else str(error)
        raise Refused(error.refusal, WRONG if error.refusal is Refusal.TOKEN_REVOKED else sentence) from error
    _usable(said)
    return _session(address.instance, said).token() if text_of(said, "accessJwt") else _silent(request)


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
