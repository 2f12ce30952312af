"""What the force said, passed on by a local team in the town, and gone with what it shares."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.core.clock import clock, now
from api.core.errors import Conflict, Forbidden, Invalid, NotFound
from api.models import Delivery, DeliveryKind, DeliveryState, Post, PostState, Viewer
from api.posts import service as posts
from api.posts import sharing, withdrawing
from api.posts.changing import update
from api.posts.schemas import PostPatch, ShareIn
from tests.support.factories import Cast
from tests.support.practice import Practice

WORDS = "Bike marking in every town this Saturday"
LINE = "Northgate: the same team is at the library."


async def said_by_the_force(practice: Practice) -> tuple[Post, Delivery]:
    return await practice.sent(practice.cast.ellie, practice.vale, WORDS)


async def share(
    practice: Practice, original: Post, how: str = "repost", text: str = "", viewer: Viewer | None = None, **more: Any
) -> Post:
    wanted = {
        "team_id": practice.cast.team.id, "how": how, "text": text, "account_ids": [practice.north.id],
        "publish_at": now(), **more,
    }  # fmt: skip
    async with practice.runtime.unit_of_work() as session:
        data = ShareIn.model_validate(wanted)
        return await sharing.share(session, viewer or practice.cast.alice, original.id, data)


async def of_north(practice: Practice) -> list[dict[str, Any]]:
    """What the team's account shows in the town, newest first."""
    async with practice.town.client("sandfordnorth") as client:
        listed = await client.get(f"/api/v1/accounts/{practice.north.remote_id}/statuses")
    found: list[dict[str, Any]] = listed.json()
    return found


async def share_of(practice: Practice, post_id: UUID) -> Delivery:
    async with practice.runtime.read() as session:
        rows = await session.execute(select(Delivery).where(col(Delivery.post_id) == post_id))
        return rows.scalar_one()


async def test_a_repost_shows_the_original_once(practice: Practice) -> None:
    post, original = await said_by_the_force(practice)
    shared = await share(practice, post)
    await practice.send()
    (status,) = await of_north(practice)
    assert status["reblog"]["id"] == original.remote_id
    delivery = await share_of(practice, shared.id)
    assert (delivery.kind, delivery.shares) == (DeliveryKind.REPOST, original.url)
    assert (delivery.state, delivery.remote_id) == (DeliveryState.SENT, status["id"])
    assert (await practice.post(shared.id)).state is PostState.SENT


@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "error_before", "cut_body"])
async def test_a_lost_answer_never_makes_two_of_it(practice: Practice, kind: str) -> None:
    post, _ = await said_by_the_force(practice)
    await practice.town.faults({"kind": kind, "method": "POST", "path": "*/reblog", "next": 1})
    shared = await share(practice, post)
    await practice.send()
    (status,) = await of_north(practice)
    delivery = await share_of(practice, shared.id)
    assert (delivery.state, delivery.remote_id) == (DeliveryState.SENT, status["id"])


async def test_a_link_carries_the_teams_own_line(practice: Practice) -> None:
    post, original = await said_by_the_force(practice)
    await share(practice, post, "link", LINE)
    await practice.send()
    (delivery,) = [each for each in await practice.all() if each.account_id == practice.north.id]
    assert delivery.kind is DeliveryKind.POST
    assert await practice.town.stands(delivery) == f"{LINE} {original.url}"


async def test_shares_go_with_their_original(practice: Practice, cast: Cast) -> None:
    post, _ = await said_by_the_force(practice)
    repost, link = await share(practice, post), await share(practice, post, "link", LINE)
    await practice.send()
    waiting = await share(practice, post, "link", "Later", publish_at=now().replace(year=2090))
    draft = await share(practice, post, "link", "Perhaps", publish_at=None)
    async with practice.runtime.unit_of_work() as session:
        await withdrawing.withdraw(session, cast.ellie, post.id, "It is on Sunday")
    await practice.errands()
    assert await of_north(practice) == []
    states = {
        name: (await practice.post(each.id)).state
        for name, each in {"repost": repost, "link": link, "waiting": waiting, "draft": draft, "original": post}.items()
    }
    assert states == {
        "repost": PostState.WITHDRAWN, "link": PostState.WITHDRAWN, "original": PostState.WITHDRAWN,
        "waiting": PostState.CANCELLED, "draft": PostState.CANCELLED,
    }  # fmt: skip
    for each in (repost, link, waiting, draft):
        kept = await practice.post(each.id)
        assert kept.withdrawn_at is not None
        assert kept.withdrawn_by_id is None, "By the software, because its original went"


