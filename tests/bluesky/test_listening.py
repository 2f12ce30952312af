"""What others say to us is heard once, with what stands around it."""

import asyncio

from api.platforms.values import (
    Picture,
    Stream,
)
from tests.support.bluesky import Network
from tests.support.bluesky.people import UNTIL_SHOWN, Arrive, Person, a_png
from workers.platforms import bluesky


async def test_direct_messages_are_silent_where_the_app_password_does_not_open_them(us: Person) -> None:
    batch = await us.ask(bluesky.poll(us.who.address, us.token, Stream.DIRECT, None))
    assert (batch.items, batch.cursor) == ((), None)


async def test_who_names_answers_or_quotes_us_is_heard_once(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    post = await us.say_and_wait("What worries you on Mill Lane?")
    named = await jo.say(f"Hello @{us.handle}, £20 were stolen, see https://a.example/1")
    answer = await jo.say("Speeding", post)
    await jo.say("Nothing to do with anybody")
    heard = await us.shown(2)
    assert [one.remote_id for one in heard] == [named, answer]
    assert heard[0].mentions == (us.handle,)
    assert (heard[1].text, heard[1].in_reply_to) == ("Speeding", post)
    assert all(one.author.handle == jo.handle and not one.ours for one in heard)
    _, cursor = await us.new()
    assert (await us.new(cursor))[0] == []
    later = await jo.say("And parking", post)
    async with asyncio.timeout(UNTIL_SHOWN):
        while not (fresh := (await us.new(cursor))[0]):  # noqa: ASYNC110 - another server's time
            await asyncio.sleep(0.2)
    assert [one.remote_id for one in fresh] == [later]


async def test_a_long_history_is_read_to_its_beginning(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    post = await us.say_and_wait("Questions?")
    for number in range(120):
        await jo.say(f"Question {number}", post)
    heard = await us.shown(120)
    assert [one.text for one in heard] == [f"Question {number}" for number in range(120)]
    since = heard[100].occurred_at
    batch = await us.ask(bluesky.backfill(us.who.address, us.token, Stream.MENTIONS, since))
    later = [one.text for one in heard if one.occurred_at >= since]  # two may be of one millisecond
    assert [bluesky.read(us.who.address, item).text for item in batch.items] == later


async def test_a_thread_shows_what_came_before_and_after(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    post = await us.say_and_wait("Road closed")
    answer = await jo.say("Which road?", post)
    await us.shown(1)
    ours = await us.say("Mill Lane", answer)
    thread: list[str] = []
    async with asyncio.timeout(UNTIL_SHOWN):
        while len(thread) < 2:
            items = await us.ask(bluesky.context(us.who.address, us.token, answer))
            thread = [item.remote_id for item in items]
            await asyncio.sleep(0.1)
    assert thread == [post, ours]
    await jo.ask(bluesky.delete(jo.who.address, jo.token, answer))
    async with asyncio.timeout(UNTIL_SHOWN):
        while await us.ask(bluesky.status(us.who.address, us.token, answer)) is not None:  # noqa: ASYNC110 - theirs
            await asyncio.sleep(0.2)


async def test_the_same_post_reads_the_same_whichever_way_it_came(us: Person, arrive: Arrive, reading: Network) -> None:
    jo = await arrive("jo")
    picture = Picture(a_png(4, 3), "image/png", "A bin", 4, 3)
    uri = await jo.say(f"@{us.handle} look", pictures=(picture,))
    (heard,) = await us.shown(1)
    item = await us.ask(bluesky.status(us.who.address, us.token, uri))
    assert item is not None
    assert bluesky.read(us.who.address, item) == heard
    assert [each.alt for each in heard.attachments] == ["A bin"]
