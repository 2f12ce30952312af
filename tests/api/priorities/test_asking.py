"""Asking a neighbourhood, and what comes back."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.core.clock import now
from api.core.database import Database
from api.models import Account, Answer, AnswerState, Message, Post, Question
from api.platforms.values import Visibility
from api.priorities import service
from api.priorities.voices import voice
from tests.api.posts.conftest import token
from tests.api.priorities.conftest import Town
from tests.support.calling import Caller
from tests.support.factories import Cast, count_of


async def listed(call: Caller, viewer: Any, question: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await call.get(viewer, f"/questions/{question['id']}/answers", **query)).json()[
        "items"
    ]
    return items


async def test_a_question_is_asked_and_drafted_from_one_screen(
    call: Caller, cast: Cast, question: dict[str, Any]
) -> None:
    assert (question["state"], question["people"], question["to_confirm"]) == ("open", 0, 0)
    post = (await call.get(cast.alice, f"/posts/{question['post_ids'][0]}")).json()
    assert (post["question_id"], post["text"], post["state"]) == (question["id"], question["text"], "draft")
    assert (await call.get(cast.bob, f"/questions/{question['id']}")).json() == question
    found = (await call.get(cast.bob, "/questions", neighbourhood_id=str(cast.neighbourhood.id))).json()
    assert found == {"items": [question], "next_cursor": None}


async def test_a_question_with_a_time_is_on_its_way(call: Caller, cast: Cast, account: Account) -> None:
    ask = {
        "neighbourhood_id": str(cast.neighbourhood.id), "text": "What now?", "account_ids": [str(account.id)],
        "publish_at": (now() + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    asked = (await call.post(cast.alice, "/questions", ask)).json()
    assert (await call.get(cast.alice, f"/posts/{asked['post_ids'][0]}")).json()["state"] == "scheduled"
    refused = await call.post(token(cast.alice, "priorities:write", "posts:write"), "/questions", ask)
    assert refused.status_code == 403
    nowhere = await call.post(cast.alice, "/questions", ask | {"account_ids": []})
    assert (nowhere.status_code, nowhere.json()["field"]) == (422, "account_ids")
    over = await call.post(cast.alice, "/questions", ask | {"closes_at": now().isoformat()})
    assert (over.status_code, over.json()["field"]) == (422, "closes_at")


async def test_a_question_without_accounts_is_for_doorsteps(call: Caller, cast: Cast) -> None:
    ask = {"neighbourhood_id": str(cast.neighbourhood.id), "text": "What should we work on?"}
    asked = await call.post(token(cast.alice, "priorities:write"), "/questions", ask)
    assert (asked.status_code, asked.json()["post_ids"]) == (201, [])
    assert (await call.post(cast.lottie, "/questions", ask)).status_code == 403


async def test_a_reply_becomes_an_answer_to_confirm(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    message_id = await town.says("jom@town.example", "Speeding on Mill Lane, and parking by the school")
    (answer,) = await listed(call, cast.bob, question)
    assert (answer["state"], answer["source"], answer["suggested"]) == ("to_confirm", "online", True)
    assert sorted(answer["issues"]) == ["parking", "speeding-and-road-safety"]
    assert (answer["text"], answer["who"]) == ("Speeding on Mill Lane, and parking by the school", "jom")
    assert answer["message_id"] == str(message_id)
    assert (await call.get(cast.bob, f"/questions/{question['id']}")).json()["to_confirm"] == 1


async def test_seeing_a_message_again_changes_nothing(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town, database: Database
) -> None:
    message_id = await town.says("jom@town.example", "Speeding on Mill Lane")
    (before,) = await listed(call, cast.bob, question)
    await call.post(cast.bob, f"/answers/{before['id']}/confirm", {"issues": ["parking"]})
    (confirmed,) = await listed(call, cast.bob, question)
    async with database.write() as session:
        message = await session.get_one(Message, message_id)
        assert await service.take_replies(session, [message, message]) == []
    assert await listed(call, cast.bob, question) == [confirmed]


async def test_two_jobs_reading_one_message_make_one_answer(town: Town, database: Database) -> None:
    async with database.write() as session:
        message = await town.writes(session, "jom@town.example", "Speeding")

    async def read() -> None:
        async with database.write() as session:
            await service.take_replies(session, [await session.get_one(Message, message.id)])

    await asyncio.gather(read(), read())
    assert await count_of(database, Answer) == 1


async def test_what_is_not_an_answer_is_not_taken(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("sandford@town.example", "We hear you about the parking", from_us=True)
    await town.says("jom@town.example", "Speeding again", about_the_question=False)
    await town.says("jom@town.example", "cheers, see you then", under="701")
    assert await listed(call, cast.bob, question) == []
    await town.says("jom@town.example", "cheers, see you then")
    await town.says("jom@town.example", "oh and dogs off the lead", under="701")
    assert sorted(each["issues"] for each in await listed(call, cast.bob, question)) == [[], ["dogs"]]


async def test_a_closed_round_takes_no_more(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town, database: Database
) -> None:
    await town.says("jom@town.example", "Speeding")
    closed = (await call.post(cast.bob, f"/questions/{question['id']}/close")).json()
    assert closed["state"] == "closed"
    assert (await call.post(cast.bob, f"/questions/{question['id']}/close")).json() == closed
    await town.says("sam@town.example", "Parking")
    (answer,) = await listed(call, cast.bob, question)
    assert (await call.post(cast.bob, f"/answers/{answer['id']}/confirm")).status_code == 200
    doorstep = {"source": "doorstep", "issues": ["parking"]}
    assert (await call.post(cast.bob, f"/questions/{question['id']}/answers", doorstep)).status_code == 409
    async with database.read() as session:
        assert (await session.execute(select(Question))).scalar_one().voice_key == ""


async def test_an_answer_after_the_closing_time_is_too_late(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town, database: Database
) -> None:
    async with database.write() as session:
        await session.execute(update(Question).values(closes_at=now() - timedelta(minutes=1)))
    await town.says("jom@town.example", "Speeding")
    assert await listed(call, cast.bob, question) == []


async def test_confirming_keeps_what_the_person_says_not_what_was_suggested(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("jom@town.example", "Speeding on Mill Lane")
    (answer,) = await listed(call, cast.bob, question)
    path = f"/answers/{answer['id']}/confirm"
    as_suggested = (await call.post(cast.lottie, path)).json()
    assert (as_suggested["state"], as_suggested["issues"], as_suggested["suggested"]) == (
        "confirmed", ["speeding-and-road-safety"], False,
    )  # fmt: skip
    corrected = (await call.post(cast.bob, path, {"issues": ["Parking", "parking", "noise"]})).json()
    assert sorted(corrected["issues"]) == ["noise", "parking"]
    assert (await call.post(cast.bob, path, {"issues": []})).status_code == 422
    assert (await call.post(cast.bob, path, {"issues": ["parking", "noise", "dogs", "drugs"]})).status_code == 422
    assert (await call.post(cast.bob, path, {"issues": ["aliens"]})).status_code == 422


async def test_an_answer_without_issues_is_set_aside_not_confirmed(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("jom@town.example", "You lot are wonderful")
    (answer,) = await listed(call, cast.bob, question)
    assert (await call.post(cast.bob, f"/answers/{answer['id']}/confirm")).status_code == 422
    aside = (await call.post(cast.bob, f"/answers/{answer['id']}/set-aside")).json()
    assert aside["state"] == "set_aside"
    assert (await call.post(cast.bob, f"/answers/{answer['id']}/set-aside")).json() == aside
    picture = (await call.get(cast.bob, f"/questions/{question['id']}/picture")).json()
    assert (picture["issues"], picture["to_confirm"], picture["set_aside"]) == ([], 0, 1)


async def test_one_person_counts_for_three_issues_however_often_they_write(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("jom@town.example", "Speeding and parking")
    await town.says("JoM@town.example", "Speeding, I say, and noise at night")
    await town.says("jom@town.example", "dogs too")
    by_text = {answer["text"]: answer["id"] for answer in await listed(call, cast.bob, question)}
    for text in ("Speeding and parking", "Speeding, I say, and noise at night"):
        assert (await call.post(cast.bob, f"/answers/{by_text[text]}/confirm")).status_code == 200
    refused = await call.post(cast.bob, f"/answers/{by_text['dogs too']}/confirm")
    assert refused.status_code == 409
    assert "Parking" in refused.json()["detail"]
    picture = (await call.get(cast.bob, f"/questions/{question['id']}/picture")).json()
    assert {each["issue"]: each["people"] for each in picture["issues"]} == {
        "speeding-and-road-safety": {"online": 1}, "parking": {"online": 1}, "noise": {"online": 1},
    }  # fmt: skip
    (online,) = [each for each in picture["sources"] if each["source"] == "online"]
    assert (online["people"], online["to_confirm"]) == (1, 1)


def test_a_voice_is_the_same_person_in_one_round_only() -> None:
    one, other = (Question(id=UUID(int=n), voice_key="k", text="", opens_at=now()) for n in (1, 2))
    assert voice(one, "@Jo@town.example") == voice(one, "jo@TOWN.example")
    assert voice(one, "jo@town.example") != voice(one, "jo@other.example")
    assert voice(one, "jo@town.example") != voice(other, "jo@town.example")
    rekeyed = Question(id=one.id, voice_key="another", text="", opens_at=now())
    assert voice(one, "jo@town.example") != voice(rekeyed, "jo@town.example")


async def test_private_words_are_read_by_those_only_who_read_private_messages(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("jom@town.example", "Drugs at number nine, please keep me out of it", visibility=Visibility.DIRECT)
    (seen,) = await listed(call, cast.alice, question)
    assert (seen["private"], seen["who"]) == (True, "jom")
    assert seen["text"].startswith("Drugs at number nine")
    for lesser in (cast.lottie, cast.sam, token(cast.alice, "priorities:read")):
        (hidden,) = await listed(call, lesser, question)
        assert (hidden["private"], hidden["text"], hidden["who"], hidden["conversation_id"]) == (True, "", "", None)


async def test_who_sees_no_conversations_is_led_to_none(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("jom@town.example", "Speeding on Mill Lane")
    for reader, led in ((cast.alice, True), (cast.lottie, True), (cast.sam, False)):
        (seen,) = await listed(call, reader, question)
        assert seen["text"] == "Speeding on Mill Lane"
        assert (seen["conversation_id"] is not None) is led


async def test_words_taken_back_are_not_shown(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town, database: Database
) -> None:
    await town.says("jom@town.example", "Speeding")
    async with database.write() as session:
        await session.execute(update(Message).values(deleted_at=now()))
    (answer,) = await listed(call, cast.alice, question)
    assert (answer["text"], answer["who"]) == ("", "")


async def test_charlie_finds_no_question_and_no_answer(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town
) -> None:
    await town.says("jom@town.example", "Speeding")
    (answer,) = await listed(call, cast.alice, question)
    path = f"/questions/{question['id']}"
    doorstep = {"source": "doorstep", "issues": ["parking"]}
    for stranger in cast.strangers():
        assert (await call.get(stranger, path)).status_code == 404
        assert (await call.get(stranger, f"{path}/answers")).status_code == 404
        assert (await call.get(stranger, f"{path}/picture")).status_code == 404
        assert (await call.post(stranger, f"{path}/answers", doorstep)).status_code == 404
        assert (await call.post(stranger, f"{path}/close")).status_code == 404
        assert (await call.post(stranger, f"/answers/{answer['id']}/confirm")).status_code == 404
        assert (await call.post(stranger, f"/answers/{answer['id']}/set-aside")).status_code == 404
        ask = {"neighbourhood_id": str(cast.neighbourhood.id), "text": "Ours?"}
        assert (await call.post(stranger, "/questions", ask)).status_code == 404
        assert (await call.get(stranger, "/questions")).json()["items"] == []
    for lesser in (cast.dev, cast.moira, cast.sam, token(cast.alice, "priorities:read")):
        assert (await call.post(lesser, f"{path}/answers", doorstep)).status_code == 403
        assert (await call.post(lesser, f"/answers/{answer['id']}/confirm")).status_code == 403
        assert (await call.post(lesser, f"{path}/close")).status_code == 403


async def test_a_refused_publish_leaves_no_question_behind(
    call: Caller, cast: Cast, account: Account, database: Database
) -> None:
    ask = {
        "neighbourhood_id": str(cast.neighbourhood.id), "text": "x" * 900, "account_ids": [str(account.id)],
        "publish_at": now().isoformat(),
    }  # fmt: skip
    assert (await call.post(cast.alice, "/questions", ask)).status_code == 422
    assert await count_of(database, Question) == await count_of(database, Post) == 0


@pytest.mark.parametrize("state", list(AnswerState))
async def test_answers_are_listed_by_state(
    call: Caller, cast: Cast, question: dict[str, Any], town: Town, database: Database, state: AnswerState
) -> None:
    await town.says("jom@town.example", "Speeding")
    async with database.write() as session:
        await session.execute(update(Answer).values(state=state))
    for each in AnswerState:
        assert len(await listed(call, cast.alice, question, state=each.value)) == (each is state)
