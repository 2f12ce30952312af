"""Who somebody is: sessions of app passwords, renewed with tokens that die once they were used."""

from sqlite3 import Row
from typing import Any
from uuid import uuid4

from workers.town.bluesky import tokens
from workers.town.bluesky.calls import Call, Handler, XrpcError, wrong
from workers.town.bluesky.sky import PLAIN, PRIVILEGED, WHOLE

RENEWABLE_MS = 90 * 24 * 3_600_000


async def create_session(call: Call) -> Any:
    body = await call.body("identifier", "password")
    account = call.sky.find(str(body["identifier"]))
    scope = _scope(call, account, str(body["password"])) if account else ""
    if account is None or not scope:
        raise XrpcError(401, "AuthenticationRequired", "Invalid identifier or password")
    return _opened(call, account, scope, uuid4().hex)


def _scope(call: Call, account: Row, password: str) -> str:
    if account["password"] and account["password"] == password:
        return WHOLE
    sql = "SELECT scope FROM app_passwords WHERE did = ? AND password = ?"
    return str(call.sky.store.value(sql, account["did"], password) or "")


def _opened(call: Call, account: Row, scope: str, jti: str) -> Any:
    """A session whose renewal goes by this name: the same name is the same session."""
    sky, did = call.sky, account["did"]
    now, until = sky.now(), sky.now() + RENEWABLE_MS
    sky.store.run("INSERT OR IGNORE INTO renewals VALUES (?, ?, ?, ?, NULL)", jti, did, scope, until)
    claims = {"sub": did, "iat": now // 1000, "aud": "did:web:localhost"}
    access = {**claims, "scope": scope, "exp": now / 1000 + sky.settings.access_seconds, "jti": uuid4().hex}
    renewal = {**claims, "scope": "com.atproto.refresh", "exp": until // 1000, "jti": jti}
    return {
        **_who(call, account),
        "accessJwt": tokens.make(tokens.ACCESS, **access),
        "refreshJwt": tokens.make(tokens.RENEWAL, **renewal),
    }


def _who(call: Call, account: Row) -> Any:
    here = call.sky.settings.base_url.rstrip("/") or str(call.request.base_url).rstrip("/")
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": here}
    return {
        "did": account["did"],
        "handle": account["handle"],
        "email": f"{account['handle']}@mail.example",
        "emailConfirmed": True,
        "active": True,
        "didDoc": {"id": account["did"], "service": [service]},
    }


def _renewal(call: Call) -> Row:
    claims = tokens.read(call.bearer, tokens.RENEWAL)
    if claims is None:
        raise wrong("Token could not be verified", "InvalidToken")
    row = call.sky.store.one("SELECT * FROM renewals WHERE jti = ?", claims["jti"])
    if row is None or row["until_ms"] <= call.sky.now():
        raise wrong("Token has been revoked", "ExpiredToken")
    return row


async def refresh_session(call: Call) -> Any:
    """The old one dies, after a time of grace in which it gives the same new one again."""
    sky, row = call.sky, _renewal(call)
    following = row["following"] or uuid4().hex
    until = min(row["until_ms"], sky.now() + int(sky.faults.switches.grace_seconds * 1000))
    with sky.store.change():
        sky.store.run("UPDATE renewals SET following = ?, until_ms = ? WHERE jti = ?", following, until, row["jti"])
        return _opened(call, sky.person(row["did"]), row["scope"], following)


async def delete_session(call: Call) -> Any:
    """With everything that came of it."""
    row = _renewal(call)
    with call.sky.store.change():
        call.sky.store.run("DELETE FROM renewals WHERE jti = ? OR jti = ?", row["jti"], row["following"])
    return {}


async def get_session(call: Call) -> Any:
    return _who(call, call.sky.person(call.did))


async def create_account(call: Call) -> Any:
    body = await call.body("handle", "password")
    handle = str(body["handle"])
    if call.sky.find(handle) is not None:
        raise wrong(f"Handle already taken: {handle}", "HandleNotAvailable")
    with call.sky.store.change():
        did = call.sky.settle(handle, "", str(body["password"]))
        return _opened(call, call.sky.person(did), WHOLE, uuid4().hex)


async def create_app_password(call: Call) -> Any:
    body = await call.body("name")
    whole = uuid4().hex[:16]
    password = "-".join(whole[at : at + 4] for at in range(0, 16, 4))
    with call.sky.store.change():
        call.sky.let_in(call.did, password, PRIVILEGED if body.get("privileged") else PLAIN)
    return {"name": body["name"], "password": password, "privileged": bool(body.get("privileged"))}


async def resolve_handle(call: Call) -> Any:
    account = call.sky.find(call.needed("handle"))
    if account is None:
        raise wrong("Unable to resolve handle")
    return {"did": account["did"]}


async def get_profile(call: Call) -> Any:
    assert call.did
    account = call.sky.find(call.needed("actor"))
    if account is None:
        raise wrong("Profile not found")
    return {"did": account["did"], "handle": account["handle"], "displayName": account["name"]}


METHODS: dict[str, tuple[str, Handler]] = {
    "com.atproto.server.createSession": ("POST", create_session),
    "com.atproto.server.refreshSession": ("POST", refresh_session),
    "com.atproto.server.deleteSession": ("POST", delete_session),
    "com.atproto.server.getSession": ("GET", get_session),
    "com.atproto.server.createAccount": ("POST", create_account),
    "com.atproto.server.createAppPassword": ("POST", create_app_password),
    "com.atproto.identity.resolveHandle": ("GET", resolve_handle),
    "app.bsky.actor.getProfile": ("GET", get_profile),
}
