import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.workers.town.conftest import Town

HERE = "http://beatline.test/oauth/callback"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


async def _registered(town: Town) -> dict:
    body = {"client_name": "Beatline", "redirect_uris": [HERE], "scopes": "read write:statuses"}
    return (await town.anyone.post("/api/v1/apps", json=body)).json()


def _asked(app: dict, **more: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": HERE,
        "scope": "read:statuses write:statuses",
        "state": "abc",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }


async def _code(town: Town, app: dict, **more: str) -> str:
    form = {**_asked(app), "account": "sandfordnorth", "decision": "authorise", **more}
    back = await town.anyone.post("/oauth/authorize", data=form)
    assert back.status_code == 302
    query = parse_qs(urlsplit(back.headers["location"]).query)
    assert back.headers["location"].startswith(HERE)
    assert query["state"] == ["abc"]
    return query["code"][0]


async def _exchange(town: Town, app: dict, code: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "redirect_uri": HERE,
        "code_verifier": VERIFIER,
        **more,
    }
    return await town.anyone.post("/oauth/token", data=form)


async def test_an_app_is_let_in_and_can_write(town: Town) -> None:
    app = await _registered(town)
    page = await town.anyone.get("/oauth/authorize", params=_asked(app))
    assert page.status_code == 200
    assert "Authorise Beatline?" in page.text
    assert 'value="sandfordnorth"' in page.text
    answer = (await _exchange(town, app, await _code(town, app))).json()
    client = town.client(Authorization=f"Bearer {answer['access_token']}")
    posted = await client.post("/api/v1/statuses", json={"status": "Hello"})
    assert posted.json()["application"]["name"] == "Beatline"
    refused = await client.get("/api/v1/notifications")
    assert refused.status_code == 403
    assert refused.json() == {"error": "This action is outside the authorized scopes"}


async def test_a_code_works_once_and_only_with_its_verifier(town: Town) -> None:
    app = await _registered(town)
    code = await _code(town, app)
    assert (await _exchange(town, app, code)).status_code == 200
    assert (await _exchange(town, app, code)).json()["error"] == "invalid_grant"
    wrong = await _exchange(town, app, await _code(town, app), code_verifier="w" * 50)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    stale = await _code(town, app)
    town.clock.pass_seconds(601)
    assert (await _exchange(town, app, stale)).status_code == 400


async def test_nobody_is_sent_to_an_address_that_was_not_registered(town: Town) -> None:
    app = await _registered(town)
    for wrong in (
        {"redirect_uri": "http://elsewhere.test/"},
        {"code_challenge_method": "plain"},
        {"scope": "push"},
    ):
        for answer in (
            await town.anyone.get("/oauth/authorize", params=_asked(app, **wrong)),
            await town.anyone.post("/oauth/authorize", data=_asked(app, **wrong, decision="authorise")),
        ):
            assert answer.status_code == 400
            assert "location" not in answer.headers


async def test_refusing_goes_back_with_an_error(town: Town) -> None:
    app = await _registered(town)
    back = await town.anyone.post("/oauth/authorize", data=_asked(app, decision="deny"))
    assert parse_qs(urlsplit(back.headers["location"]).query)["error"] == ["access_denied"]


async def test_a_revoked_token_opens_nothing(town: Town) -> None:
    app = await _registered(town)
    token = (await _exchange(town, app, await _code(town, app))).json()["access_token"]
    client = town.client(Authorization=f"Bearer {token}")
    assert (await client.get("/api/v1/conversations")).status_code == 200
    form = {"client_id": app["client_id"], "client_secret": app["client_secret"], "token": token}
    assert (await town.anyone.post("/oauth/revoke", data=form)).json() == {}
    refused = await client.get("/api/v1/conversations")
    assert (refused.status_code, refused.json()) == (401, {"error": "The access token was revoked"})


async def test_without_a_good_token_nobody_writes(town: Town) -> None:
    for client in (town.anyone, town.client(Authorization="Bearer guessed")):
        answer = await client.post("/api/v1/statuses", json={"status": "Hello"})
        assert (answer.status_code, answer.json()) == (401, {"error": "The access token is invalid"})
    assert await town.everything() == []


async def test_the_addresses_can_be_discovered(town: Town) -> None:
    found = (await town.anyone.get("/.well-known/oauth-authorization-server")).json()
    assert found["token_endpoint"] == "http://town.test/oauth/token"
    assert found["code_challenge_methods_supported"] == ["S256"]
    instance = (await town.anyone.get("/api/v2/instance")).json()
    assert instance["configuration"]["statuses"]["max_characters"] == 500
    assert instance["configuration"]["statuses"]["characters_reserved_per_url"] == 23
    assert (await town.anyone.get("/api/v1/instance")).json()["version"] == instance["version"]
