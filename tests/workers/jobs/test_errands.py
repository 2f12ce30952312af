"""Taking down, from the button to the town: once, in order, with answers that get lost and workers that die."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from api.core.clock import clock
from api.core.errors import Conflict, Forbidden, Invalid, NotFound
from api.models import (
    Account,
    AccountState,
    AuditEntry,
    Delivery,
    DeliveryState,
    ErrandState,
    Post,
    PostState,
    Viewer,
)
from api.outbox import errand_work
from api.outbox import service as outbox
from api.posts import queries, withdrawing
from api.posts.standing import StandingState, standings
from tests.support.factories import Cast
from tests.support.practice import Practice
from workers.jobs.errands import NO_ACCOUNT

WHY = "The road is open again"


async def withdraw(practice: Practice, post_id: UUID, viewer: Viewer | None = None) -> Post:
    async with practice.runtime.unit_of_work() as session:
        return await withdrawing.withdraw(session, viewer or practice.cast.alice, post_id, WHY)


async def words(practice: Practice, delivery: Delivery) -> tuple[StandingState, str]:
    async with practice.runtime.read() as session:
        fresh = await session.get_one(Delivery, delivery.id)
        (said,) = await standings(session, [fresh])
    return said.state, said.words


async def test_a_post_is_taken_down_where_it_stands(practice: Practice) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed at Mill Lane")
    assert await practice.town.stands(delivery) == "Road closed at Mill Lane"
    asked = await withdraw(practice, post.id)
    assert (asked.state, asked.withdrawn_by_id) == (PostState.SENT, practice.cast.alice.person_id)
    state, said = await words(practice, delivery)
    assert state is StandingState.ASKED
    assert "Mastodon has not answered yet" in said
    await practice.errands()
    assert await practice.town.stands(delivery) is None
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN
    state, said = await words(practice, delivery)
    assert state is StandingState.GONE
    assert said.startswith("Taken down at ")


async def test_taking_down_twice_asks_once(practice: Practice) -> None:
    post, _ = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await withdraw(practice, post.id)
    await withdraw(practice, post.id, practice.cast.bob)
    await practice.errands()
    await withdraw(practice, post.id)
    await practice.errands()
    assert len(await practice.asked()) == 1
    assert [call for call in practice.town.asked if call[0] == "DELETE"] == practice.town.asked[-1:]


async def test_what_somebody_took_down_there_already_is_down(practice: Practice) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await practice.town.by("sandfordnorth", f"/{delivery.remote_id}", "DELETE")
    await withdraw(practice, post.id)
    await practice.errands()
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "error_before", "error_after", "html", "cut_body"])
async def test_an_answer_that_is_lost_is_asked_for_again(practice: Practice, kind: str) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await practice.town.faults({"kind": kind, "method": "DELETE", "next": 2})
    await withdraw(practice, post.id)
    for _ in range(4):
        await practice.errands()
        clock.pass_time(minutes=1)
    (errand,) = await practice.asked()
    assert errand.state is ErrandState.DONE
    assert await practice.town.stands(delivery) is None
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN


async def test_a_server_that_asks_for_patience_is_given_it(practice: Practice) -> None:
    post, _ = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await practice.town.faults({"kind": "rate_limited", "method": "DELETE", "next": 1, "seconds": 90})
    await withdraw(practice, post.id)
    await practice.errands()
    clock.pass_time(seconds=60)
    await practice.errands()
    (waiting,) = await practice.asked()
    assert (waiting.state, waiting.tries) == (ErrandState.ASKED, 0)
    async with practice.runtime.read() as session:
        account = await session.get_one(Account, practice.north.id)
    assert account.send_after is not None, "Sending leaves the account in peace as well"
    clock.pass_time(seconds=120)
    await practice.errands()
    assert (await practice.asked())[0].state is ErrandState.DONE


async def test_a_worker_that_dies_over_it_leaves_it_to_another(practice: Practice) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await withdraw(practice, post.id)
    async with practice.runtime.unit_of_work() as session:  # taken, and never heard of again
        (taken,) = await errand_work.claim(session, clock.now(), timedelta(seconds=60), 20)
    assert taken.delivery_id == delivery.id
    await practice.errands()
    assert (await practice.asked())[0].state is ErrandState.ASKED
    clock.pass_time(seconds=61)
    await practice.errands()
    assert (await practice.asked())[0].state is ErrandState.DONE


async def test_two_workers_never_take_the_same_one(practice: Practice) -> None:
    post, _ = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await withdraw(practice, post.id)
    taken = []
    for _ in range(2):
        async with practice.runtime.unit_of_work() as session:
            taken += await errand_work.claim(session, clock.now(), timedelta(seconds=60), 20)
    assert len(taken) == 1


async def test_a_permission_that_was_taken_away_is_said(practice: Practice) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await practice.town.control("POST", "/revoke", json={"account": "sandfordnorth"})
    await withdraw(practice, post.id)
    await practice.errands()
    state, said = await words(practice, delivery)
    assert state is StandingState.FAILED
    assert said.endswith("Do it by hand there.")
    async with practice.runtime.read() as session:
        account = await session.get_one(Account, practice.north.id)
    assert account.state is AccountState.NEEDS_RECONNECT
    assert (await practice.post(post.id)).state is PostState.SENT


async def test_an_account_that_is_not_connected_any_more_fails_at_once_and_can_be_asked_again(
    practice: Practice,
) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Account, practice.north.id)).state = AccountState.DISCONNECTED
    await withdraw(practice, post.id)
    await practice.errands()
    assert await words(practice, delivery) == (StandingState.FAILED, NO_ACCOUNT)
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Account, practice.north.id)).state = AccountState.ACTIVE
    await withdraw(practice, post.id)
    await practice.errands()
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN


async def test_what_still_waits_is_stopped(practice: Practice) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    async with practice.runtime.unit_of_work() as session:
        waiting = await outbox.queue(
            session, practice.cast.alice, practice.vale, "Road closed", clock.now().replace(year=2090),
            post_id=post.id, team_id=practice.cast.team.id,
        )  # fmt: skip
    await withdraw(practice, post.id)
    assert (await practice.delivery(waiting.id)).state is DeliveryState.CANCELLED
    await practice.errands()
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN
    assert await practice.town.stands(delivery) is None


async def test_what_was_on_its_way_goes_when_it_lands(practice: Practice) -> None:
    """Its answer is lost: for a while nobody knows. Found by reading back, it is taken down at once."""
    await practice.town.faults({"kind": "lost_answer", "method": "POST", "path": "/api/v1/statuses", "next": 1})
    post = await practice.publish(practice.cast.alice, practice.north, "Road closed")
    practice.start()
    (delivery,) = await practice.deliveries(post.id)
    await practice.is_in(delivery, DeliveryState.UNKNOWN)
    await withdraw(practice, post.id)
    await practice.settled()
    await practice.stop()
    await practice.errands()
    assert await practice.town.stands(await practice.delivery(delivery.id)) is None
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN


async def test_what_never_got_there_is_not_sent_again_after_all(practice: Practice) -> None:
    await practice.town.faults({"kind": "error_before", "method": "POST", "path": "/api/v1/statuses", "next": 1})
    post = await practice.publish(practice.cast.alice, practice.north, "Road closed")
    practice.start()
    (delivery,) = await practice.deliveries(post.id)
    await practice.is_in(delivery, DeliveryState.UNKNOWN)
    await withdraw(practice, post.id)
    await practice.settled()
    assert (await practice.delivery(delivery.id)).state is DeliveryState.CANCELLED
    assert (await practice.post(post.id)).state is PostState.CANCELLED
    assert await practice.town.control("GET", "/statuses") == []


async def test_the_last_part_of_a_thread_goes_first(practice: Practice) -> None:
    post, first = await practice.sent(practice.cast.alice, practice.north, "Road closed (1/2)")
    second = await practice.town.by("sandfordnorth", "", status="until six (2/2)", in_reply_to_id=first.remote_id)
    async with practice.runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, first.id)
        more = Delivery(
            **{name: getattr(row, name) for name in Delivery.model_fields if name not in ("id", "remote_id", "url")},
            remote_id=second["id"], url=second["url"],
        )  # fmt: skip
        more.parent_id, more.part, row.parts, more.parts = row.id, 2, 2, 2
        session.add(more)
    await withdraw(practice, post.id)
    await practice.errands()
    gone = [path.rpartition("/")[2] for method, path in practice.town.asked if method == "DELETE"]
    assert gone == [second["id"], first.remote_id]
    assert (await practice.post(post.id)).state is PostState.WITHDRAWN


async def test_a_post_that_was_taken_down_is_not_sent_again(practice: Practice) -> None:
    post, delivery = await practice.sent(practice.cast.alice, practice.north, "Road closed")
    await withdraw(practice, post.id)
    async with practice.runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, delivery.id)
        row.state = DeliveryState.NEEDS_PERSON
        with pytest.raises(Conflict, match="taken down"):
            await outbox.retry(session, practice.cast.alice, row, even_if_unsure=True)


async def test_only_who_publishes_takes_down_and_says_why(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, "Road closed")
    for viewer, refusal in ((cast.charlie, NotFound), (cast.ivy, NotFound), (cast.lottie, Forbidden)):
        with pytest.raises(refusal):
            await withdraw(practice, post.id, viewer)
    with pytest.raises(Invalid, match="why"):
        async with practice.runtime.unit_of_work() as session:
            await withdrawing.withdraw(session, cast.alice, post.id, " ")
    assert await practice.asked() == []
    assert await practice.town.stands(delivery) == "Road closed"


async def test_a_draft_is_put_aside_not_taken_down(practice: Practice, cast: Cast) -> None:
    post = await practice.publish(cast.alice, practice.north, "Road closed")
    async with practice.runtime.unit_of_work() as session:
        row = await queries.get_post(session, cast.alice, post.id)
        row.state = PostState.DRAFT
    with pytest.raises(Conflict, match="Cancel it"):
        await withdraw(practice, post.id)


async def test_the_reason_is_kept_and_no_words_of_the_post(practice: Practice, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, "Road closed at number nine")
    await withdraw(practice, post.id)
    await practice.errands()
    async with practice.runtime.read() as session:
        rows = (await session.execute(select(AuditEntry))).scalars().all()
    told = {row.action: row.detail for row in rows if row.subject_id == post.id}
    assert told["posts.withdraw"] == {"reason": WHY}
    assert "errands.withdraw_done" in told
    assert "number nine" not in str([row.detail for row in rows])
