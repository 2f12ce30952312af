"""The whole loop, told once and driven over HTTP wherever an installation stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.installation import Office, until
from tests.support.town import RunningTown

WORDS = "Bike marking at Northgate Library, Saturday 10am to noon."
THANKS = "We will be on Mill Lane on Tuesday morning."
PRIVATELY = "Thank you for telling us. Somebody will ring you today."
QUESTION = "What should we work on? Name up to three issues. Answer here."


async def told(office: Office, town: RunningTown) -> None:
    """A post goes out on time, the town answers, the team replies, and everybody is asked for priorities."""
    post = await a_post_goes_out_once_and_on_time(office, town)
    await a_resident_is_answered_in_public(office, town, post)
    await a_private_word_stays_private(office, town)
    await priorities_are_asked_and_shown_by_source(office, town)
    assert len([each for each in await ours(town) if each["text"] == WORDS]) == 1


async def a_post_goes_out_once_and_on_time(office: Office, town: RunningTown) -> Any:
    due = datetime.now(UTC) + timedelta(seconds=2)
    post = await office.post(
        "/posts",
        {"team_id": office.team_id, "text": WORDS, "account_ids": [office.account_id], "publish_at": due.isoformat()},
    )
    assert (post["state"], [each["state"] for each in post["deliveries"]]) == ("scheduled", ["queued"])
    (scheduled,) = (await office.get("/schedules", team_id=office.team_id))["items"]
    assert scheduled["post_id"] == post["id"]
    assert await ours(town) == []
    sent = await office.until(f"/posts/{post['id']}", lambda seen: seen if seen["state"] == "sent" else None)
    (delivery,) = sent["deliveries"]
    (published,) = await ours(town)
    assert (published["text"], published["id"]) == (WORDS, delivery["remote_id"])
    assert 0 <= delivery["lateness_ms"] < 5000
    assert datetime.fromisoformat(published["created_at"]) >= due - timedelta(milliseconds=50)
    return sent


async def a_resident_is_answered_in_public(office: Office, town: RunningTown, post: Any) -> None:
    asked = await town.say(
        "jom", "Will you mark scooters as well?", to="sandfordnorth", in_reply_to_id=post["deliveries"][0]["remote_id"]
    )
    talk = await stands_in_the_inbox(office, "jom", "scooters")
    assert (talk["kind"], talk["state"], talk["post_id"], talk["waiting_since"] is None) == (
        "public", "open", post["id"], False,
    )  # fmt: skip
    seen = await the_team_answers(office, town, talk, THANKS, asked["id"])
    assert seen["visibility"] == asked["visibility"]
    assert THANKS in seen["text"]
    closed = await office.post(f"/conversations/{talk['id']}/close")
    assert closed["state"] == "closed"
    listed = (await office.get("/conversations", state="open"))["items"]
    assert talk["id"] not in [each["id"] for each in listed]


async def a_private_word_stays_private(office: Office, town: RunningTown) -> None:
    whispered = await town.say("margaret_bl", "Roy is home again.", to="sandfordnorth", visibility="direct")
    talk = await stands_in_the_inbox(office, "margaret_bl", "Roy")
    assert talk["kind"] == "direct"
    seen = await the_team_answers(office, town, talk, PRIVATELY, whispered["id"])
    assert seen["visibility"] == "direct"
    assert (await office.get(f"/conversations/{talk['id']}"))["waiting_since"] is None


async def priorities_are_asked_and_shown_by_source(office: Office, town: RunningTown) -> None:
    question = await office.post(
        "/questions",
        {
            "neighbourhood_id": office.neighbourhood_id, "text": QUESTION, "account_ids": [office.account_id],
            "publish_at": datetime.now(UTC).isoformat(),
        },
    )  # fmt: skip
    about = f"/questions/{question['id']}"
    sent = await office.until(
        f"/posts/{question['post_ids'][0]}", lambda seen: seen if seen["state"] == "sent" else None
    )
    under = sent["deliveries"][0]["remote_id"]
    await town.say("gurpreet_k", "Speeding on Mill Lane, please.", to="sandfordnorth", in_reply_to_id=under)
    (answer,) = await office.until(f"{about}/answers", lambda seen: seen["items"])
    assert (answer["source"], answer["state"], answer["suggested"]) == ("online", "to_confirm", True)
    confirmed = await office.post(f"/answers/{answer['id']}/confirm", {"issues": ["speeding-and-road-safety"]})
    assert confirmed["state"] == "confirmed"
    await office.post(
        f"{about}/answers",
        {
            "source": "meeting", "heads": 31, "place": "Northgate Community Hall", "held_on": "2026-11-23",
            "counts": {"speeding-and-road-safety": 14, "parking": 9},
        },
    )  # fmt: skip
    picture = await office.get(f"{about}/picture")
    shown = {each["issue"]: each for each in picture["issues"]}
    (meeting,) = picture["meetings"]
    assert (meeting["heads"], meeting["counts"]["parking"]) == (31, 9)
    assert shown["speeding-and-road-safety"]["people"] == {"online": 1}
    assert shown["speeding-and-road-safety"]["hands"] == {meeting["id"]: 14}
    assert shown["parking"]["hands"] == {meeting["id"]: 9}


async def stands_in_the_inbox(office: Office, handle: str, words: str) -> Any:
    def theirs(seen: Any) -> Any:
        found = (each for each in seen["items"] if each["contact_handle"].startswith(handle))
        return next((each for each in found if words in each["last_words"]), None)

    return await office.until("/conversations", theirs)


async def the_team_answers(office: Office, town: RunningTown, talk: Any, words: str, to: str) -> Any:
    """What the resident then sees in the town; seen once, and known here to be out."""
    message = await office.post(f"/conversations/{talk['id']}/replies", {"text": words})

    def is_out(thread: Any) -> bool:
        mine = next(each for each in thread["messages"] if each["id"] == message["id"])
        return bool(mine["delivery"]["state"] == "sent")

    await office.until(f"/conversations/{talk['id']}", is_out)

    async def answers() -> list[Any]:
        return [each for each in await ours(town) if each["in_reply_to_id"] == to]

    (seen,) = await until(answers)
    return seen


async def ours(town: RunningTown) -> list[dict[str, Any]]:
    return await town.posts(account="sandfordnorth")
