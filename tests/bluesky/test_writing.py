"""What is said there is there once, as it was written, and can be read back and taken away again."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from api.core.clock import now
from api.core.ids import new_id
from api.platforms.errors import Refusal, Refused, Unknown
from api.platforms.facts import FACTS
from api.platforms.splitting import split
from api.platforms.text import counter
from api.platforms.values import Card, Draft, Picture, Platform, Video
from tests.support.bluesky.people import Arrive, Losing, Person, a_png
from workers.platforms import bluesky
from workers.platforms.http import carry

VIDEO = Path(__file__).parents[1] / "api" / "media" / "video.mp4"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


async def test_a_post_is_stored_as_it_was_written_with_its_marks(us: Person, arrive: Arrive) -> None:
    jo = await arrive("jo")
    text = f"£5 🌊 police.uk/x1 #Leeds @{jo.handle} @nobody.example"
    record = await us.record(await us.say(text, language="cy"))
    assert (record["text"], record["langs"]) == (text, ["cy"])
    marked = [text.encode()[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode() for f in record["facets"]]
    assert marked == ["police.uk/x1", "#Leeds", f"@{jo.handle}"]
    assert record["facets"][2]["features"][0]["did"] == jo.who.address.remote_id


async def test_the_same_key_is_the_same_post_however_often_it_is_sent(us: Person) -> None:
    draft = Draft(str(new_id()), "Road closed at Mill Lane")
    publish = [bluesky.publish(us.who.address, us.token, draft) for _ in range(5)]
    published = await asyncio.gather(*(us.ask(one) for one in publish))
    assert len({one.remote_id for one in published}) == 1
    found = await us.ask(bluesky.find(us.who.address, us.token, draft, now(), frozenset()))
    assert found is not None
    assert found.remote_id == published[0].remote_id


async def test_what_is_not_there_is_surely_not_there(us: Person) -> None:
    draft = Draft(str(new_id()), "Never sent")
    assert await us.ask(bluesky.find(us.who.address, us.token, draft, now(), frozenset())) is None


async def test_other_words_under_the_same_key_are_a_conflict_and_change_nothing(us: Person) -> None:
    draft = Draft(str(new_id()), "Road closed")
    uri = (await us.ask(bluesky.publish(us.who.address, us.token, draft))).remote_id
    with pytest.raises(Refused):
        await us.ask(bluesky.publish(us.who.address, us.token, replace(draft, text="Road open")))
    assert (await us.record(uri))["text"] == "Road closed"


async def test_a_lost_answer_is_found_by_its_name(us: Person) -> None:
    draft = Draft(str(new_id()), "Road closed, once")
    losing = Losing(us.carrier)
    with pytest.raises(Unknown):
        await carry(losing, bluesky.publish(us.who.address, us.token, draft))
    found = await us.ask(bluesky.find(us.who.address, us.token, draft, now(), frozenset()))
    assert found is not None
    again = await us.ask(bluesky.publish(us.who.address, us.token, draft))
    assert again == found


async def test_limits_are_counted_as_the_server_counts_them(us: Person) -> None:
    for fits in ("x" * 300, "ŵ" * 300, FAMILY * 120, "🇬🇧" * 300, "a\r\nb" * 75):
        assert (await us.record(await us.say(fits)))["text"] == fits
    for long in ("x" * 301, FAMILY * 121):
        with pytest.raises(Refused, match="too long") as error:
            await us.say(long)
        assert error.value.refusal is Refusal.INVALID


async def test_pictures_keep_the_words_that_describe_them(us: Person) -> None:
    picture = Picture(a_png(40, 30), "image/png", "A flooded lane", 40, 30)
    uri = await us.say("Mill Lane", pictures=(picture, replace(picture, alt="")))
    (first, second) = (await us.record(uri))["embed"]["images"]
    assert (first["alt"], first["aspectRatio"], second["alt"]) == ("A flooded lane", {"width": 40, "height": 30}, "")
    item = await us.ask(bluesky.status(us.who.address, us.token, uri))
    assert item is not None
    assert [each.alt for each in bluesky.read(us.who.address, item).attachments] == ["A flooded lane", ""]


async def test_a_video_and_what_was_brought_up_before_its_time(us: Person) -> None:
    video = Video(VIDEO.read_bytes(), "video/mp4", "A walk along the river", 96, 64)
    uri = await us.say("Come along", video=video)
    embed = (await us.record(uri))["embed"]
    assert (embed["$type"], embed["alt"]) == ("app.bsky.embed.video", "A walk along the river")
    assert (embed["video"]["mimeType"], embed["video"]["size"]) == ("video/mp4", len(video.data))
    picture = Picture(a_png(40, 30), "image/png", "A flooded lane", 40, 30)
    draft = Draft(key=str(new_id()), text="Mill Lane", pictures=(picture,))
    brought = await us.ask(bluesky.bring(us.who.address, us.token, draft))
    bare = replace(draft, pictures=(replace(picture, data=b""),), brought=brought)
    made = await us.ask(bluesky.publish(us.who.address, us.token, bare))
    again = await us.ask(bluesky.publish(us.who.address, us.token, bare))
    assert made.remote_id == again.remote_id
    assert (await us.record(made.remote_id))["embed"]["images"][0]["alt"] == "A flooded lane"


async def test_a_link_has_its_card(us: Person) -> None:
    thumb = Picture(a_png(4, 3), "image/png", "", 4, 3)
    uri = await us.say("Roads", card=Card("https://roads.example/1", "Roads today", "Closed", thumb=thumb))
    external = (await us.record(uri))["embed"]["external"]
    assert (external["uri"], external["title"], external["thumb"]["mimeType"]) == (
        "https://roads.example/1",
        "Roads today",
        "image/png",
    )


async def test_a_warning_comes_first_and_is_a_veil_over_pictures(us: Person) -> None:
    record = await us.record(await us.say("A collision", content_warning="injuries"))
    assert record["text"] == "injuries\n\nA collision"
    assert "labels" not in record
    picture = Picture(a_png(4, 3), "image/png", "A road", 4, 3)
    record = await us.record(await us.say("A collision", content_warning="injuries", pictures=(picture,)))
    assert record["labels"]["values"] == [{"val": "graphic-media"}]


@pytest.mark.parametrize("piece", ["Mind the gap. ", "ŵŷ £5 – “so”… ", "👩‍👩‍👧‍👦", "w"])
async def test_every_part_that_we_cut_is_one_that_the_server_takes(us: Person, piece: str) -> None:
    parts = split(
        piece * 120 if len(piece) > 1 else piece * 700, FACTS[Platform.BLUESKY].limits, counter(Platform.BLUESKY)
    )
    uri = None
    for part in parts:
        uri = await us.say(part, uri)
        assert (await us.record(uri))["text"] == part


async def test_a_thread_of_ours_hangs_together_at_once(us: Person) -> None:
    first = await us.say("1/3")
    second = await us.say("2/3", first)
    reply = (await us.record(await us.say("3/3", second)))["reply"]
    assert (reply["root"]["uri"], reply["parent"]["uri"]) == (first, second)


async def test_nothing_is_said_under_what_is_not_there(us: Person) -> None:
    with pytest.raises(Refused) as error:
        await us.say("Hello?", f"at://{us.who.address.remote_id}/app.bsky.feed.post/3mbd3542k2227")
    assert error.value.refusal is Refusal.NOT_FOUND


async def test_deleting_twice_is_deleting_once(us: Person) -> None:
    uri = await us.say("Road closed")
    await us.ask(bluesky.delete(us.who.address, us.token, uri))
    await us.ask(bluesky.delete(us.who.address, us.token, uri))
    assert await us.ask(bluesky.status(us.who.address, us.token, uri)) is None


async def test_shared_and_liked_once_and_taken_back(us: Person, arrive: Arrive) -> None:
    jo = await arrive("jo")
    uri, key = await jo.say("The bridge is open again"), str(new_id())
    for act in (bluesky.repost, bluesky.like):
        made = [await us.ask(act(us.who.address, us.token, key, uri)) for _ in range(2)]
        assert made[0].remote_id == made[1].remote_id
        assert (await us.record(made[0].remote_id))["subject"]["uri"] == uri
        await us.ask(bluesky.delete(us.who.address, us.token, made[0].remote_id))
        assert await us.ask(bluesky.status(us.who.address, us.token, made[0].remote_id)) is None
