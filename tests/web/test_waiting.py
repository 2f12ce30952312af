"""A platform asks us to wait: the post, the account and REST say until when, and whether that is soon enough."""

from datetime import timedelta

from api.accounts.routes import shown
from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, Delivery, Post, PostState
from api.outbox import queries as outbox
from api.outbox import service
from api.outbox.schemas import DeliveryOut
from api.outbox.waits import waits
from tests.support.factories import Cast
from tests.web.conftest import Sits

WAITS = "Mastodon asks us to wait until 14:05."


async def waiting(runtime: Runtime, cast: Cast, account: Account, useful_hours: float) -> tuple[Post, Delivery]:
    """Written while its account is asked to wait for three hours."""
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Account, account.id)
        row.send_after, row.send_after_why = now() + timedelta(hours=3), WAITS
        post = Post(
            force_id=cast.force.id, team_id=cast.team.id, author_id=cast.alice.person_id, text="Road closed",
            state=PostState.SCHEDULED,
        )  # fmt: skip
        session.add(post)
        await session.flush()
        delivery = await service.queue(
            session, cast.alice, row, post.text, now(), now() + timedelta(hours=useful_hours),
            post_id=post.id, team_id=cast.team.id,
        )  # fmt: skip
        return post, delivery


async def test_a_post_says_why_it_waits_although_nobody_has_tried_it(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    post, _ = await waiting(runtime, cast, account, 6)
    page = await (await sits(cast.alice)).open(f"/posts/{post.id}")
    assert WAITS in page.words
    assert "it will be missed" not in page.words


async def test_a_post_that_will_be_missed_says_so_while_something_can_be_done(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    post, delivery = await waiting(runtime, cast, account, 2)
    page = await (await sits(cast.alice)).open(f"/posts/{post.id}")
    assert WAITS in page.words
    assert "it will be missed" in page.words
    async with runtime.read() as session:
        row = await outbox.get_delivery(session, cast.alice, delivery.id)
        told = DeliveryOut.of(row, await waits(session, [account.id]))
    assert told.forecast is not None
    assert "it will be missed" in told.forecast


async def test_the_account_says_why_nothing_goes_out(
    sits: Sits, cast: Cast, runtime: Runtime, account: Account
) -> None:
    await waiting(runtime, cast, account, 6)
    ellie = await sits(cast.ellie)
    for where in ("/accounts", f"/accounts/{account.id}"):
        assert WAITS in (await ellie.open(where)).words
    async with runtime.read() as session:
        row = await session.get_one(Account, account.id)
        health = (await shown(session, runtime.settings, [row]))[0].health
    assert (health.waits, health.waits_until) == (WAITS, row.send_after)


async def test_a_wait_that_is_over_is_not_spoken_of(sits: Sits, cast: Cast, runtime: Runtime, account: Account) -> None:
    post, _ = await waiting(runtime, cast, account, 6)
    runtime.clock.pass_time(hours=4)
    assert WAITS not in (await (await sits(cast.alice)).open(f"/posts/{post.id}")).words
    assert WAITS not in (await (await sits(cast.ellie)).open(f"/accounts/{account.id}")).words


async def test_a_stranger_learns_of_no_wait(sits: Sits, cast: Cast, runtime: Runtime, account: Account) -> None:
    post, _ = await waiting(runtime, cast, account, 6)
    charlie = await sits(cast.charlie)
    for where in (f"/posts/{post.id}", f"/accounts/{account.id}"):
        page = await charlie.open(where)
        assert charlie.answer.status_code == 404
        assert WAITS not in page.words
