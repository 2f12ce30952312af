"""People, teams and keys as pages: letting in, giving and taking back, letting go; and who may only look."""

import re

import pytest
from sqlalchemy import select

from api.core.runtime import Runtime
from api.identity import queries as identity
from api.models import ApiToken, Neighbourhood, Person, Team
from tests.support.factories import Cast
from tests.support.reader import Reader
from tests.web.conftest import Sits

ADD = "Add and make a link"


@pytest.fixture
async def sam(sits: Sits, cast: Cast) -> Reader:
    return await sits(cast.sam)


async def roles_of(runtime: Runtime, cast: Cast, person_id) -> set[str]:
    async with runtime.read() as session:
        known = await identity.get_person(session, cast.sam, person_id)
        return {f"{one.role.value}:{one.team_id}" for one in known.memberships}


async def test_somebody_new_gets_a_role_and_a_link_that_is_shown_once(
    sam: Reader, cast: Cast, runtime: Runtime
) -> None:
    await sam.open("/people/new")
    page = await sam.press(
        ADD, name="PCSO Robin Achebe", email="Robin.Achebe@sandfordvale.example", team=str(cast.team.id)
    )
    secret = re.search(r"/set-password/(\S+?)</output>", sam.answer.text)
    assert secret, page.words
    assert "You see it only now" in page.words
    async with runtime.read() as session:
        person = (await session.execute(select(Person).where(Person.name == "PCSO Robin Achebe"))).scalar_one()  # type: ignore[arg-type]
    assert await roles_of(runtime, cast, person.id) == {f"team_member:{cast.team.id}"}
    await sam.open(f"/set-password/{secret[1]}")
    assert "Robin" in sam.answer.text
    await sam.open(f"/people/{person.id}")
    assert "set-password/" not in sam.answer.text


async def test_a_wrong_address_comes_back_beside_its_field_with_the_rest_kept(sam: Reader, cast: Cast) -> None:
    await sam.open("/people/new")
    page = await sam.press(ADD, name="PCSO Robin Achebe", email="robin", team=str(cast.team.id))
    assert sam.answer.status_code == 422
    assert 'href="#email"' in sam.answer.text
    assert ("name", "PCSO Robin Achebe") in page.forms[-1].fields
    page = await sam.press(ADD, name="", email="robin@sandfordvale.example")
    assert "Fill this in." in page.words


async def test_a_role_is_given_taken_away_and_given_back_with_one_press(sam: Reader, cast: Cast, runtime) -> None:
    bob = cast.bob.person_id
    await sam.open(f"/people/{bob}")
    page = await sam.press("Give this role", role="supervisor", team=str(cast.other_team.id))
    assert "Supervisor In Ashcombe and Villages" in page.words
    page = await sam.press("Give this role", role="supervisor", team=str(cast.other_team.id))
    assert "They have that role already." in page.words
    await sam.open(f"/people/{bob}")
    page = await sam.press("Take away Team member, Sandford North")
    assert await roles_of(runtime, cast, bob) == {f"supervisor:{cast.other_team.id}"}
    page = await sam.press("Give it back")
    assert f"team_member:{cast.team.id}" in await roles_of(runtime, cast, bob)


async def test_whoever_leaves_is_out_and_can_come_back(sam: Reader, cast: Cast, runtime: Runtime) -> None:
    await sam.open(f"/people/{cast.bob.person_id}")
    page = await sam.press("Let PC Bob Fenn go")
    assert "They have left" in page.words
    page = await sam.press("Make active again")
    assert "They are active again" in page.words


async def test_the_last_administrator_stays(sits: Sits, sam: Reader, cast: Cast, runtime: Runtime) -> None:
    page = await sam.open(f"/people/{cast.sam.person_id}")
    assert "Let Sam Birch go" not in [b for form in page.forms for b in form.buttons]
    page = await sam.press("Take away Administrator, the whole force")
    assert "last administrator" in page.words
    assert await roles_of(runtime, cast, cast.sam.person_id) == {"admin:None"}