async def test_an_original_that_is_found_deleted_takes_its_shares_along(practice: Practice) -> None:
    post, original = await said_by_the_force(practice)
    link = await share(practice, post, "link", LINE)
    await practice.send()
    await practice.town.by("sandfordvale", f"/{original.remote_id}", "DELETE")
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Delivery, original.id)).gone_at = now()
        await session.flush()
        await withdrawing.gone(session, [original.id])
    await practice.errands()
    assert await of_north(practice) == []
    assert (await practice.post(link.id)).state is PostState.WITHDRAWN


async def test_a_repost_alone_is_taken_back_and_the_original_stays(practice: Practice, cast: Cast) -> None:
    post, original = await said_by_the_force(practice)
    shared = await share(practice, post)
    await practice.send()
    async with practice.runtime.unit_of_work() as session:
        await withdrawing.withdraw(session, cast.alice, shared.id, "Not for our readers")
    await practice.errands()
    assert await of_north(practice) == []
    assert await practice.town.stands(original, "sandfordvale") == WORDS
    again = await share(practice, post)
    await practice.send()
    assert (await practice.post(again.id)).state is PostState.SENT


async def test_what_an_account_shares_already_is_not_shared_again(practice: Practice) -> None:
    post, _ = await said_by_the_force(practice)
    await share(practice, post)
    with pytest.raises(Conflict, match="already"):
        await share(practice, post)


async def test_nothing_is_shared_of_what_was_taken_down_meanwhile(practice: Practice, cast: Cast) -> None:
    post, _ = await said_by_the_force(practice)
    draft = await share(practice, post, publish_at=None)
    async with practice.runtime.unit_of_work() as session:
        await withdrawing.withdraw(session, cast.ellie, post.id, "It is on Sunday")
    with pytest.raises(NotFound):
        await share(practice, post)
    async with practice.runtime.unit_of_work() as session:
        row = await session.get_one(Post, draft.id)
        with pytest.raises(Conflict, match="was taken down"):
            await posts.publish(session, cast.alice, row)


async def test_a_contributor_proposes_and_somebody_of_the_team_sends(practice: Practice, cast: Cast) -> None:
    post, original = await said_by_the_force(practice)
    with pytest.raises(Forbidden):
        await share(practice, post, viewer=cast.lottie)
    proposed = await share(practice, post, viewer=cast.lottie, publish_at=None)
    assert proposed.state is PostState.DRAFT
    with pytest.raises(Invalid, match="no words to change"):
        async with practice.runtime.unit_of_work() as session:
            await update(session, cast.alice, proposed.id, PostPatch(text="Mine"), None)
    async with practice.runtime.unit_of_work() as session:
        row = await session.get_one(Post, proposed.id)
        await posts.publish(session, cast.alice, row)
    await practice.send()
    (status,) = await of_north(practice)
    assert status["reblog"]["id"] == original.remote_id


async def test_strangers_and_readers_are_offered_nothing(practice: Practice, cast: Cast) -> None:
    post, _ = await said_by_the_force(practice)
    local, _ = await practice.sent(cast.alice, practice.north, "Only ours")
    async with practice.runtime.read() as session:
        for viewer in (cast.charlie, cast.ivy, cast.dev, cast.moira):
            assert await sharing.from_the_force(session, viewer) == []
            with pytest.raises(NotFound):
                await sharing.get_original(session, viewer, post.id)
        offered = await sharing.from_the_force(session, cast.lottie)
        assert [each.post_id for each in offered] == [post.id]
        with pytest.raises(NotFound):
            await sharing.get_original(session, cast.alice, local.id)
    with pytest.raises(NotFound):
        await share(practice, post, viewer=cast.charlie)


async def test_what_comes_from_another_server_is_looked_for_there(practice: Practice) -> None:
    """The original's address tells nothing about its id here, so the server is asked to find it."""
    post, original = await said_by_the_force(practice)
    async with practice.runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, original.id)
        row.url = f"{row.url}/"
    shared = await share(practice, post)
    practice.start()
    delivery = await practice.is_in(await share_of(practice, shared.id), DeliveryState.REFUSED)
    await practice.stop()
    assert "Share it as a link" in (delivery.error or "")
    assert ("GET", "/api/v2/search") in practice.town.asked
    assert clock.now() >= delivery.due_at
