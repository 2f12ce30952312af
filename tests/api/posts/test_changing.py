"""Changing and stopping a post: all of it while it waits, and the truth once it has left."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from api.core.clock import now
from api.core.database import Database
from api.core.errors import Stale
from api.core.runtime import Runtime
from api.models import Account, AuditEntry, Delivery, DeliveryState, Post, PostState, Schedule, ScheduleState
from api.posts import changing, queries, service
from api.posts.schemas import PostPatch
from tests.api.posts.conftest import Accounts, token
from tests.api.posts.test_writing import body, soon
from tests.support.calling import Caller
from tests.support.factories import Cast


async def worker_makes(database: Database, state: DeliveryState, account: Account | None = None, **values: Any) -> None:
    """What a worker would have written down about the deliveries, and the posts settled with it."""
    async with database.write() as session:
        statement = update(Delivery).values(state=state, **values)
        if account is not None:
            statement = statement.where(col(Delivery.account_id) == account.id)
        await session.execute(statement)
        posts = (await session.execute(select(col(Delivery.post_id)))).scalars().all()
        await service.settle(session, [post for post in posts if post])


async def deliveries(database: Database) -> dict[UUID, Delivery]:
    async with database.read() as session:
        rows = await session.execute(select(Delivery).order_by(col(Delivery.created_at), col(Delivery.id)))
        return {each.account_id: each for each in rows.scalars()}


@pytest.fixture
async def made(call: Caller, cast: Cast, accounts: Accounts) -> dict[str, Any]:
    """Scheduled for two accounts."""
    answer = await call.post(
        cast.alice, "/posts", body(cast, accounts.north, accounts.quays, text="Drop-in on Tuesday", publish_at=soon())
    )
    shape: dict[str, Any] = answer.json()
    return shape


async def test_a_change_needs_the_version_and_an_old_one_is_refused(
    call: Caller, cast: Cast, made: dict[str, Any]
) -> None:
    path = f"/posts/{made['id']}"
    assert (await call.patch(cast.bob, path, {"text": "New"})).status_code == 428
    changed = await call.patch(cast.bob, path, {"text": "New"}, made["etag"])
    assert changed.status_code == 200
    assert changed.headers["etag"] == changed.json()["etag"] != made["etag"]
    assert (await call.patch(cast.alice, path, {"text": "Mine"}, made["etag"])).status_code == 412
    assert (await call.patch(cast.alice, path, {"text": "Mine"}, '"nonsense"')).status_code == 412
    assert (await call.get(cast.alice, path)).json()["text"] == "New"


async def test_two_changes_at_once_leave_one_of_them(
    runtime: Runtime, cast: Cast, made: dict[str, Any], database: Database
) -> None:
    async def change(text: str) -> Any:
        async with runtime.unit_of_work() as session:
            return await changing.update(session, cast.alice, UUID(made["id"]), PostPatch(text=text), 2)

    assert made["etag"] == '"2"'
    outcomes = await asyncio.gather(change("One"), change("Two"), return_exceptions=True)
    lost = [each for each in outcomes if isinstance(each, BaseException)]
    assert len(lost) == 1
    assert isinstance(lost[0], Stale) or "on its way" in str(lost[0])
    kept = next(each.text for each in outcomes if isinstance(each, Post))
    assert {each.text for each in (await deliveries(database)).values()} == {kept}


async def test_text_time_and_accounts_change_while_it_waits(
    call: Caller, cast: Cast, accounts: Accounts, made: dict[str, Any], database: Database
) -> None:
    later, end = soon(hours=5), soon(hours=6)
    changes = {
        "text": "Drop-in on Wednesday", "publish_at": later, "useful_until": end, "account_ids": [str(accounts.north.id)],
        "variants": [{"account_id": str(accounts.north.id), "text": "Wednesday, Northgate"}],
    }  # fmt: skip
    changed = (await call.patch(cast.bob, f"/posts/{made['id']}", changes, made["etag"])).json()
    assert (changed["state"], changed["text"], changed["confirmed_by_id"]) == (
        "scheduled", "Drop-in on Wednesday", str(cast.bob.person_id),
    )  # fmt: skip
    assert datetime.fromisoformat(changed["publish_at"]) == datetime.fromisoformat(later)
    assert [each["account_id"] for each in changed["deliveries"]] == [str(accounts.north.id)]
    rows = await deliveries(database)
    assert rows[accounts.quays.id].state is DeliveryState.CANCELLED
    north = rows[accounts.north.id]
    assert (north.state, north.text) == (DeliveryState.QUEUED, "Wednesday, Northgate")
    assert north.due_at == north.not_before == datetime.fromisoformat(later)
    assert north.useful_until == datetime.fromisoformat(end)


async def test_an_account_taken_off_can_be_put_back(
    call: Caller, cast: Cast, accounts: Accounts, made: dict[str, Any]
) -> None:
    path = f"/posts/{made['id']}"
    off = (await call.patch(cast.bob, path, {"account_ids": [str(accounts.north.id)]}, made["etag"])).json()
    both = {"account_ids": [str(accounts.quays.id), str(accounts.north.id)]}
    back = (await call.patch(cast.bob, path, both, off["etag"])).json()
    assert back["state"] == "scheduled"
    assert sorted((each["account_id"], each["state"]) for each in back["deliveries"]) == sorted(
        (str(account.id), "queued") for account in (accounts.north, accounts.quays)
    )


async def test_a_change_that_could_not_go_out_changes_nothing(
    call: Caller, cast: Cast, accounts: Accounts, made: dict[str, Any]
) -> None:
    path = f"/posts/{made['id']}"
    for changes in (
        {"text": "x" * 51},
        {"text": "  "},
        {"text": "At {place}"},
        {"account_ids": []},
        {"publish_at": soon(hours=-1)},
        {"useful_until": soon(minutes=30)},
        {"variants": [{"account_id": str(accounts.other_team.id), "text": "Hello"}]},
    ):
        assert (await call.patch(cast.alice, path, changes, made["etag"])).status_code == 422, changes
    assert (await call.get(cast.alice, path)).json() == made


async def test_who_only_drafts_cannot_change_what_is_scheduled(call: Caller, cast: Cast, made: dict[str, Any]) -> None:
    for viewer in (cast.lottie, token(cast.alice, "posts:write")):
        refused = await call.patch(viewer, f"/posts/{made['id']}", {"text": "Ha"}, made["etag"])
        assert refused.status_code == 403
        assert (await call.post(viewer, f"/posts/{made['id']}/cancel")).status_code == 403


async def test_a_draft_changes_freely_and_a_time_publishes_it(call: Caller, cast: Cast, accounts: Accounts) -> None:
    draft = (await call.post(cast.lottie, "/posts", {"team_id": str(cast.team.id), "text": "x" * 900})).json()
    path = f"/posts/{draft['id']}"
    changes = {"text": "Short", "account_ids": [str(accounts.north.id)]}
    shorter = (await call.patch(cast.lottie, path, changes, draft["etag"])).json()
    assert (shorter["state"], shorter["text"]) == ("draft", "Short")
    assert (await call.patch(cast.lottie, path, {"publish_at": soon()}, shorter["etag"])).status_code == 403
    published = (await call.patch(cast.alice, path, {"publish_at": soon()}, shorter["etag"])).json()
    assert (published["state"], len(published["deliveries"])) == ("scheduled", 1)


@pytest.mark.parametrize(
    "state", [DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN]
)
async def test_once_one_has_left_nothing_is_changed_and_it_is_named(
    call: Caller, cast: Cast, accounts: Accounts, made: dict[str, Any], database: Database, state: DeliveryState
) -> None:
    await worker_makes(database, state, accounts.north)
    for changes in ({"text": "Other words"}, {"publish_at": soon(hours=2)}, {"account_ids": [str(accounts.quays.id)]}):
        refused = await call.patch(cast.alice, f"/posts/{made['id']}", changes, made["etag"])
        assert refused.status_code == 409
        assert "north@town.example" in refused.json()["detail"]
        assert refused.json()["gone"] == [str(accounts.north.id)]
    assert {each.text for each in (await deliveries(database)).values()} == {"Drop-in on Tuesday"}


async def test_cancel_stops_everything_that_waits(
    call: Caller, cast: Cast, made: dict[str, Any], database: Database
) -> None:
    done = await call.post(cast.bob, f"/posts/{made['id']}/cancel")
    assert (done.status_code, done.json()["state"], done.json()["gone"]) == (200, "cancelled", [])
    assert done.json()["words"] == "Stopped for north@town.example, quays@town.example."
    assert {each["state"] for each in done.json()["deliveries"]} == {"cancelled"}
    again = await call.post(cast.bob, f"/posts/{made['id']}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")
    async with database.read() as session:
        assert (await session.execute(select(Schedule))).scalar_one().state is ScheduleState.CANCELLED
        actions = (await session.execute(select(col(AuditEntry.action)))).scalars().all()
    assert actions.count("posts.cancel") == 1


async def test_cancel_says_plainly_what_was_too_late(
    call: Caller, cast: Cast, accounts: Accounts, made: dict[str, Any], database: Database
) -> None:
    await worker_makes(database, DeliveryState.SENDING, accounts.north)
    done = (await call.post(cast.bob, f"/posts/{made['id']}/cancel")).json()
    assert (done["stopped"], done["gone"]) == ([str(accounts.quays.id)], [str(accounts.north.id)])
    assert done["words"] == "Stopped for quays@town.example. Too late for north@town.example: it has left for there."
    assert done["state"] == "sending"
    await worker_makes(database, DeliveryState.SENT, accounts.north, sent_at=now())
    assert (await call.get(cast.bob, f"/posts/{made['id']}")).json()["state"] == "partly_sent"
    late = await call.post(cast.bob, f"/posts/{made['id']}/cancel")
    assert late.status_code == 409
    assert "Too late: it has left for north@town.example" in late.json()["detail"]


async def test_a_cancelled_post_can_be_scheduled_again(
    call: Caller, cast: Cast, made: dict[str, Any], database: Database
) -> None:
    path = f"/posts/{made['id']}"
    await call.post(cast.bob, f"{path}/cancel")
    again = (await call.post(cast.bob, f"{path}/publish", {"publish_at": soon(hours=2)})).json()
    assert (again["state"], len(again["deliveries"])) == ("scheduled", 2)
    await worker_makes_open(database, DeliveryState.SENT)
    assert (await call.get(cast.bob, path)).json()["state"] == "sent"


async def worker_makes_open(database: Database, state: DeliveryState) -> None:
    async with database.write() as session:
        await session.execute(update(Delivery).where(col(Delivery.state) == DeliveryState.QUEUED).values(state=state))
        posts = (await session.execute(select(col(Delivery.post_id)))).scalars().all()
        await service.settle(session, [post for post in posts if post])


async def test_a_draft_is_put_aside(call: Caller, cast: Cast, accounts: Accounts) -> None:
    draft = (await call.post(cast.lottie, "/posts", body(cast, accounts.north))).json()
    done = (await call.post(cast.lottie, f"/posts/{draft['id']}/cancel")).json()
    assert (done["state"], done["deliveries"], done["stopped"]) == ("cancelled", [], [])


S = DeliveryState
STATES: list[tuple[Sequence[DeliveryState], PostState]] = [
    ([S.QUEUED, S.QUEUED], PostState.SCHEDULED),
    ([S.HELD, S.QUEUED], PostState.SCHEDULED),
    ([S.CLAIMED, S.QUEUED], PostState.SENDING),
    ([S.SENDING, S.SENT], PostState.SENDING),
    ([S.UNKNOWN, S.SENT], PostState.SENDING),
    ([S.QUEUED, S.SENT], PostState.SENDING),
    ([S.QUEUED, S.REFUSED], PostState.SENDING),
    ([S.SENT, S.SENT], PostState.SENT),
    ([S.SENT, S.REFUSED], PostState.PARTLY_SENT),
    ([S.SENT, S.MISSED], PostState.PARTLY_SENT),
    ([S.SENT, S.NEEDS_PERSON], PostState.PARTLY_SENT),
    ([S.SENT, S.CANCELLED], PostState.PARTLY_SENT),
    ([S.REFUSED, S.MISSED], PostState.FAILED),
    ([S.MISSED, S.CANCELLED], PostState.FAILED),
    ([S.NEEDS_PERSON, S.REFUSED], PostState.FAILED),
    ([S.CANCELLED, S.CANCELLED], PostState.CANCELLED),
]


@pytest.mark.parametrize(
    ("states", "expected"), STATES, ids=lambda each: "+".join(each) if isinstance(each, list) else ""
)
async def test_a_posts_state_follows_from_its_deliveries(
    call: Caller, cast: Cast, accounts: Accounts, made: dict[str, Any], database: Database,
    states: Sequence[DeliveryState], expected: PostState,
) -> None:  # fmt: skip
    await worker_makes(database, states[0], accounts.north)
    await worker_makes(database, states[1], accounts.quays)
    async with database.read() as session:
        post = await queries.get_post(session, cast.alice, UUID(made["id"]))
        schedule = (await session.execute(select(Schedule))).scalar_one()
    assert post.state is expected
    waits = {S.QUEUED, S.HELD, S.CLAIMED, S.SENDING, S.UNKNOWN} & set(states)
    assert (schedule.state is ScheduleState.ACTIVE) == bool(waits)


async def test_a_first_try_that_has_to_wait_is_under_way(
    made: dict[str, Any], database: Database, call: Caller, cast: Cast
) -> None:
    await worker_makes(database, DeliveryState.QUEUED, attempts=1)
    assert (await call.get(cast.alice, f"/posts/{made['id']}")).json()["state"] == "sending"


async def test_settling_leaves_drafts_and_others_alone(
    call: Caller, cast: Cast, made: dict[str, Any], database: Database
) -> None:
    draft = (await call.post(cast.alice, "/posts", body(cast))).json()
    async with database.write() as session:
        await session.execute(update(Delivery).values(state=DeliveryState.SENT))
        await service.settle(session, [UUID(draft["id"])])
        await service.settle(session, [])
    assert (await call.get(cast.alice, f"/posts/{draft['id']}")).json()["state"] == "draft"
    assert (await call.get(cast.alice, f"/posts/{made['id']}")).json()["state"] == "scheduled"


async def test_two_workers_recording_one_post_see_each_other(
    made: dict[str, Any], accounts: Accounts, database: Database, call: Caller, cast: Cast
) -> None:
    await worker_makes(database, DeliveryState.SENDING)

    async def record(account: Account) -> None:
        async with database.write() as session:
            await session.execute(
                update(Delivery).where(col(Delivery.account_id) == account.id).values(state=DeliveryState.SENT)
            )
            await asyncio.sleep(0.05)
            await service.settle(session, [UUID(made["id"])])
            await asyncio.sleep(0.05)

    await asyncio.gather(record(accounts.north), record(accounts.quays))
    assert (await call.get(cast.alice, f"/posts/{made['id']}")).json()["state"] == "sent"


async def test_publishing_one_draft_twice_at_once_queues_it_once(
    runtime: Runtime, call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    draft = (await call.post(cast.alice, "/posts", body(cast, accounts.north))).json()

    async def publish() -> Any:
        async with runtime.unit_of_work() as session:
            post = await queries.get_post(session, cast.alice, UUID(draft["id"]))
            await asyncio.sleep(0.05)
            return await service.publish(session, cast.alice, post, now() + timedelta(hours=1))

    outcomes = await asyncio.gather(publish(), publish(), return_exceptions=True)
    assert sum(isinstance(each, Schedule) for each in outcomes) == 1, outcomes
    async with database.read() as session:
        assert len((await session.execute(select(Delivery))).scalars().all()) == 1