async def test_a_team_gets_its_neighbourhoods(sam: Reader, runtime: Runtime) -> None:
    await sam.open("/teams/new")
    page = await sam.press("Add the team", name="Vale East")
    assert "The team is there." in page.words
    page = await sam.press("Add the neighbourhood", name="Capel y Rhyd", police_uk_id="not an id!")
    assert sam.answer.status_code == 422
    assert 'href="#police_uk_id"' in sam.answer.text
    page = await sam.press("Add the neighbourhood", police_uk_id="CR1", about="Chapel, ford, two pubs")
    assert "Chapel, ford, two pubs" in page.words
    await sam.open("/teams/new")
    page = await sam.press("Add the team", name="Vale East")
    assert "There is a team with that name already" in page.words
    async with runtime.read() as session:
        assert (await session.execute(select(Neighbourhood).where(Neighbourhood.police_uk_id == "CR1"))).scalar_one()  # type: ignore[arg-type]
        assert len((await session.execute(select(Team).where(Team.name == "Vale East"))).all()) == 1  # type: ignore[arg-type]


async def test_a_colleague_sees_their_team_and_is_offered_nothing(sits: Sits, cast: Cast) -> None:
    lottie = await sits(cast.lottie)
    page = await lottie.open("/people")
    assert "PC Bob Fenn" in page.words
    assert "Sam Birch" not in page.words
    assert "Add a person" not in page.links
    page = await lottie.open(f"/people/{cast.bob.person_id}")
    assert not [b for form in page.forms for b in form.buttons if b != "Sign out"]
    for address in ("/people/new", "/teams/new"):
        await lottie.open(address)
        assert lottie.answer.status_code == 403
    for address in ("roles", "link", "active", "second-step"):
        answer = await lottie.client.post(
            f"/people/{cast.bob.person_id}/{address}",
            data={"role": "supervisor", "team": str(cast.team.id), "active": "no"},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code in (403, 422), address
        assert "not allow" in answer.text


async def test_charlie_and_ivy_find_nobody(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    before = await roles_of(runtime, cast, cast.bob.person_id)
    for viewer in (cast.charlie, cast.ivy):
        reader = await sits(viewer)
        page = await reader.open("/people")
        assert "Bob" not in page.words
        assert "Sandford" not in page.words
        for address in (f"/people/{cast.bob.person_id}", f"/teams/{cast.team.id}", f"/people?team={cast.team.id}"):
            await reader.open(address)
            assert reader.answer.status_code == 404
        for address in ("", "/roles", "/link", "/active", "/second-step"):
            answer = await reader.client.post(
                f"/people/{cast.bob.person_id}{address}",
                data={"role": "admin", "team": "force", "name": "X", "email": "x@sandfordvale.example"},
                headers={"Sec-Fetch-Site": "same-origin"},
            )
            assert answer.status_code == 404, address
    assert await roles_of(runtime, cast, cast.bob.person_id) == before


async def test_a_key_is_shown_once_may_what_was_ticked_and_ends(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    alice = await sits(cast.alice)
    page = await alice.open("/me/keys")
    assert "Add people and give roles" not in page.words
    page = await alice.press("Make the key", name="Website priorities feed")
    assert "Choose at least one." in page.words
    assert ("name", "Website priorities feed") in page.forms[-1].fields
    page = await alice.press("Make the key", scopes=["priorities:read"])
    assert "is shown this once" in page.words
    secret = re.search(r"blt_[\w-]+", alice.answer.text)
    assert secret
    async with runtime.read() as session:
        viewer = await identity.viewer_from_token(session, secret[0])
    assert viewer
    assert viewer.scopes == {"priorities:read"}
    page = await alice.open("/me/keys")
    assert secret[0] not in alice.answer.text
    assert "Read questions, answers and priorities" in page.words
    page = await alice.press("End Website priorities feed")
    assert "That key works no more." in page.words
    async with runtime.read() as session:
        assert await identity.viewer_from_token(session, secret[0]) is None


async def test_nobody_ends_a_strangers_key(sits: Sits, cast: Cast, runtime: Runtime) -> None:
    alice, charlie = await sits(cast.alice), await sits(cast.charlie)
    await alice.open("/me/keys")
    await alice.press("Make the key", name="Feed", scopes=["priorities:read"])
    async with runtime.read() as session:
        token = (await session.execute(select(ApiToken))).scalar_one()
    answer = await charlie.client.post(f"/me/keys/{token.id}/end", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 404


async def test_a_key_beyond_a_year_is_refused_beside_its_field(sits: Sits, cast: Cast) -> None:
    alice = await sits(cast.alice)
    await alice.open("/me/keys")
    page = await alice.press("Make the key", name="Feed", scopes=["priorities:read"], expires_on="2099-01-01")
    assert 'href="#expires_on"' in alice.answer.text
    assert "a year at most" in page.words
