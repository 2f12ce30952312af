"""What is too long goes out as a thread when somebody says so; how a post is seen, warned of and named."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from api.core.database import Database
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryState, Post
from api.platforms.values import Platform
from api.posts import service
from tests.api.posts.conftest import Accounts
from tests.api.posts.test_changing import worker_makes
from tests.api.posts.test_writing import body, soon
from tests.support.calling import Caller
from tests.support.factories import Cast, an_account

LONG = "The road is closed until noon. Use Quay Street. Mind the children there."
"""Too long for the Quays, which takes 50 characters; short enough for the North."""
PARTS = ["The road is closed until noon. (1/2)", "Use Quay Street. Mind the children there. (2/2)"]


@pytest.fixture
async def bluesky(runtime: Runtime, cast: Cast) -> Account:
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, "sandford.example")
        account.platform, account.limits = Platform.BLUESKY, {"max_length": 300, "url_length": 0}
        return account


async def of_account(database: Database, account: Account) -> list[Delivery]:
    async with database.read() as session:
        rows = await session.execute(
            select(Delivery).where(col(Delivery.account_id) == account.id).order_by(col(Delivery.part))
        )
        return list(rows.scalars())


async def open_texts(database: Database, account: Account) -> list[str]:
    return [each.text for each in await of_account(database, account) if each.state is DeliveryState.QUEUED]


@pytest.fixture
async def thread(call: Caller, cast: Cast, accounts: Accounts) -> dict[str, Any]:
    """One post for two accounts, a thread for one of them."""
    wanted = body(cast, accounts.north, accounts.quays, text=LONG, publish_at=soon(), as_thread=True)
    answer = await call.post(cast.alice, "/posts", wanted)
    assert answer.status_code == 201
    shape: dict[str, Any] = answer.json()
    return shape


async def test_what_is_too_long_is_refused_unless_it_may_be_a_thread(
    call: Caller, cast: Cast, accounts: Accounts
) -> None:
    answer = await call.post(cast.alice, "/posts", body(cast, accounts.quays, text=LONG, publish_at=soon()))
    assert answer.status_code == 422
    assert "send it as a thread" in answer.json()["detail"]


async def test_each_account_gets_as_many_parts_as_it_needs(
    thread: dict[str, Any], accounts: Accounts, database: Database
) -> None:
    (whole,) = await of_account(database, accounts.north)
    assert (whole.text, whole.part, whole.parts, whole.parent_id) == (LONG, 1, 1, None)
    first, second = await of_account(database, accounts.quays)
    assert [first.text, second.text] == PARTS
    assert [(each.part, each.parts) for each in (first, second)] == [(1, 2), (2, 2)]
    assert (first.parent_id, second.parent_id) == (None, first.id)
    assert thread["as_thread"] is True
    assert [each["parts"] for each in thread["deliveries"]] == [1, 2, 2]


async def test_it_counts_as_out_where_its_last_part_is(
    call: Caller, cast: Cast, thread: dict[str, Any], accounts: Accounts, database: Database
) -> None:
    async def state() -> str:
        return str((await call.get(cast.alice, f"/posts/{thread['id']}")).json()["state"])

    await worker_makes(database, DeliveryState.SENT, accounts.north)
    assert await state() == "sending"
    await worker_makes(database, DeliveryState.HELD, accounts.quays)
    await _part(database, accounts.quays, 1, DeliveryState.REFUSED)
    assert await state() == "partly_sent"
    await _part(database, accounts.quays, 1, DeliveryState.SENT)
    await _part(database, accounts.quays, 2, DeliveryState.REFUSED)
    assert await state() == "partly_sent"
    await _part(database, accounts.quays, 2, DeliveryState.SENT)
    assert await state() == "sent"


async def test_nothing_out_and_the_rest_held_is_a_failure_that_can_be_stopped(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    made = (
        await call.post(cast.alice, "/posts", body(cast, accounts.quays, text=LONG, publish_at=soon(), as_thread=True))
    ).json()
    await _part(database, accounts.quays, 1, DeliveryState.REFUSED)
    await _part(database, accounts.quays, 2, DeliveryState.HELD)
    assert (await call.get(cast.alice, f"/posts/{made['id']}")).json()["state"] == "failed"
    stopped = await call.post(cast.alice, f"/posts/{made['id']}/cancel")
    assert stopped.status_code == 200
    assert [each.state for each in await of_account(database, accounts.quays)] == [
        DeliveryState.REFUSED,
        DeliveryState.CANCELLED,
    ]


async def test_stopping_it_on_its_way_says_what_has_left(
    call: Caller, cast: Cast, thread: dict[str, Any], accounts: Accounts, database: Database
) -> None:
    await _part(database, accounts.quays, 1, DeliveryState.SENT)
    stopped = (await call.post(cast.alice, f"/posts/{thread['id']}/cancel")).json()
    assert stopped["words"] == (
        "Stopped for north@town.example. For quays@town.example the rest of the thread was stopped;"
        " its beginning has left."
    )
    assert stopped["gone"] == [str(accounts.quays.id)]
    assert set(stopped["stopped"]) == {str(accounts.quays.id), str(accounts.north.id)}
    quays = [each for each in stopped["deliveries"] if each["account_id"] == str(accounts.quays.id)]
    assert [(each["part"], each["state"]) for each in quays] == [(1, "sent"), (2, "cancelled")]
    assert stopped["state"] == "partly_sent"


async def test_new_words_change_its_parts_and_their_number(
    call: Caller, cast: Cast, thread: dict[str, Any], accounts: Accounts, database: Database
) -> None:
    before = [each.id for each in await of_account(database, accounts.quays)]
    same = await call.patch(
        cast.alice, f"/posts/{thread['id']}", {"text": LONG.replace("Quay", "Mill")}, thread["etag"]
    )
    assert same.status_code == 200
    assert [each.id for each in await of_account(database, accounts.quays)] == before
    assert "Mill" in "".join(await open_texts(database, accounts.quays))
    shorter = await call.patch(cast.alice, f"/posts/{thread['id']}", {"text": "Open again."}, same.json()["etag"])
    assert await open_texts(database, accounts.quays) == ["Open again."]
    longer = await call.patch(cast.alice, f"/posts/{thread['id']}", {"text": f"{LONG} {LONG}"}, shorter.json()["etag"])
    assert len(await open_texts(database, accounts.quays)) == 4
    quays = [each for each in longer.json()["deliveries"] if each["account_id"] == str(accounts.quays.id)]
    assert [each["part"] for each in quays] == [1, 2, 3, 4]
    refused = await call.patch(cast.alice, f"/posts/{thread['id']}", {"as_thread": False}, longer.json()["etag"])
    assert refused.status_code == 422
    assert len(await open_texts(database, accounts.quays)) == 4


async def test_a_thread_has_an_end(call: Caller, cast: Cast, accounts: Accounts) -> None:
    wanted = body(cast, accounts.quays, text="Word by word. " * 200, publish_at=soon(), as_thread=True)
    answer = await call.post(cast.alice, "/posts", wanted)
    assert answer.status_code == 422
    assert "25 is the most" in answer.json()["detail"]


async def test_a_link_too_long_for_any_part_is_said_to_be(call: Caller, cast: Cast, bluesky: Account) -> None:
    text = "All of it: https://sandford.example/" + "x" * 400
    answer = await call.post(cast.alice, "/posts", body(cast, bluesky, text=text, publish_at=soon(), as_thread=True))
    assert answer.status_code == 422
    assert "too many for sandford.example" in answer.json()["detail"]
    assert "A link in it is longer than a whole post there" in answer.json()["detail"]


async def test_warning_visibility_and_language_go_along_and_can_be_changed(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    said = {"content_warning": "Injuries", "visibility": "unlisted", "language": "cy"}
    made = await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon(), **said))
    assert {name: made.json()[name] for name in said} == said
    (delivery,) = await of_account(database, accounts.north)
    assert (delivery.content_warning, delivery.visibility, delivery.language) == ("Injuries", "unlisted", "cy")
    changed = await call.patch(
        cast.alice, f"/posts/{made.json()['id']}", {"content_warning": "", "visibility": "followers"},
        made.headers["etag"],
    )  # fmt: skip
    assert changed.status_code == 200
    (delivery,) = await of_account(database, accounts.north)
    assert (delivery.content_warning, delivery.visibility, delivery.language) == ("", "followers", "cy")


async def test_a_warning_counts(call: Caller, cast: Cast, accounts: Accounts) -> None:
    wanted = body(cast, accounts.quays, text="x" * 45, publish_at=soon())
    assert (await call.post(cast.alice, "/posts", wanted)).status_code == 201
    answer = await call.post(cast.alice, "/posts", wanted | {"content_warning": "Injuries"})
    assert answer.status_code == 422
    assert "3 too many" in answer.json()["detail"]


async def test_a_platform_without_such_a_visibility_says_so(call: Caller, cast: Cast, bluesky: Account) -> None:
    answer = await call.post(cast.alice, "/posts", body(cast, bluesky, visibility="followers", publish_at=soon()))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Bluesky has only public posts.")


@pytest.mark.parametrize("wrong", [{"visibility": "direct"}, {"content_warning": "x" * 501}, {"as_thread": "yes"}])
async def test_what_makes_no_sense_is_refused_at_the_door(
    call: Caller, cast: Cast, accounts: Accounts, wrong: dict[str, Any], database: Database
) -> None:
    assert (await call.post(cast.alice, "/posts", body(cast, accounts.north, **wrong))).status_code == 422
    async with database.read() as session:
        assert (await session.execute(select(Post))).first() is None


async def test_charlie_next_door_neither_sees_nor_stops_any_part(
    call: Caller, cast: Cast, thread: dict[str, Any]
) -> None:
    assert (await call.get(cast.charlie, f"/posts/{thread['id']}")).status_code == 404
    assert (await call.post(cast.charlie, f"/posts/{thread['id']}/cancel")).status_code == 404
    assert (await call.get(cast.charlie, "/deliveries")).json()["items"] == []


async def _part(database: Database, account: Account, part: int, state: DeliveryState) -> None:
    async with database.write() as session:
        await session.execute(
            update(Delivery)
            .where(col(Delivery.account_id) == account.id, col(Delivery.part) == part)
            .values(state=state)
        )
    await worker_settles(database)


async def worker_settles(database: Database) -> None:
    async with database.write() as session:
        posts = (await session.execute(select(col(Delivery.post_id)))).scalars().all()
        await service.settle(session, [post for post in posts if post])
