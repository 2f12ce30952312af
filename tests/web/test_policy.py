"""Under the words while somebody writes: what the check found, why, and the way to say that it is wrong."""

import pytest
from sqlalchemy import select

from api.core.runtime import Runtime
from api.models import Account, PolicyFalseAlarm
from tests.support.factories import Cast
from tests.support.reader import Reader
from tests.web.conftest import Sits

HARM = "Questions about the fete? Text my mobile."


@pytest.fixture
async def alice(sits: Sits, cast: Cast, account: Account) -> Reader:
    return await sits(cast.alice)


async def test_what_was_found_stands_under_the_words_with_what_to_write_instead(alice: Reader) -> None:
    await alice.open("/write")
    page = await alice.press("Look at it now", text=HARM)
    assert "to look at" in page.words
    assert "This leads people to a private phone" in page.words
    assert "Name the team’s contact" in page.words or "Name the team's contact" in page.words
    assert "<mark>" in alice.answer.text


async def test_an_empty_page_and_a_plain_text_say_nothing(alice: Reader) -> None:
    page = await alice.open("/write")
    assert "to look at" not in page.words
    await alice.open("/write")
    page = await alice.press("Look at it now", text="Your team will be at the library on Tuesday, 2pm to 4pm.")
    assert "to look at" not in page.words


async def test_publishing_is_not_stopped_by_a_finding(alice: Reader) -> None:
    await alice.open("/write")
    page = await alice.press("Yes: send it to the chosen accounts", text=HARM)
    assert "on its way" in page.words


async def test_a_false_alarm_is_noted_without_its_words_and_nothing_typed_is_lost(
    alice: Reader, runtime: Runtime, cast: Cast
) -> None:
    await alice.open("/write")
    await alice.press("Look at it now", text=HARM)
    page = await alice.press("This is a false alarm")
    assert "Noted as a false alarm" in page.words
    assert HARM in alice.answer.text
    async with runtime.read() as session:
        (row,) = (await session.execute(select(PolicyFalseAlarm))).scalars()
    assert (row.rule, row.person_id) == ("R35", cast.alice.person_id)
    assert "mobile" not in str(row.model_dump()).casefold()
