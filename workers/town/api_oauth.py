"""Letting an app in: register it, ask a person, exchange the code, take the token back."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from sqlite3 import Row
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from workers.town import pages
from workers.town.wire import ApiError, base_of, fields, known_token, town_of, words
from workers.town.world import SCOPES, Town

CODE_MS = 600_000
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
AREAS = (
    "accounts",
    "statuses",
    "notifications",
    "search",
    "lists",
    "follows",
    "media",
    "favourites",
    "mutes",
    "blocks",
    "conversations",
    "reports",
    "filters",
    "bookmarks",
)


def _is_scope(scope: str) -> bool:
    head, _, area = scope.partition(":")
    return scope in {"profile", "push", "follow"} or (
        head in {"read", "write"} and (not area or area in AREAS)
    )


def _scopes(text: str) -> str:
    asked = text.replace("+", " ").split()
    if not all(_is_scope(scope) for scope in asked):
        raise ApiError(
            400, "invalid_scope", error_description="The requested scope is invalid, unknown, or malformed."
        )
    return " ".join(asked) or "read"


async def register(request: Request) -> Response:
    town, body = town_of(request), await fields(request)
    uris = body.get("redirect_uris", "")
    listed = [str(uri) for uri in uris] if isinstance(uris, list) else str(uris).split()
    name = words(body, "client_name").strip()
    if not name:
        raise ApiError(422, "Validation failed: Application name can't be blank")
    if not listed or not all(uri == OUT_OF_BAND or urlsplit(uri).scheme for uri in listed):
        raise ApiError(422, "Validation failed: Redirect URI must be an absolute URI.")
    scopes, client = _scopes(words(body, "scopes")), (secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    with town.store.change():
        values = (*client, name, "\n".join(listed), scopes, words(body, "website"))
        town.store.run("INSERT INTO apps VALUES (?, ?, ?, ?, ?, ?)", *values)
    return JSONResponse(
        {
            "id": client[0][:8],
            "name": name,
            "website": words(body, "website") or None,
            "scopes": scopes.split(),
            "redirect_uri": "\n".join(listed),
            "redirect_uris": listed,
            "client_id": client[0],
            "client_secret": client[1],
            "client_secret_expires_at": 0,
            "vapid_key": "",
        }
    )


def _app(town: Town, client_id: str) -> Row | None:
    return town.store.one("SELECT * FROM apps WHERE client_id = ?", client_id)


def _checked(town: Town, asked: Mapping[str, Any]) -> Row:
    """Nothing is ever sent to an address that the app didn't register."""
    app = _app(town, words(asked, "client_id"))
    if app is None:
        raise ApiError(401, "Client authentication failed due to unknown client.")
    if words(asked, "redirect_uri") not in app["redirect_uris"].split("\n"):
        raise ApiError(400, "The redirect URI included is not valid.")
    if words(asked, "response_type") != "code":
        raise ApiError(400, "The authorization server does not support this response type.")
    allowed = set(app["scopes"].split())
    if not all(allowed & {one, one.split(":")[0]} for one in _scopes(words(asked, "scope")).split()):
        raise ApiError(400, "The requested scope is invalid, unknown, or malformed.")
    if words(asked, "code_challenge") and words(asked, "code_challenge_method", "plain") != "S256":
        raise ApiError(400, "The code challenge method must be S256.")
    return app


ASKED = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)


async def ask(request: Request) -> Response:
    town, asked = town_of(request), request.query_params
    try:
        app = _checked(town, asked)
    except ApiError as problem:
        return HTMLResponse(pages.message("This link doesn't work", str(problem)), problem.status)
    kept = {name: asked[name] for name in ASKED if name in asked}
    people = sorted(town.people.by_id.values(), key=lambda account: not account.is_force)
    scopes = _scopes(words(asked, "scope")).split()
    return HTMLResponse(pages.authorise(app["name"], scopes, kept, people))


async def decide(request: Request) -> Response:
    town, asked = town_of(request), await fields(request)
    try:
        app = _checked(town, asked)
    except ApiError as problem:
        return HTMLResponse(pages.message("This link doesn't work", str(problem)), problem.status)
    if words(asked, "decision") != "authorise":
        description = "The resource owner or authorization server denied the request."
        return _back(asked, {"error": "access_denied", "error_description": description})
    account = town.people.find(words(asked, "account"), town.settings.domain)
    if account is None:
        return HTMLResponse(pages.message("Choose an account", "Nobody of that name lives here."), 422)
    code = secrets.token_urlsafe(32)
    with town.store.change():
        values = (
            code,
            app["client_id"],
            account.id,
            words(asked, "redirect_uri"),
            _scopes(words(asked, "scope")),
        )
        challenge = words(asked, "code_challenge")
        town.store.run("INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?)", *values, challenge, town.now())
    if words(asked, "redirect_uri") == OUT_OF_BAND:
        return HTMLResponse(pages.message("Copy this code", code))
    return _back(asked, {"code": code})


