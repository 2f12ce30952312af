"""Standard posts: added once, filled in properly, seen by their force only."""

import tomllib
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.errors import Forbidden, Invalid, NotFound
from api.library import queries, service
from api.library.filling import fill, fits, names_in
from api.library.schemas import StandardPostOut
from api.models import StandardPost
from tests.support.factories import Cast

COLLISION = tomllib.loads("""
slug = "a-collision"
title = "Collision: did you see it?"
category = "appeal"
text = "Were you on {road} at about {time}? If you saw it, call 101 with reference {ref}. On {road} again soon?"
short = "On {road}, {time}? 101, ref {ref}."
locked = true
fields = [
  { name = "road", label = "Road", type = "text", max = 20, example = "Fairmile Road" },
  { name = "time", label = "Time", type = "text", max = 12, example = "7.40pm" },
  { name = "ref", label = "Reference", type = "reference", max = 12, example = "SV/26/11423" },
]
""")
VALUES = {"road": "Fairmile Road", "time": "7.40pm", "ref": "SV/26/11423"}


def collision(**changes: Any) -> StandardPost:
    return StandardPost(force_id=None, **(COLLISION | changes))


def test_every_field_filled_in_makes_the_post() -> None:
    assert fill(collision(), VALUES).startswith("Were you on Fairmile Road at about 7.40pm?")
    assert fill(collision(), VALUES, short=True) == "On Fairmile Road, 7.40pm? 101, ref SV/26/11423."


@pytest.mark.parametrize("name", list(VALUES))
@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_field_left_out_is_named(name: str, value: str | None) -> None:
    values = {key: each for key, each in VALUES.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(Invalid, match="Fill in: ") as refused:
        fill(collision(), values)
    assert refused.value.field == f"values.{name}"


def test_a_value_that_is_too_long_says_by_how_much() -> None:
    with pytest.raises(Invalid, match="Time: 3 characters too many \\(12 at most\\)"):
        fill(collision(), VALUES | {"time": "x" * 15})


def test_a_value_cannot_bring_in_another_field_or_an_unknown_one() -> None:
    with pytest.raises(Invalid, match="not another field"):
        fill(collision(), VALUES | {"road": "{ref}"})
    with pytest.raises(Invalid, match="no field called name"):
        fill(collision(), VALUES | {"name": "Walter"})


def test_a_choice_is_one_of_the_choices_and_a_link_is_https() -> None:
    fields = [{"name": "end", "label": "Result", "max": 60, "choices": ["found", "safe"]}]
    with pytest.raises(Invalid, match="choose one of found; safe"):
        fill(collision(text="{end}", short="", fields=fields), {"end": "arrested"})
    fields = [{"name": "link", "label": "Link", "type": "link", "max": 60}]
    with pytest.raises(Invalid, match="starts with https"):
        fill(collision(text="See {link}", short="", fields=fields), {"link": "http://bit.example/x"})


def test_what_fits_is_the_post_with_only_its_fields_changed() -> None:
    assert fits(collision(), fill(collision(), VALUES))
    assert fits(collision(), fill(collision(), VALUES, short=True))
    assert not fits(collision(), fill(collision(), VALUES) + " Ask for Dave.")
    assert not fits(collision(), fill(collision(), VALUES).replace("call 101", "call me"))
    different_roads = fill(collision(), VALUES).replace("On Fairmile Road again", "On Mill Lane again")
    assert not fits(collision(), different_roads)


def test_unfilled_fields_are_found() -> None:
    assert names_in("Meet at {place} on {date}, {place} again; {not a field} {Neither}") == ["place", "date"]


async def test_adding_twice_keeps_one_and_brings_its_words_up_to_date(session: AsyncSession, cast: Cast) -> None:
    first = await service.add_standard_post(session, None, cast.force.id, **COLLISION)
    again = await service.add_standard_post(session, None, cast.force.id, **COLLISION)
    assert (again.id, again.version) == (first.id, 1)
    changed = await service.add_standard_post(session, None, cast.force.id, **(COLLISION | {"title": "Saw it?"}))
    assert (changed.id, changed.version, changed.title) == (first.id, 2, "Saw it?")
    other = await service.add_standard_post(session, None, cast.wexley.id, **COLLISION)
    assert other.id != first.id


async def test_a_text_with_a_field_nobody_described_is_refused(session: AsyncSession, cast: Cast) -> None:
    with pytest.raises(Invalid, match=r"uses \{where\}"):
        await service.add_standard_post(session, None, cast.force.id, **(COLLISION | {"text": "At {where}"}))


async def test_alice_sees_the_force_library_and_charlie_does_not(session: AsyncSession, cast: Cast) -> None:
    ours = await service.add_standard_post(session, None, cast.force.id, **COLLISION)
    assert [each.id for each in await queries.standard_posts(session, cast.alice)] == [ours.id]
    assert StandardPostOut.of(ours).fields[0].example == "Fairmile Road"
    assert await queries.standard_posts(session, cast.charlie) == []
    with pytest.raises(NotFound):
        await queries.get_standard_post(session, cast.charlie, ours.id)


async def test_only_whole_force_publishers_may_add(session: AsyncSession, cast: Cast) -> None:
    await service.add_standard_post(session, cast.ellie, cast.force.id, **COLLISION)
    with pytest.raises(Forbidden):
        await service.add_standard_post(session, cast.alice, cast.force.id, **COLLISION)
    with pytest.raises(NotFound):
        await service.add_standard_post(session, cast.ellie, cast.wexley.id, **COLLISION)
