"""Teams and neighbourhoods: whose they are, who may change them, what is refused."""

import pytest

from api.core.errors import Conflict, Forbidden, NotFound, Stale
from api.core.runtime import Runtime
from api.forces import queries, service
from api.forces.schemas import NeighbourhoodPatch
from api.models import AuditEntry, Force
from tests.support.factories import Cast, a_token, count_of
from tests.support.rest import a_client, bearing

RING = [[51.8642, -2.2431], [51.8655, -2.2388], [51.8619, -2.2379]]


async def test_a_team_member_sees_their_team_and_charlie_his(runtime: Runtime, cast: Cast) -> None:
    async with runtime.read() as session:
        assert [team.name for team in await queries.teams(session, cast.alice)] == ["Sandford North"]
        assert [team.name for team in await queries.teams(session, cast.charlie)] == ["Wexley Town"]
        assert [n.name for n in await queries.neighbourhoods(session, cast.alice)] == ["Mill Lane & Quays"]
        assert [n.name for n in await queries.neighbourhoods(session, cast.charlie)] == ["Wexley Town Centre"]


async def test_a_role_in_the_whole_force_sees_all_its_teams_and_no_other_forces(runtime: Runtime, cast: Cast) -> None:
    async with runtime.read() as session:
        assert {team.id for team in await queries.teams(session, cast.dev)} == {cast.team.id, cast.other_team.id}


async def test_what_is_not_yours_is_not_found(runtime: Runtime, cast: Cast) -> None:
    async with runtime.read() as session:
        for stranger in cast.strangers():
            with pytest.raises(NotFound):
                await queries.get_team(session, stranger, cast.team.id)
            with pytest.raises(NotFound):
                await queries.get_neighbourhood(session, stranger, cast.neighbourhood.id)
        with pytest.raises(NotFound):
            await queries.get_team(session, cast.alice, cast.other_team.id)


async def test_only_an_administrator_adds_a_team(runtime: Runtime, cast: Cast) -> None:
    for viewer in cast.everyone_of_ours():
        if viewer == cast.sam:
            continue
        with pytest.raises(Forbidden):
            async with runtime.unit_of_work() as session:
                await service.add_team(session, viewer, cast.force, "Night desk")
    async with runtime.unit_of_work() as session:
        await service.add_team(session, cast.sam, cast.force, "Night desk")
    assert await count_of(runtime.database, AuditEntry, action="teams.add") == 1


async def test_a_name_is_taken_in_its_own_force_only(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await service.add_team(session, cast.sam, cast.force, cast.team.name)
    async with runtime.unit_of_work() as session:
        await service.add_team(session, cast.ivy, cast.wexley, cast.team.name)
        await service.add_neighbourhood(session, None, cast.wexley_team, cast.neighbourhood.police_uk_id, "Elsewhere")
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await service.add_neighbourhood(session, None, cast.team, cast.neighbourhood.police_uk_id, "Again")


async def test_a_force_is_added_once(runtime: Runtime, cast: Cast) -> None:
    with pytest.raises(Conflict):
        async with runtime.unit_of_work() as session:
            await service.add_force(session, None, "Again", "Again", cast.force.police_uk_id)
    assert await count_of(runtime.database, Force) == 2


async def test_who_changes_what_somebody_just_changed_is_told(runtime: Runtime, cast: Cast) -> None:
    async with runtime.unit_of_work() as session:
        await service.change_neighbourhood(
            session, cast.sam, cast.neighbourhood.id, NeighbourhoodPatch(name="Mill Lane"), 1
        )
    with pytest.raises(Stale):
        async with runtime.unit_of_work() as session:
            await service.change_neighbourhood(
                session, cast.sam, cast.neighbourhood.id, NeighbourhoodPatch(name="Quays"), 1
            )
    async with runtime.read() as session:
        assert (await queries.get_neighbourhood(session, cast.sam, cast.neighbourhood.id)).name == "Mill Lane"


async def test_a_neighbourhood_goes_to_another_team_but_never_to_another_force(runtime: Runtime, cast: Cast) -> None:
    theirs, ours = NeighbourhoodPatch(team_id=cast.wexley_team.id), NeighbourhoodPatch(team_id=cast.other_team.id)
    with pytest.raises(NotFound):
        async with runtime.unit_of_work() as session:
            await service.change_neighbourhood(session, cast.sam, cast.neighbourhood.id, theirs, 1)
    async with runtime.unit_of_work() as session:
        await service.change_neighbourhood(session, cast.sam, cast.neighbourhood.id, ours, 1)
    async with runtime.read() as session:
        assert await queries.neighbourhoods(session, cast.alice) == []


async def test_over_rest_a_neighbourhood_is_added_read_and_changed(runtime: Runtime, cast: Cast) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam))
    body = {"team_id": str(cast.team.id), "police_uk_id": "CE", "name": "Church End", "boundary": RING}
    async with a_client(runtime) as client:
        made = await client.post("/api/v1/neighbourhoods", json=body, headers=sam)
        assert (made.status_code, made.json()["boundary"]) == (201, RING)
        url = f"/api/v1/neighbourhoods/{made.json()['id']}"
        assert (await client.patch(url, json={"about": "Georgian"}, headers=sam)).status_code == 428
        changed = await client.patch(url, json={"about": "Georgian"}, headers={**sam, "If-Match": made.headers["etag"]})
        assert (changed.status_code, changed.json()["about"], changed.headers["etag"]) == (200, "Georgian", '"2"')
        again = await client.patch(url, json={"about": "Old"}, headers={**sam, "If-Match": made.headers["etag"]})
        assert again.status_code == 412
        listed = (await client.get(f"/api/v1/neighbourhoods?team_id={cast.team.id}", headers=sam)).json()
        assert {row["name"] for row in listed["items"]} == {"Church End", "Mill Lane & Quays"}
        assert "boundary" not in listed["items"][0]
        charlie = bearing(await a_token(runtime.database, cast.charlie))
        assert (await client.get(url, headers=charlie)).status_code == 404


@pytest.mark.parametrize(
    "boundary",
    [RING[:2], [[91, 0], *RING], [[0, 181], *RING], [[51.8], *RING], [["x", 1], *RING], RING * 1700],
    ids=["two points", "beyond the pole", "beyond the date line", "half a point", "words", "too many"],
)
async def test_a_boundary_that_is_none_is_refused(runtime: Runtime, cast: Cast, boundary: list[object]) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam))
    body = {"team_id": str(cast.team.id), "police_uk_id": "CE", "name": "Church End", "boundary": boundary}
    async with a_client(runtime) as client:
        assert (await client.post("/api/v1/neighbourhoods", json=body, headers=sam)).status_code == 422


async def test_a_token_without_the_scope_is_told_so(runtime: Runtime, cast: Cast) -> None:
    token = bearing(await a_token(runtime.database, cast.sam, "posts:read"))
    async with a_client(runtime) as client:
        assert (await client.get("/api/v1/teams", headers=token)).status_code == 403
        assert (await client.get("/api/v1/teams")).status_code == 401


async def test_teams_are_read_a_page_at_a_time(runtime: Runtime, cast: Cast) -> None:
    sam = bearing(await a_token(runtime.database, cast.sam))
    async with a_client(runtime) as client:
        first = (await client.get("/api/v1/teams?limit=1", headers=sam)).json()
        second = (await client.get(f"/api/v1/teams?limit=1&cursor={first['next_cursor']}", headers=sam)).json()
    assert [page["items"][0]["name"] for page in (first, second)] == ["Sandford North", "Ashcombe and Villages"]
    assert second["next_cursor"] is None
