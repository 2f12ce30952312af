"""What another system sees of people, tokens and sessions."""

import pytest

from api.core.runtime import Runtime
from tests.support.factories import Cast, a_token
from tests.support.rest import a_client, bearing


async def test_me_says_who_and_where(runtime: Runtime, cast: Cast) -> None:
    alice = bearing(await a_token(runtime.database, cast.alice, "posts:read"))
    async with a_client(runtime) as client:
        me = (await client.get("/api/v1/me", headers=alice)).json()
        assert (await client.get("/api/v1/me")).status_code == 401
        assert (await client.get("/api/v1/me", headers=bearing("blt_nobody"))).status_code == 401
    assert me["person"]["name"] == "PCSO Alice Marsh"
    assert me["force"] == {"id": str(cast.force.id), "name": cast.force.name}
    assert me["roles"] == [{"role": "team_member", "team_id": str(cast.team.id)}]
    assert me["scopes"] == ["posts:read"]
    assert me["teams"] == [{"id": str(cast.team.id), "name": "Sandford North"}]
    assert [set(place) for place in me["neighbourhoods"]] == [{"id", "name", "police_uk_id", "team_id"}]


async def test_an_administrator_brings_a_person_in(runtime: Runtime, cast: Cast) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam))
    body = {
        "email": "jo.lindley@sandfordvale.example",
        "name": "PCSO Jo Lindley",
        "roles": [{"role": "team_member", "team_id": str(cast.team.id)}],
    }
    async with a_client(runtime) as client:
        made = await client.post("/api/v1/people", json=body, headers=sam)
        assert made.status_code == 201
        url = f"/api/v1/people/{made.json()['id']}"
        link = await client.post(f"{url}/set-password-link", headers=sam)
        assert link.json()["url"].endswith(f"/set-password/{link.json()['secret']}")
        role = await client.post(f"{url}/roles", json={"role": "contact_desk"}, headers=sam)
        assert (role.status_code, role.json()["team_id"]) == (201, None)
        assert (await client.delete(f"{url}/roles/{role.json()['id']}", headers=sam)).status_code == 204
        person = await client.get(url, headers=sam)
        assert [each["role"] for each in person.json()["roles"]] == ["team_member"]
        changed = await client.patch(url, json={"active": False}, headers={**sam, "If-Match": person.headers["etag"]})
        assert changed.json()["active"] is False
        assert (await client.patch(url, json={"active": 1}, headers={**sam, "If-Match": "*"})).status_code == 422
        assert (await client.post(f"{url}/reset-second-factor", headers=sam)).status_code == 204
        listed = (await client.get(f"/api/v1/people?team_id={cast.team.id}", headers=sam)).json()
    assert "PCSO Jo Lindley" in [each["name"] for each in listed["items"]]
    assert "hash" not in repr(listed)


async def test_a_secret_is_never_repeated(runtime: Runtime, cast: Cast) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam), **{"Idempotency-Key": "the-same-key"})
    body = {"name": "Desk", "scopes": ["posts:read"]}
    async with a_client(runtime) as client:
        first = await client.post("/api/v1/tokens", json=body, headers=sam)
        second = await client.post("/api/v1/tokens", json=body, headers=sam)
        assert (first.status_code, second.status_code) == (201, 409)
        assert first.json()["secret"] not in second.text
        made = bearing(first.json()["secret"])
        assert (await client.get("/api/v1/me", headers=made)).status_code == 200
        ended = await client.post(f"/api/v1/tokens/{first.json()['id']}/end", headers=sam)
        assert (ended.status_code, "secret" in ended.json()) == (200, False)
        assert (await client.get("/api/v1/me", headers=made)).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "Desk", "scopes": ["posts:reed"]}, 422),
        ({"name": "Desk", "scopes": []}, 422),
        ({"name": "", "scopes": ["posts:read"]}, 422),
        ({"name": "a\x00b", "scopes": ["posts:read"]}, 422),
        ({"name": "Desk", "scopes": ["posts:read"], "expires_at": "2026-12-01T10:00:00"}, 422),
        ({"name": "Desk", "scopes": ["posts:read"], "expires_at": "9999-12-31T23:59:59Z"}, 422),
        ({"name": "Desk", "scopes": ["posts:read"], "person_id": "x"}, 422),
    ],
)
async def test_a_token_that_cannot_be_is_refused(
    runtime: Runtime, cast: Cast, body: dict[str, object], status: int
) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam))
    async with a_client(runtime) as client:
        assert (await client.post("/api/v1/tokens", json=body, headers=sam)).status_code == status


async def test_charlie_and_a_lesser_role_get_nowhere(runtime: Runtime, cast: Cast) -> None:
    """With real ids of Alice's."""
    charlie = bearing(await a_token(runtime.database, cast.charlie))
    lottie = bearing(await a_token(runtime.database, cast.lottie))
    alice = f"/api/v1/people/{cast.alice.person_id}"
    calls: list[tuple[str, str, object]] = [
        ("PATCH", alice, {"name": "X"}),
        ("POST", f"{alice}/roles", {"role": "comms"}),
        ("DELETE", f"{alice}/roles/{cast.alice.person_id}", None),
        ("POST", f"{alice}/set-password-link", None),
        ("POST", f"{alice}/reset-second-factor", None),
    ]
    async with a_client(runtime) as client:
        assert (await client.get(alice, headers=charlie)).status_code == 404
        for method, url, body in calls:
            for who, expected in ((charlie, 404), (lottie, 403)):
                answer = await client.request(method, url, json=body, headers={**who, "If-Match": '"1"'})
                assert (method, url, answer.status_code) == (method, url, expected)
        new = {"email": "x@y.example", "name": "X"}
        assert (await client.post("/api/v1/people", json=new, headers=lottie)).status_code == 403


async def test_sessions_are_ones_own(runtime: Runtime, cast: Cast) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam))
    async with a_client(runtime) as client:
        assert (await client.get("/api/v1/sessions", headers=sam)).json() == {"items": [], "next_cursor": None}
        assert (await client.post(f"/api/v1/sessions/{cast.sam.person_id}/end", headers=sam)).status_code == 404


async def test_every_input_has_an_example_and_every_route_its_scopes(runtime: Runtime) -> None:
    async with a_client(runtime) as client:
        described = (await client.get("/api/openapi.json")).json()
    schemas = described["components"]["schemas"]
    for name in ("PersonIn", "PersonPatch", "RoleIn", "TokenIn", "TeamIn", "NeighbourhoodIn", "NeighbourhoodPatch"):
        assert schemas[name]["examples"], name
    for path in ("/api/v1/people", "/api/v1/tokens", "/api/v1/teams", "/api/v1/neighbourhoods"):
        for operation in described["paths"][path].values():
            assert operation["security"], path
