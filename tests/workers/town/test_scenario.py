from collections import Counter
from datetime import datetime

import pytest

from tests.support.town import running_town
from tests.workers.town.conftest import Town
from workers.town import scenario
from workers.town.settings import TownSettings
from workers.town.world import Town as World


def _at(status: dict) -> float:
    return datetime.fromisoformat(status["created_at"]).timestamp()


async def test_the_past_ends_shortly_before_now() -> None:
    town = Town(scenario="week")
    past = await town.everything()
    now = town.clock.now_ms / 1000
    times = [_at(one) for one in past]
    assert times == sorted(times)
    assert 60 < now - times[-1] < 600
    assert now - times[0] > 10 * 86_400
    assert any(one["deleted_at"] for one in past)
    assert any(one["edited_at"] for one in past)
    kinds = Counter((one["account"].startswith("sandford"), one["visibility"]) for one in past)
    assert min(kinds[True, "public"], kinds[False, "public"], kinds[False, "direct"], kinds[True, "direct"]) > 10
    told = (await town.north.get("/api/v1/notifications?types[]=mention&limit=80")).json()
    assert len(told) > 75
    assert len((await town.north.get("/api/v1/conversations?limit=40")).json()) > 10


async def test_nothing_the_trainer_knows_is_shown() -> None:
    town = Town(scenario="week")
    shown = (await town.north.get("/api/v1/notifications?limit=80")).text
    for word in ("check_now", "crime_or_information", "safeguarding", "siren"):
        assert word not in shown


async def test_any_five_minutes_of_the_demo_hold_one_of_everything() -> None:
    town = Town(scenario="week", pace="demo", seed=3)
    kinds = town.app.state.town.scenario.kinds
    town.live(60)
    before = len(await town.everything())
    town.live(300)
    new = (await town.everything())[before:]
    assert len(new) >= 8
    said = [one["text"].split(" ", 1)[1] for one in new]

    def heard(kind: str) -> bool:
        starts = {line.text.split("{")[0].split(" ")[0] for line in kinds[kind]}
        return any(text.split(" ")[0] in starts for text in said)

    for kind in ("mention", "thread", "thanks", "joke", "report", "urgent"):
        assert heard(kind), kind
    assert any(one["visibility"] == "direct" for one in new)
    assert any(one["in_reply_to_id"] for one in new)


async def test_nobody_says_the_same_thing_twice_in_an_hour() -> None:
    town = Town(scenario="week", pace="demo", speed=1)
    before = len(await town.everything())
    town.live(3 * 3600)
    new = (await town.everything())[before:]
    assert len(new) > 300
    last: dict[str, float] = {}
    for one in new:
        words = one["text"].split(" ", 1)[1]
        if not one["edited_at"]:
            assert _at(one) - last.get(words, 0) >= 3600, words
        last[words] = _at(one)


async def test_answers_go_under_the_newest_post_that_asks() -> None:
    town = Town(scenario="week", pace="demo")
    asked = await town.post("What should your local team work on? Name up to three issues.")
    await town.post("Bike marking on Saturday.")
    town.live(400)
    answers = [one for one in await town.everything() if one["in_reply_to_id"] == asked["id"]]
    assert len(answers) >= 6
    assert len({one["text"] for one in answers}) == len(answers)


@pytest.mark.parametrize("visibility", ["public", "direct"])
async def test_a_resident_answers_the_team_at_most_twice(visibility: str) -> None:
    town = Town(pace="demo")
    message = await town.say("jom", "Speeding again", to="sandfordnorth", visibility=visibility)
    for _ in range(4):
        reply = await town.post("@jom Thank you, noted.", in_reply_to_id=message["id"], visibility=visibility)
        town.live(10)
    answers = [one for one in await town.everything(account="jom") if one["id"] != message["id"]]
    assert len(answers) == 2
    assert {one["visibility"] for one in answers} == {visibility}
    assert all(one["text"].startswith("@sandfordnorth ") for one in answers)
    assert answers[0]["in_reply_to_id"] != reply["id"]
    told = (await town.north.get("/api/v1/notifications?types[]=mention")).json()
    assert len(told) == 3


async def test_the_answer_comes_within_three_to_eight_seconds() -> None:
    town = Town(pace="demo")
    message = await town.say("jom", "Speeding again", to="sandfordnorth")
    reply = await town.post("@jom Thank you.", in_reply_to_id=message["id"])
    town.live(10)
    (answer,) = [one for one in await town.everything(account="jom") if one["in_reply_to_id"] == reply["id"]]
    assert 3 <= _at(answer) - _at(reply) <= 9


async def test_a_still_town_says_nothing_of_itself() -> None:
    town = Town(scenario="week", pace="still")
    before = len(await town.everything())
    await town.post("What should your local team work on?")
    town.live(600)
    assert len(await town.everything()) == before + 1


async def test_the_same_seed_tells_the_same_story() -> None:
    async def told(seed: int) -> list[str]:
        town = Town(scenario="week", pace="demo", seed=seed)
        town.live(300)
        return [one["text"] for one in await town.everything(source="town")]

    assert await told(5) == await told(5) != await told(6)


async def test_a_restart_goes_on_where_the_story_stood() -> None:
    async with running_town(scenario="week", pace="fast", speed=200) as running:
        before = await running.posts()
        assert len(before) > 180
        await running.kill()
        await running.start()
        after = await running.posts()
        assert after[: len(before)] == before
        texts = [one["text"] for one in after if one["source"] == "town"]
        assert len(texts) == len(set(texts))


async def test_everybody_who_speaks_lives_here() -> None:
    world = World(TownSettings())
    for lines in (world.scenario.kinds or {}).values():
        for line in lines:
            assert not line.who or world.account(line.who)
            assert not line.reply or world.account(line.reply_who)
    for name in ("quiet-day", "flood", "missing-child", "rumour", "pile-on", "protest"):
        for beat in scenario.load(name).beats:
            assert world.account(beat.who)


async def test_a_rehearsal_keeps_its_minutes() -> None:
    town = Town(scenario="flood", pace="demo")
    town.live(12 * 60)
    said = await town.everything()
    assert [one["account"] for one in said] == ["sandfordvale", "wendywheels", "cferris", "mo_rides"]
    with pytest.raises(ValueError, match="no scenario"):
        scenario.load("earthquake")
