"""When a post goes out, as a thing of its own."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.core.database import Database
from api.models import DeliveryState
from tests.api.posts.conftest import Accounts, token
from tests.api.posts.test_changing import deliveries, worker_makes
from tests.api.posts.test_writing import body, soon
from tests.support.calling import Caller
from tests.support.factories import Cast


@pytest.fixture
async def draft(call: Caller, cast: Cast, accounts: Accounts) -> dict[str, Any]:
    shape: dict[str, Any] = (await call.post(cast.lottie, "/posts", body(cast, accounts.north))).json()
    return shape


@pytest.fixture
async def made(call: Caller, cast: Cast, draft: dict[str, Any]) -> dict[str, Any]:
    answer = await call.post(cast.alice, "/schedules", {"post_id": draft["id"], "publish_at": soon(hours=2)})
    assert answer.status_code == 201
    shape: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == shape["etag"]
    return shape


async def test_a_schedule_sends_a_draft_at_its_time(
    call: Caller, cast: Cast, accounts: Accounts, draft: dict[str, Any], made: dict[str, Any]
) -> None:
    assert (made["kind"], made["state"], made["post_id"]) == ("once", "active", draft["id"])
    assert made["account_ids"] == [str(accounts.north.id)]
    post = (await call.get(cast.alice, f"/posts/{draft['id']}")).json()
    assert (post["state"], post["schedule_id"], post["publish_at"]) == ("scheduled", made["id"], made["publish_at"])
    assert post["deliveries"][0]["due_at"] == made["publish_at"]


async def test_a_time_on_the_post_is_the_short_way_to_the_same(call: Caller, cast: Cast, accounts: Accounts) -> None:
    post = (await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon()))).json()
    schedule = (await call.get(cast.alice, f"/schedules/{post['schedule_id']}")).json()
    assert (schedule["post_id"], schedule["publish_at"]) == (post["id"], post["publish_at"])


async def test_a_post_has_one_schedule_at_a_time(call: Caller, cast: Cast, made: dict[str, Any]) -> None:
    second = await call.post(cast.bob, "/schedules", {"post_id": made["post_id"], "publish_at": soon()})
    assert second.status_code == 409


async def test_moving_needs_the_version_and_moves_every_delivery(
    call: Caller, cast: Cast, made: dict[str, Any], database: Database
) -> None:
    path, later = f"/schedules/{made['id']}", soon(hours=7)
    assert (await call.patch(cast.bob, path, {"publish_at": later})).status_code == 428
    moved = await call.patch(cast.bob, path, {"publish_at": later}, made["etag"])
    assert moved.status_code == 200
    assert datetime.fromisoformat(moved.json()["publish_at"]) == datetime.fromisoformat(later)
    assert (await call.patch(cast.bob, path, {"publish_at": later}, made["etag"])).status_code == 412
    (delivery,) = (await deliveries(database)).values()
    assert delivery.due_at == datetime.fromisoformat(later)
    assert delivery.useful_until > delivery.due_at
    past = await call.patch(cast.bob, path, {"publish_at": soon(hours=-1)}, moved.json()["etag"])
    assert past.status_code == 422


async def test_what_has_left_is_neither_moved_nor_stopped(
    call: Caller, cast: Cast, made: dict[str, Any], database: Database
) -> None:
    await worker_makes(database, DeliveryState.SENDING)
    path = f"/schedules/{made['id']}"
    assert (await call.patch(cast.bob, path, {"publish_at": soon()}, made["etag"])).status_code == 409
    assert (await call.post(cast.bob, f"{path}/cancel")).status_code == 409
    await worker_makes(database, DeliveryState.SENT)
    assert (await call.get(cast.bob, path)).json()["state"] == "done"
    assert (await call.post(cast.bob, f"{path}/cancel")).status_code == 409


async def test_stopping_a_schedule_stops_its_post(call: Caller, cast: Cast, made: dict[str, Any]) -> None:
    path = f"/schedules/{made['id']}/cancel"
    stopped = (await call.post(cast.bob, path)).json()
    assert (stopped["state"], stopped["post_state"]) == ("cancelled", "cancelled")
    assert (await call.post(cast.bob, path)).json() == stopped
    again = await call.post(cast.bob, "/schedules", {"post_id": made["post_id"], "publish_at": soon()})
    assert again.status_code == 201


async def test_the_list_is_by_team_and_time_earliest_first(call: Caller, cast: Cast, accounts: Accounts) -> None:
    at = [soon(hours=hours) for hours in (3, 1, 2, 4)]
    for each in at:
        await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=each))

    async def times(**query: str) -> list[datetime]:
        items = (await call.get(cast.bob, "/schedules", **query)).json()["items"]
        return [datetime.fromisoformat(item["publish_at"]) for item in items]

    in_order = sorted(datetime.fromisoformat(each) for each in at)
    assert await times() == in_order
    assert await times(**{"from": at[2], "to": at[3]}) == in_order[1:3]
    assert await times(team_id=str(cast.other_team.id)) == []
    first = (await call.get(cast.bob, "/schedules", limit=3)).json()
    rest = (await call.get(cast.bob, "/schedules", limit=3, cursor=first["next_cursor"])).json()
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [3, 1, None]
    assert (await call.get(cast.bob, "/schedules", **{"from": "2026-12-01T10:00"})).status_code == 422


async def test_charlie_finds_no_schedule_and_lesser_roles_change_none(
    call: Caller, cast: Cast, draft: dict[str, Any], made: dict[str, Any]
) -> None:
    path, when = f"/schedules/{made['id']}", {"publish_at": soon()}
    for stranger in cast.strangers():
        assert (await call.get(stranger, path)).status_code == 404
        assert (await call.patch(stranger, path, when, made["etag"])).status_code == 404
        assert (await call.post(stranger, f"{path}/cancel")).status_code == 404
        assert (await call.post(stranger, "/schedules", when | {"post_id": draft["id"]})).status_code == 404
        assert (await call.get(stranger, "/schedules")).json()["items"] == []
    for lesser in (cast.lottie, cast.dev, token(cast.alice, "posts:write")):
        assert (await call.patch(lesser, path, when, made["etag"])).status_code == 403
        assert (await call.post(lesser, f"{path}/cancel")).status_code == 403
        assert (await call.post(lesser, "/schedules", when | {"post_id": draft["id"]})).status_code == 403
    assert (await call.get(cast.alice, f"/schedules/{uuid4()}")).status_code == 404
    assert UUID(made["id"])
