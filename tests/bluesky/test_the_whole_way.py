"""From a post of ours to an answer in the inbox, and ours to that."""

import asyncio

from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.models import DeliveryState
from tests.support.bluesky import Network
from tests.support.bluesky.desk import Desk
from tests.support.bluesky.people import UNTIL_SHOWN, Arrive, Person
from tests.support.factories import Cast
from tests.support.stage import Stage


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
