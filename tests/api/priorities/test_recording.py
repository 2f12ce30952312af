"""Doorsteps, paper and meetings, and the picture of them side by side."""

from datetime import timedelta
from typing import Any

import pytest

from api.core.clock import now
from api.core.database import Database
from api.models import Answer, Issue, Tally
from api.priorities.issues import ISSUES, SOURCES, issue_of, label
from tests.api.priorities.conftest import Town
from tests.support.calling import Caller
from tests.support.factories import Cast, count_of

DOORSTEP = {
    "source": "doorstep",
    "issues": ["speeding-and-road-safety", "Dogs"],
    "place": "Mill Lane",
    "age_band": "65+",
}
MEETING = {
    "source": "meeting", "counts": {"speeding-and-road-safety": 14, "Parking": 9, "noise": 0},
    "heads": 31, "place": "Northgate Hall", "held_on": "2026-11-24",
}  # fmt: skip


async def record(call: Caller, cast: Cast, question: dict[str, Any], body: dict[str, Any]) -> Any:
    return await call.post(cast.lottie, f"/questions/{question['id']}/answers", body)


async def test_a_doorstep_answer_counts_at_once(call: Caller, cast: Cast, question: dict[str, Any]) -> None:
    answer = await record(call, cast, question, DOORSTEP)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["source"], made["place"], made["age_band"]) == (
        "confirmed",
        "doorstep",
        "Mill Lane",
        "65+",
    )
    assert sorted(made["issues"]) == ["dogs", "speeding-and-road-safety"]
    assert made["who"] == ""


async def test_a_meeting_is_hands_and_heads(
    call: Caller, cast: Cast, question: dict[str, Any], database: Database
) -> None:
    by_answers = await record(call, cast, question, MEETING)
    assert by_answers.status_code == 201
    assert by_answers.json()["counts"] == {"speeding-and-road-safety": 14, "parking": 9, "noise": 0}
    again = await call.post(cast.lottie, f"/questions/{question['id']}/tallies", MEETING)
    assert again.status_code == 201
    assert (await count_of(database, Tally), await count_of(database, Answer)) == (2, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": {"parking": 32}},
        {"counts": {"parking": -1}},
        {"counts": {"parking": 1.5}},
        {"counts": {"aliens": 1}},
        {"counts": {"parking": 1, "Parking": 2}},
        {"counts": {}},
        {"heads": -1},
        {"heads": "31"},
        {"place": " "},
        {"held_on": "2126-01-01"},
        {"held_on": "2090-01-01"},
        {"held_on": "yesterday"},
        {"surprise": 1},
    ],
)
async def test_a_tally_that_cannot_be_is_refused(
    call: Caller, cast: Cast, question: dict[str, Any], database: Database, wrong: dict[str, Any]
) -> None:
    assert (await record(call, cast, question, MEETING | wrong)).status_code == 422
    assert await count_of(database, Tally) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"issues": []},
        {"issues": ["parking", "dogs", "noise", "drugs"]},
        {"issues": ["aliens"]},
        {"issues": "parking"},
        {"issues": [7]},
        {"source": "rumour"},
        {"age_band": "old"},
        {"answered_at": "2026-11-24T10:00"},
        {"answered_at": (now() + timedelta(days=2)).isoformat()},
        {"text": "a\x00b"},
        {"name": "Jo"},
    ],
)
async def test_an_answer_that_cannot_be_is_refused(
    call: Caller, cast: Cast, question: dict[str, Any], database: Database, wrong: dict[str, Any]
) -> None:
    assert (await record(call, cast, question, DOORSTEP | wrong)).status_code == 422
    assert await count_of(database, Answer) == 0


async def test_the_picture_shows_sources_side_by_side_and_adds_nothing_up(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    for _ in range(3):
        await record(call, cast, question, DOORSTEP)
    await record(call, cast, question, {"source": "paper", "issues": ["parking"]})
    meeting = (await record(call, cast, question, MEETING)).json()
    for resident in ("jo@a.example", "sam@a.example"):
        await town.says(resident, "Speeding")
    waiting = (await call.get(cast.bob, f"/questions/{question['id']}/answers", state="to_confirm")).json()["items"]
    await call.post(cast.bob, f"/answers/{waiting[0]['id']}/confirm")

    picture = (await call.get(cast.bob, f"/questions/{question['id']}/picture")).json()
    people = {each["source"]: each["people"] for each in picture["sources"]}
    assert people == {"online": 1, "web_form": 0, "doorstep": 3, "school": 0, "paper": 1, "partner": 0}
    assert picture["to_confirm"] == 1
    (shown,) = picture["meetings"]
    assert (shown["heads"], shown["place"], shown["id"]) == (31, "Northgate Hall", meeting["id"])
    rows = {each["issue"]: each for each in picture["issues"]}
    assert rows["speeding-and-road-safety"]["people"] == {"doorstep": 3, "online": 1}
    assert rows["speeding-and-road-safety"]["hands"] == {meeting["id"]: 14}
    assert rows["parking"]["people"] == {"paper": 1}
    assert rows["dogs"]["owner"] == "council"
    assert "noise" not in rows
    assert [each["issue"] for each in picture["issues"]] == ["speeding-and-road-safety", "parking", "dogs"]
    assert "%" not in str(picture)
    asked = (await call.get(cast.bob, f"/questions/{question['id']}")).json()
    assert (asked["people"], asked["to_confirm"]) == (5, 1)


async def test_an_empty_question_has_an_empty_picture(call: Caller, cast: Cast, question: dict[str, Any]) -> None:
    picture = (await call.get(cast.alice, f"/questions/{question['id']}/picture")).json()
    assert (picture["issues"], picture["meetings"], {each["people"] for each in picture["sources"]}) == ([], [], {0})


async def test_answers_page_newest_first(call: Caller, cast: Cast, question: dict[str, Any]) -> None:
    made = [(await record(call, cast, question, DOORSTEP)).json()["id"] for _ in range(5)]
    path, found, cursor = f"/questions/{question['id']}/answers", [], None
    while True:
        page = (await call.get(cast.bob, path, limit=2, **({"cursor": cursor} if cursor else {}))).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]


def test_every_issue_and_source_has_its_words() -> None:
    assert set(ISSUES) == set(Issue)
    assert len(SOURCES) == 7
    for issue in Issue:
        assert issue_of(issue.value) is issue_of(label(issue).upper()) is issue
