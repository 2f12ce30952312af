"""From a post of ours to an answer in the inbox, and ours to that."""

import asyncio
from io import BytesIO

from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.media import receiving
from api.media import service as media
from api.media.values import Words
from api.models import DeliveryState, PostState
from api.posts import queries, withdrawing
from api.posts import service as posts
from api.posts.schemas import PostIn
from tests.support.bluesky import Network
from tests.support.bluesky.desk import Desk
from tests.support.bluesky.people import UNTIL_SHOWN, Arrive, Person
from tests.support.factories import Cast
from tests.support.photos import a_photo
from tests.support.stage import Stage
from workers.jobs.errands import Errands
from workers.platforms import bluesky


async def test_from_a_post_to_an_answer_in_the_inbox_and_ours_to_that(
    us: Person, arrive: Arrive, reading: Network, runtime: Runtime, cast: Cast
) -> None:
    """The whole way, with a token that has run out when the post is due."""
    jo = await arrive("jo")
    desk = await Desk.at(us, runtime, cast)
    stage = Stage(runtime, cast, us.carrier, desk.context.vault)  # type: ignore[arg-type]
    delivery = await desk.queue("What worries you on Mill Lane?", cast)
    stage.start()
    post = await stage.is_in(delivery, DeliveryState.SENT, 20)
    assert post.remote_id is not None
    await us.seen(post.remote_id)
    answer = await jo.say("Speeding past the school", post.remote_id)
    await us.shown(1)
    await desk.poll()
    (talk,) = await desk.talks()
    assert (talk.contact_handle, talk.contact_remote_id) == (jo.handle, jo.who.address.remote_id)
    assert [message.text for message in await desk.messages()] == ["Speeding past the school"]
    async with runtime.unit_of_work() as session:
        message = await inbox.reply(session, cast.nadia, talk.id, "Thank you. We will be there at half past eight.")
    reply = await desk.sent(stage, message.id)
    await stage.stop()
    record = await us.record(reply.remote_id or "")
    assert record["reply"]["parent"]["uri"] == answer
    assert record["reply"]["root"]["uri"] == post.remote_id
    assert record["text"] == "Thank you. We will be there at half past eight."


async def test_an_answer_that_is_quicker_than_the_servers_is_heard_all_the_same(
    us: Person, arrive: Arrive, reading: Network, runtime: Runtime, cast: Cast
) -> None:
    """They may come across it before what it answers, and then tell nobody: threads under our posts are read too."""
    jo = await arrive("jo")
    desk = await Desk.at(us, runtime, cast)
    stage = Stage(runtime, cast, us.carrier, desk.context.vault)  # type: ignore[arg-type]
    delivery = await desk.queue("What worries you on Mill Lane?", cast)
    stage.start()
    post = await stage.is_in(delivery, DeliveryState.SENT, 20)
    await jo.say("Speeding", post.remote_id)
    await jo.say("Bins", post.remote_id)
    await stage.stop()
    async with asyncio.timeout(2 * UNTIL_SHOWN):
        while len(await desk.messages()) < 2:
            await desk.poll()
            await asyncio.sleep(0.2)
    assert sorted(message.text for message in await desk.messages()) == ["Bins", "Speeding"]


async def test_a_thread_with_a_picture_goes_out_whole_and_is_taken_down_again(
    us: Person, runtime: Runtime, cast: Cast
) -> None:
    desk = await Desk.at(us, runtime, cast)
    stage = Stage(runtime, cast, us.carrier, desk.context.vault)  # type: ignore[arg-type]
    words = Words("A closed road with a diversion sign", "", (0, 0))
    came = await receiving.receive(runtime, cast.alice, cast.team.id, BytesIO(a_photo(1200, 900)), words)
    async with runtime.unit_of_work() as session:
        picture = await media.keep(session, cast.alice, came.media_id)
        wanted = PostIn(
            team_id=cast.team.id, text="Mill Lane is closed for the works. " * 20, account_ids=[desk.account.id],
            media_ids=[picture.id], as_thread=True,
        )  # fmt: skip
        post = await posts.create(session, cast.alice, wanted)
        await posts.publish(session, cast.alice, post)
    stage.start()
    parts = [await stage.is_in(part, DeliveryState.SENT, 30) for part in await stage.all()]
    await stage.stop()
    parts.sort(key=lambda part: part.part)
    records = [await us.record(part.remote_id or "") for part in parts]
    assert len(parts) == 3
    assert records[0]["embed"]["images"][0]["alt"] == "A closed road with a diversion sign"
    assert [record.get("embed") for record in records[1:]] == [None, None]
    assert [record["reply"]["parent"]["uri"] for record in records[1:]] == [part.remote_id for part in parts[:-1]]
    assert {record["reply"]["root"]["uri"] for record in records[1:]} == {parts[0].remote_id}

    async with runtime.unit_of_work() as session:
        await withdrawing.withdraw(session, cast.alice, post.id, "The works are over")
    errands = Errands(desk.context)
    for _ in range(4):
        await errands.step()
    async with runtime.read() as session:
        assert (await queries.get_post(session, cast.alice, post.id)).state is PostState.WITHDRAWN
    for part in parts:
        assert await us.ask(bluesky.status(us.who.address, us.token, part.remote_id or "")) is None
