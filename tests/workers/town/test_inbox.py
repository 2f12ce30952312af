from tests.workers.town.conftest import Town


async def _ids(town: Town, **query: object) -> list[str]:
    answer = await town.north.get("/api/v1/notifications", params=query)
    return [one["id"] for one in answer.json()]


async def test_whoever_is_mentioned_is_told_once(town: Town) -> None:
    said = await town.say("jom", "@sandfordnorth @sandfordnorth speeding again")
    told = (await town.north.get("/api/v1/notifications")).json()
    assert [(one["type"], one["status"]["id"], one["account"]["acct"]) for one in told] == [
        ("mention", said["id"], "jom")
    ]
    one = await town.north.get(f"/api/v1/notifications/{told[0]['id']}")
    assert one.json()["id"] == told[0]["id"]
    stranger = await town.as_("sandfordvale").get(f"/api/v1/notifications/{told[0]['id']}")
    assert stranger.json() == {"error": "Record not found"}


async def test_min_id_reads_forward_and_since_id_from_the_newest(town: Town) -> None:
    for number in range(6):
        await town.say("jom", f"Number {number}", to="sandfordnorth")
    newest_first = await _ids(town)
    oldest_first = newest_first[::-1]
    assert await _ids(town, min_id=oldest_first[0], limit=2) == [oldest_first[2], oldest_first[1]]
    assert await _ids(town, since_id=oldest_first[0], limit=2) == [newest_first[0], newest_first[1]]
    await town.faults(ignore_min_id=True)
    assert await _ids(town, min_id=oldest_first[0], limit=2) == [newest_first[0], newest_first[1]]


async def test_following_prev_links_finds_everything_once(town: Town) -> None:
    for number in range(9):
        await town.say("jom", f"Number {number}", to="sandfordnorth")
    everything, seen = (await _ids(town))[::-1], []
    url = f"/api/v1/notifications?limit=2&min_id={everything[0]}"
    while (answer := await town.north.get(url)).json():
        seen += [one["id"] for one in answer.json()][::-1]
        url = answer.links["prev"]["url"]
    assert seen == everything[1:]


async def test_types_can_be_chosen_and_left_out(town: Town) -> None:
    posted = await town.post("Hello")
    await town.as_("jom").post(f"/api/v1/statuses/{posted['id']}/favourite")
    await town.say("jom", "Hello", to="sandfordnorth")
    mentions = (await town.north.get("/api/v1/notifications?types[]=mention&types[]=status")).json()
    assert [one["type"] for one in mentions] == ["mention"]
    others = (await town.north.get("/api/v1/notifications?exclude_types[]=mention")).json()
    assert [one["type"] for one in others] == ["favourite"]


async def test_a_conversation_is_one_thread_with_its_newest_message(town: Town) -> None:
    first = await town.say("margaret_bl", "Hello", to="sandfordnorth", visibility="direct")
    other = await town.say("jom", "psst", to="sandfordnorth", visibility="direct")
    last = await town.say(
        "margaret_bl", "Still me", to="sandfordnorth", visibility="direct", in_reply_to_id=first["id"]
    )
    found = (await town.north.get("/api/v1/conversations")).json()
    assert [one["last_status"]["id"] for one in found] == [last["id"], other["id"]]
    assert [one["accounts"][0]["acct"] for one in found] == ["margaret_bl", "jom"]
    assert [one["unread"] for one in found] == [True, True]
    newer = (await town.north.get("/api/v1/conversations", params={"min_id": other["id"]})).json()
    assert [one["last_status"]["id"] for one in newer] == [last["id"]]
    read = await town.north.post(f"/api/v1/conversations/{found[0]['id']}/read")
    assert read.json()["unread"] is False
    assert (await town.as_("sandfordvale").get("/api/v1/conversations")).json() == []