def _back(asked: Mapping[str, Any], more: dict[str, str]) -> Response:
    uri = words(asked, "redirect_uri")
    state = {"state": words(asked, "state")} if words(asked, "state") else {}
    joint = "&" if urlsplit(uri).query else "?"
    return RedirectResponse(f"{uri}{joint}{urlencode(more | state)}", 302)


def _client(request: Request, town: Town, body: dict[str, Any]) -> Row:
    client_id, secret = words(body, "client_id"), words(body, "client_secret")
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(packed).decode().partition(":")
        except ValueError:
            client_id = ""
    app = _app(town, client_id)
    if app is None or not hmac.compare_digest(app["client_secret"], secret):
        description = "Client authentication failed due to unknown client."
        raise ApiError(401, "invalid_client", error_description=description)
    return app


def _invalid_grant() -> ApiError:
    description = (
        "The provided authorization grant is invalid, expired, revoked, or was issued to another client."
    )
    return ApiError(400, "invalid_grant", error_description=description)


def _spend(town: Town, app: Row, body: dict[str, Any]) -> Row:
    """A code works once, for whoever asked for it, and only with the right verifier."""
    code = words(body, "code")
    row = town.store.one("SELECT * FROM codes WHERE code = ?", code)
    if row is None or town.store.run("DELETE FROM codes WHERE code = ?", code) == 0:
        raise _invalid_grant()
    digest = hashlib.sha256(words(body, "code_verifier").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    fits = not row["challenge"] or hmac.compare_digest(row["challenge"], challenge)
    mine = row["client_id"] == app["client_id"] and row["redirect_uri"] == words(body, "redirect_uri")
    if not (fits and mine) or row["created_ms"] < town.now() - CODE_MS:
        raise _invalid_grant()
    return row


async def token(request: Request) -> Response:
    town, body = town_of(request), await fields(request)
    app = _client(request, town, body)
    grant = words(body, "grant_type")
    if grant == "authorization_code":
        spent = _spend(town, app, body)
        account_id, scopes = spent["account_id"], spent["scopes"]
    elif grant == "client_credentials":
        account_id, scopes = None, _scopes(words(body, "scope"))
    else:
        description = "The authorization grant type is not supported by the authorization server."
        raise ApiError(400, "unsupported_grant_type", error_description=description)
    new, now = secrets.token_urlsafe(32), town.now()
    with town.store.change():
        town.store.run(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, 0)", new, account_id, app["client_id"], scopes, now
        )
    return JSONResponse(
        {"access_token": new, "token_type": "Bearer", "scope": scopes, "created_at": now // 1000}
    )


async def revoke(request: Request) -> Response:
    town, body = town_of(request), await fields(request)
    row = town.store.one("SELECT client_id FROM tokens WHERE token = ?", words(body, "token"))
    app = _client(request, town, body)
    if row is None or row["client_id"] != app["client_id"]:
        description = "You are not authorized to revoke this token"
        raise ApiError(403, "unauthorized_client", error_description=description)
    with town.store.change():
        town.store.run("UPDATE tokens SET revoked = 1 WHERE token = ?", words(body, "token"))
    return JSONResponse({})


async def verify_app(request: Request) -> Response:
    row = known_token(request)
    if row is None:
        raise ApiError(401, "The access token is invalid")
    return JSONResponse({"name": row["app"], "website": None, "scopes": row["scopes"].split()})


async def metadata(request: Request) -> Response:
    base = base_of(request)
    return JSONResponse(
        {
            "issuer": f"{base}/",
            "service_documentation": f"{base}/",
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "revocation_endpoint": f"{base}/oauth/revoke",
            "app_registration_endpoint": f"{base}/api/v1/apps",
            "scopes_supported": [
                *SCOPES.split(),
                *(f"{verb}:{area}" for verb in ("read", "write") for area in AREAS),
            ],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


routes = [
    Route("/api/v1/apps", register, methods=["POST"]),
    Route("/api/v1/apps/verify_credentials", verify_app, methods=["GET"]),
    Route("/oauth/authorize", ask, methods=["GET"]),
    Route("/oauth/authorize", decide, methods=["POST"]),
    Route("/oauth/token", token, methods=["POST"]),
    Route("/oauth/revoke", revoke, methods=["POST"]),
    Route("/.well-known/oauth-authorization-server", metadata, methods=["GET"]),
]
