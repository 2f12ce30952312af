"""Changing what is out, from the form to the town: earlier words are kept, and nobody's change is written over."""

from uuid import UUID

import pytest

from api.core.clock import clock
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.models import Account, Delivery, DeliveryVersion, ErrandState, Media, MediaKind, Post, PostState, Viewer
from api.outbox import errands
from api.outbox.errand_work import CHANGED_THERE
from api.platforms.values import Platform
from api.posts import changing, queries, withdrawing
from api.posts.schemas import PostPatch
from tests.support.factories import Cast
from tests.support.practice import Practice

CLOSED, OPEN = "Road closed at Mill Lane", "Mill Lane is open again"


async def change(
    practice: Practice, post_id: UUID, viewer: Viewer | None = None, version: int | None = None, **patch: object
) -> Post:
    async with practice.runtime.unit_of_work() as session:
        wanted = PostPatch.model_validate(patch)
        return await changing.update(session, viewer or practice.cast.alice, post_id, wanted, version)


async def versions(practice: Practice, post_id: UUID) -> list[DeliveryVersion]:
    deliveries = await practice.deliveries(post_id)
    async with practice.runtime.read() as session:
        return list(await errands.versions(session, [each.id for each in deliveries]))


async def test_new_words_stand_there_and_the_old_ones_are_kept(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    await change(practice, post.id, text=OPEN)
    assert (await practice.delivery(delivery.id)).text == CLOSED, "It says what stands there until it is changed"
    await practice.errands()
    assert await practice.town.stands(delivery) == OPEN
    changed = await practice.delivery(delivery.id)
    assert changed.text == OPEN
    assert changed.edited_at is not None
    assert (await practice.post(post.id)).state is PostState.SENT
    (before,) = await versions(practice, post.id)
    assert (before.text, before.changed_by_id) == (CLOSED, cast.alice.person_id)
    history = (await practice.town.ask(f"{delivery.remote_id}/history")).json()
    assert len(history) == 2


async def test_a_lost_answer_changes_it_once(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    await practice.town.faults({"kind": "lost_answer", "method": "PUT", "next": 1})
    await change(practice, post.id, text=OPEN)
    for _ in range(3):
        await practice.errands()
        clock.pass_time(minutes=1)
    assert (await practice.asked())[0].state is ErrandState.DONE
    assert len(await versions(practice, post.id)) == 1
    assert await practice.town.stands(delivery) == OPEN


async def test_two_changes_are_made_in_their_order(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    await practice.town.faults({"kind": "error_before", "method": "PUT", "next": 1})
    await change(practice, post.id, text=OPEN)
    await practice.errands()
    await change(practice, post.id, text="Open, one lane only")
    for _ in range(3):
        await practice.errands()
        clock.pass_time(minutes=1)
    assert await practice.town.stands(delivery) == "Open, one lane only"
    assert [each.text for each in await versions(practice, post.id)] == [CLOSED, OPEN]


async def test_what_somebody_changed_there_is_shown_and_left_alone(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    await practice.town.by("sandfordnorth", f"/{delivery.remote_id}", "PUT", status="Closed until six")
    await change(practice, post.id, text=OPEN)
    await practice.errands()
    assert await practice.town.stands(delivery) == "Closed until six"
    (errand,) = await practice.asked()
    assert (errand.state, errand.error) == (ErrandState.FAILED, CHANGED_THERE)
    assert (await practice.delivery(delivery.id)).text == "Closed until six"
    (before,) = await versions(practice, post.id)
    assert (before.text, before.changed_by_id) == (CLOSED, None)
    await change(practice, post.id, text="Open since six")
    await practice.errands()
    assert await practice.town.stands(delivery) == "Open since six"


async def test_a_warning_alone_can_be_changed(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    await change(practice, post.id, content_warning="flood")
    await practice.errands()
    status = (await practice.town.ask(delivery.remote_id or "")).json()
    assert (status["spoiler_text"], status["sensitive"]) == ("flood", True)
    assert (await practice.delivery(delivery.id)).content_warning == "flood"


async def test_of_two_who_change_it_the_second_is_told(practice: Practice, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, CLOSED)
    await change(practice, post.id, version=post.version, text=OPEN)
    with pytest.raises(Stale):
        await change(practice, post.id, cast.bob, version=post.version, text="Closed until eight")


async def test_a_platform_that_cannot_change_a_post_is_named_with_what_to_do(practice: Practice, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, CLOSED)
    async with practice.runtime.unit_of_work() as session:
        (await session.get_one(Account, practice.north.id)).platform = Platform.BLUESKY
    with pytest.raises(Conflict, match="Take it down and post it again"):
        await change(practice, post.id, text=OPEN)
    assert await practice.asked() == []
    assert (await practice.post(post.id)).text == CLOSED


async def test_only_the_accounts_that_get_new_words_are_asked(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.ellie, practice.north, CLOSED)
    await change(practice, post.id, variants=[{"account_id": str(practice.north.id), "text": OPEN}])
    await practice.errands()
    assert await practice.town.stands(delivery) == OPEN
    assert (await practice.post(post.id)).text == CLOSED
    async with practice.runtime.read() as session:
        written = await queries.written(session, await practice.post(post.id))
    assert [each.text for each in written.destinations] == [OPEN]


async def test_words_too_long_and_other_changes_are_refused(practice: Practice, cast: Cast) -> None:
    post, _ = await practice.sent(cast.alice, practice.north, CLOSED)
    with pytest.raises(Invalid, match="Too long"):
        await change(practice, post.id, text="x" * 600)
    with pytest.raises(Conflict, match="accounts and its time cannot"):
        await change(practice, post.id, account_ids=[])
    assert await practice.asked() == []


async def test_taking_down_wins_over_a_change_that_waits(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    await change(practice, post.id, text=OPEN)
    async with practice.runtime.unit_of_work() as session:
        await withdrawing.withdraw(session, cast.alice, post.id, "It is open again")
    await practice.errands()
    assert await practice.town.stands(delivery) is None
    assert [call for call in practice.town.asked if call[0] == "PUT"] == []
    with pytest.raises(Conflict, match="taken down"):
        await change(practice, post.id, text=OPEN)


async def test_strangers_find_nothing_and_contributors_may_not(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    for viewer, refusal in ((cast.charlie, NotFound), (cast.lottie, Forbidden)):
        with pytest.raises(refusal):
            await change(practice, post.id, viewer, text=OPEN)
    await practice.errands()
    assert await practice.town.stands(delivery) == CLOSED


async def test_a_picture_is_described_anew_and_how_it_was_described_is_kept(practice: Practice, cast: Cast) -> None:
    post, delivery = await practice.sent(cast.alice, practice.north, CLOSED)
    async with practice.runtime.unit_of_work() as session:
        picture = Media(
            force_id=cast.force.id, team_id=cast.team.id, uploaded_by_id=cast.alice.person_id, kind=MediaKind.IMAGE,
            content_type="image/jpeg", file="f", sha256="s", size=1, alt="A lane",
        )  # fmt: skip
        session.add(picture)
        await session.flush()
        (await session.get_one(Delivery, delivery.id)).media_ids = [str(picture.id)]
    with pytest.raises(Invalid, match="not in this post"):
        await change(practice, post.id, descriptions=[{"media_id": str(post.id), "alt": "x"}])
    await change(practice, post.id, descriptions=[{"media_id": str(picture.id), "alt": "A lane under water"}])
    await practice.errands()
    assert (await practice.asked())[0].state is ErrandState.DONE
    async with practice.runtime.read() as session:
        assert (await session.get_one(Media, picture.id)).alt == "A lane under water"
    (before,) = await versions(practice, post.id)
    assert (before.text, before.alts) == (CLOSED, ["A lane"])
    await change(practice, post.id, descriptions=[{"media_id": str(picture.id), "alt": "A lane under water"}])
    assert len(await practice.asked()) == 1, "Nothing is different"
