"""How an account of ours is connected to a Mastodon server, and let go of again."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from api.platforms.errors import PlatformError, RateLimited, Refusal, Refused
from api.platforms.values import Address, App, Exchange, Identity, Limits, Token
from workers.platforms import answers, mastodon_read
from workers.platforms.mastodon_calls import access_of, ask_object, get, held, post, url
from workers.platforms.payload import number, text_of

SCOPES = "read:accounts read:statuses read:notifications read:search write:statuses write:media write:favourites"
CLIENT_NAME = "Beatline"
LONGEST = 20 * 365 * 86400
"""Seconds; some servers write a hundred years for never."""
OWN_PAGE = "A Mastodon account is connected on a page of its own server."


def register_app(address: Address, redirect_uri: str) -> Exchange[App]:
    body = {"client_name": CLIENT_NAME, "redirect_uris": redirect_uri, "scopes": SCOPES}
    request = post(address, "/api/v1/apps", body)
    said = yield from ask_object(request)
    app = App(text_of(said, "client_id"), text_of(said, "client_secret"))
    if not app.client_id or not app.client_secret:
        answers.lost(request, "The server did not say how to sign in to it.")
    return app


def authorize_url(address: Address, app_client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
    query = {
        "response_type": "code",
        "client_id": app_client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        # Computers are shared: ask which account, rather than taking whoever signed in last.
        "force_login": "true",
    }
    return url(address, "/oauth/authorize", query)


def exchange_code(address: Address, app: App, code: str, redirect_uri: str, verifier: str) -> Exchange[Token]:
    body = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "scope": SCOPES,
    }
    request = post(address, "/oauth/token", body, form=True)
    try:
        said = yield from ask_object(request)
    except Refused as error:
        sentence = "The server did not accept the sign-in. Start connecting again."
        raise Refused(Refusal.INVALID, sentence) from error
    if not text_of(said, "access_token"):
        answers.lost(request, "The server did not give us permission.")
    return _token(said, app)


def home(handle: str) -> Exchange[str]:
    raise Refused(Refusal.INVALID, OWN_PAGE)


def sign_in(address: Address, identifier: str, password: str) -> Exchange[Token]:
    raise Refused(Refusal.INVALID, OWN_PAGE)


def _token(said: dict[str, Any], app: App) -> Token:
    """On most servers it has no end. Where it has one, what renews it is kept with it, and whom the server knows us as."""
    access, renewal = text_of(said, "access_token"), text_of(said, "refresh_token")
    lasts = number(said, "expires_in", 0)
    scopes = tuple((text_of(said, "scope") or SCOPES).split())
    if not lasts or lasts > LONGEST:
        return Token(access, scopes)
    ends_at = datetime.now(UTC) + timedelta(seconds=lasts)
    if not renewal:
        return Token(access, scopes, ends_at)
    parts = {"access": access, "refresh": renewal, "client_id": app.client_id, "client_secret": app.client_secret}
    return Token(json.dumps(parts), scopes, ends_at, renewable=True)


def refresh(address: Address, token: Token) -> Exchange[Token]:
    """Where tokens do not run out, one that no longer works was taken away."""
    parts = held(token)
    app = App(text_of(parts, "client_id"), text_of(parts, "client_secret"))
    body = {
        "grant_type": "refresh_token",
        "refresh_token": text_of(parts, "refresh"),
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    if not body["refresh_token"]:
        raise Refused(Refusal.TOKEN_REVOKED, answers.SENTENCES[Refusal.TOKEN_REVOKED])
    request = post(address, "/oauth/token", body, form=True)
    try:
        said = yield from ask_object(request)
    except Refused as error:
        raise Refused(Refusal.TOKEN_REVOKED, answers.SENTENCES[Refusal.TOKEN_REVOKED]) from error
    if not text_of(said, "access_token"):
        answers.lost(request, "The server did not renew our permission.")
    # Servers that keep the old renewal do not send it again.
    return _token({"refresh_token": body["refresh_token"]} | said, app)


def revoke(address: Address, app: App, token: Token) -> Exchange[None]:
    """Gives our permission back. One that the server no longer knows is given back already."""
    body = {"client_id": app.client_id, "client_secret": app.client_secret, "token": access_of(token)}
    try:
        yield from ask_object(post(address, "/oauth/revoke", body, form=True))
    except Refused as error:
        if error.refusal not in (Refusal.TOKEN_REVOKED, Refusal.NOT_FOUND):
            raise


def whoami(address: Address, token: Token) -> Exchange[Identity]:
    """Whose token this is; the server's name in handles may differ from the host it is reached at."""
    request = get(address, "/api/v1/accounts/verify_credentials", token)
    account = yield from ask_object(request)
    if not text_of(account, "id"):
        answers.lost(request, "The server did not say whose account this is.")
    try:
        instance = yield from _instance(address)
    except PlatformError:
        instance = {}
    return mastodon_read.identity(_domain(instance) or mastodon_read.domain(address), account)


def limits(address: Address) -> Exchange[Limits]:
    return mastodon_read.limits((yield from _instance(address)))


def _instance(address: Address) -> Exchange[dict[str, Any]]:
    """How the server describes itself. Older ones know only the older way of asking, and say so in many ways:
    with an error, with a page, with the page of their own web app."""
    request = get(address, "/api/v2/instance")
    response = yield request
    try:
        said = answers.read_json(request, response)
    except RateLimited:
        raise
    except PlatformError:
        said = None
    if isinstance(said, dict):
        return said
    return (yield from ask_object(get(address, "/api/v1/instance")))


def _domain(instance: Mapping[str, Any]) -> str:
    said = text_of(dict(instance), "domain") or text_of(dict(instance), "uri")
    return said.removeprefix("https://").removeprefix("http://").strip("/").lower()
