"""At most three priorities, each with its reason, and what was done about them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from api.core.clock import clock, now
from api.core.database import Database
from api.core.errors import Conflict
from api.models import Account, Issue, Priority, PriorityState
from api.priorities import service
from api.priorities.deciding import you_said
from api.priorities.schemas import PriorityIn
from tests.api.posts.conftest import token
from tests.support.calling import Caller
from tests.support.factories import Cast, count_of

TITLES = {"parking": "School parking", "drugs": "", "speeding-and-road-safety": "Speeding, Mill Lane", "dogs": ""}


def wanted(cast: Cast, issue: str, **more: Any) -> dict[str, Any]:
    return {
        "neighbourhood_id": str(cast.neighbourhood.id), "issue": issue, "title": TITLES.get(issue, ""),
        "reason": "Named most at every door.", **more,
    }  # fmt: skip


async def adopt(call: Caller, cast: Cast, issue: str, **more: Any) -> Any:
    return await call.post(cast.alice, "/priorities", wanted(cast, issue, **more))


async def test_a_fourth_is_refused_with_the_names_of_the_three(call: Caller, cast: Cast, database: Database) -> None:
    slots = []
    for issue in ("parking", "Drugs", "speeding-and-road-safety"):
        answer = await adopt(call, cast, issue)
        assert answer.status_code == 201, answer.text
        slots.append(answer.json()["slot"])
    assert slots == [1, 2, 3]
    fourth = await adopt(call, cast, "dogs")
    assert fourth.status_code == 409
    for name in ("School parking", "Drugs", "Speeding, Mill Lane"):
        assert name in fourth.json()["detail"]
    assert await count_of(database, Priority) == 3


async def test_ending_one_makes_room_and_keeps_what_came_of_it(call: Caller, cast: Cast) -> None:
    made = [(await adopt(call, cast, issue)).json() for issue in ("parking", "drugs", "speeding-and-road-safety")]
    ended = (
        await call.post(cast.bob, f"/priorities/{made[1]['id']}/end", {"text": "Two arrests, quiet since."})
    ).json()
    assert (ended["state"], ended["freshness"]) == ("ended", "ended")
    assert [each["text"] for each in ended["updates"]] == ["Two arrests, quiet since."]
    assert (await adopt(call, cast, "dogs")).json()["slot"] == 2
    assert (await call.post(cast.bob, f"/priorities/{made[1]['id']}/end")).status_code == 409
    assert (await call.post(cast.bob, f"/priorities/{made[1]['id']}/updates", {"text": "More"})).status_code == 409


async def test_two_people_adopting_the_third_at_once_leave_three(call: Caller, cast: Cast, database: Database) -> None:
    for issue in ("parking", "drugs"):
        await adopt(call, cast, issue)

    async def one_more(issue: Issue) -> Any:
        async with database.write() as session:
            data = PriorityIn(
                neighbourhood_id=cast.neighbourhood.id, issue=issue, title="", reason="Harm", question_id=None
            )
            priority = await service.adopt(session, cast.bob, data)
            await asyncio.sleep(0.05)
            return priority

    outcomes = await asyncio.gather(*map(one_more, (Issue.DOGS, Issue.NOISE, Issue.FRAUD)), return_exceptions=True)
    assert sum(isinstance(each, Priority) for each in outcomes) == 1
    assert sum(isinstance(each, Conflict) for each in outcomes) == 2, outcomes
    assert await count_of(database, Priority) == 3


@pytest.mark.parametrize("slot", [0, 1, 4])
async def test_the_database_itself_knows_no_fourth_place(
    call: Caller, cast: Cast, database: Database, slot: int
) -> None:
    await adopt(call, cast, "parking")
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add(
                Priority(
                    force_id=cast.force.id, team_id=cast.team.id, neighbourhood_id=cast.neighbourhood.id, slot=slot,
                    issue=Issue.DOGS, reason="x", adopted_by_id=cast.alice.person_id, adopted_at=now(),
                )
            )  # fmt: skip


async def test_the_same_priority_is_adopted_once(call: Caller, cast: Cast) -> None:
    await adopt(call, cast, "parking")
    assert (await adopt(call, cast, "parking")).status_code == 409
    assert (await adopt(call, cast, "parking", title="Parking, Quay Street")).status_code == 201


async def test_a_priority_needs_a_reason_and_an_issue_of_the_list(call: Caller, cast: Cast) -> None:
    assert (await adopt(call, cast, "parking", reason="")).status_code == 422
    assert (await adopt(call, cast, "parking", reason="   ")).status_code == 422
    assert (await adopt(call, cast, "aliens")).status_code == 422


async def test_a_priority_names_a_question_of_its_own_neighbourhood(
    call: Caller, cast: Cast, question: dict[str, Any], database: Database
) -> None:
    assert (await adopt(call, cast, "parking", question_id=question["id"])).json()["question_id"] == question["id"]
    assert (await adopt(call, cast, "dogs", question_id=str(cast.team.id))).status_code == 404


async def test_the_clock_since_the_last_update_turns_amber_and_red(call: Caller, cast: Cast) -> None:
    made = (await adopt(call, cast, "parking")).json()
    path = f"/priorities/{made['id']}"

    async def freshness() -> tuple[str, int]:
        shape = (await call.get(cast.bob, path)).json()
        return shape["freshness"], shape["days"]

    assert await freshness() == ("fresh", 0)
    clock.pass_time(days=61)
    assert await freshness() == ("amber", 61)
    clock.pass_time(days=30)
    assert await freshness() == ("red", 91)
    written = await call.post(cast.bob, f"{path}/updates", {"text": "Met the school."})
    assert (written.status_code, written.json()["text"]) == (201, "Met the school.")
    assert await freshness() == ("fresh", 0)
    assert (await call.post(cast.bob, f"{path}/updates", {"text": "  "})).status_code == 422


async def test_one_press_drafts_you_said_we_did_from_the_record(call: Caller, cast: Cast, account: Account) -> None:
    made = (await adopt(call, cast, "speeding-and-road-safety")).json()
    path = f"/priorities/{made['id']}"
    assert (await call.post(cast.alice, f"{path}/draft")).status_code == 409
    await call.post(cast.alice, f"{path}/updates", {"text": "Stood at the school gates on three mornings"})
    await call.post(cast.alice, f"{path}/updates", {"text": "Asked the council for a traffic count."})
    draft = await call.post(cast.alice, f"{path}/draft")
    assert draft.status_code == 201
    post = draft.json()
    assert (post["state"], post["priority_id"], post["account_ids"]) == ("draft", made["id"], [str(account.id)])
    assert post["text"] == (
        "You said: Speeding, Mill Lane. We did: Stood at the school gates on three mornings. "
        "Asked the council for a traffic count. Has it helped? Tell us here."
    )
    assert (await call.get(cast.bob, f"/posts/{post['id']}")).json() == post
    assert (await call.post(token(cast.alice, "priorities:write"), f"{path}/draft")).status_code == 403


def test_the_draft_keeps_the_latest_that_fits() -> None:
    done = ["Early. " * 60, "Middle. " * 30, "Latest thing we did"]
    text = you_said("Dogs", done)
    assert "Latest thing we did." in text
    assert "Middle." in text
    assert "Early." not in text
    assert "x" * 900 in you_said("Dogs", ["x" * 900])


async def test_charlie_and_lesser_roles_decide_nothing(call: Caller, cast: Cast, database: Database) -> None:
    made = (await adopt(call, cast, "parking")).json()
    path = f"/priorities/{made['id']}"
    for stranger in cast.strangers():
        assert (await call.get(stranger, path)).status_code == 404
        assert (await call.post(stranger, "/priorities", wanted(cast, "dogs"))).status_code == 404
        for way, body in (("updates", {"text": "Ha"}), ("end", None), ("draft", None)):
            assert (await call.post(stranger, f"{path}/{way}", body)).status_code == 404
        assert (await call.get(stranger, "/priorities")).json()["items"] == []
    for lesser in (cast.lottie, cast.dev, cast.sam, token(cast.alice, "priorities:read")):
        assert (await call.get(lesser, path)).status_code == 200
        assert (await call.post(lesser, "/priorities", wanted(cast, "dogs"))).status_code == 403
        assert (await call.post(lesser, f"{path}/updates", {"text": "Ha"})).status_code == 403
        assert (await call.post(lesser, f"{path}/end")).status_code == 403
    async with database.read() as session:
        assert (await session.execute(select(Priority))).scalar_one().state is PriorityState.CURRENT


async def test_the_list_is_by_state_and_the_last_adopted_first(call: Caller, cast: Cast) -> None:
    made = []
    for issue in ("parking", "drugs"):
        made.append((await adopt(call, cast, issue)).json()["id"])
        clock.pass_time(minutes=1)
    await call.post(cast.alice, f"/priorities/{made[0]}/end")
    current = (await call.get(cast.bob, "/priorities", state="current")).json()["items"]
    assert [each["id"] for each in current] == [made[1]]
    everything = (await call.get(cast.bob, "/priorities", neighbourhood_id=str(cast.neighbourhood.id))).json()["items"]
    assert [each["id"] for each in everything] == made[::-1]
    assert (await call.get(cast.bob, "/priorities", team_id=str(cast.other_team.id))).json()["items"] == []
