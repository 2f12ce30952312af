import pytest

from tests.workers.town.conftest import Town


async def test_a_status_is_what_mastodon_would_answer(town: Town) -> None:
    posted = await town.post("Road closed <now>. See https://www.police.uk #quay @jom")
    assert posted["content"].startswith("<p>Road closed &lt;now&gt;. See <a href=")
    assert 'class="u-url mention">@<span>jom</span></a></span></p>' in posted["content"]
    assert posted["id"].isdigit()
    assert posted["created_at"].endswith("Z")
    assert len(posted["created_at"]) == len("2026-11-24T08:50:00.000Z")
    assert posted["account"]["acct"] == "sandfordnorth"
    assert [one["acct"] for one in posted["mentions"]] == ["jom"]
    assert posted["url"] == f"http://town.test/@sandfordnorth/{posted['id']}"
    page = await town.anyone.get(posted["url"])
    assert page.status_code == 200
    assert "nothing here is real" in page.text


async def test_a_form_does_as_well_as_json(town: Town) -> None:
    answer = await town.north.post("/api/v1/statuses", data={"status": "Hello", "visibility": "unlisted"})
    assert answer.json()["visibility"] == "unlisted"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 500, True),
        ("a" * 501, False),
        ("👩‍👩‍👧" * 500, True),
        ("https://example.com/" + "x" * 900, True),
        ("https://example.com/a " + "y" * 476, True),
        ("https://example.com/a " + "y" * 477, False),
        ("@robin@gazette.example " + "z" * 493, True),
        ("@robin@gazette.example " + "z" * 494, False),
    ],
)
async def test_length_counts_graphemes_links_as_23_and_no_servers(town: Town, text: str, fits: bool) -> None:
    answer = await town.north.post("/api/v1/statuses", json={"status": text})
    assert (answer.status_code == 200) is fits
    if not fits:
        assert answer.status_code == 422
        assert answer.json() == {"error": "Validation failed: Text character limit of 500 exceeded"}


async def test_the_same_key_within_the_hour_gives_the_first_status_back(town: Town) -> None:
    key = {"Idempotency-Key": "one"}
    first = await town.north.post("/api/v1/statuses", json={"status": "Once"}, headers=key)
    again = await town.north.post("/api/v1/statuses", json={"status": "Once"}, headers=key)
    town.clock.pass_seconds(3601)
    later = await town.north.post("/api/v1/statuses", json={"status": "Once"}, headers=key)
    assert first.json()["id"] == again.json()["id"] != later.json()["id"]
    assert len(await town.everything()) == 2


async def test_another_account_may_use_the_same_key(town: Town) -> None:
    key = {"Idempotency-Key": "one"}
    await town.north.post("/api/v1/statuses", json={"status": "Once"}, headers=key)
    await town.as_("sandfordvale").post("/api/v1/statuses", json={"status": "Once"}, headers=key)
    assert len(await town.everything()) == 2


async def test_idempotency_can_be_switched_off(town: Town) -> None:
    await town.faults(idempotency=False)
    for _ in range(2):
        await town.north.post("/api/v1/statuses", json={"status": "Twice"}, headers={"Idempotency-Key": "one"})
    assert len(await town.everything()) == 2


async def test_a_direct_message_is_for_its_two_people_only(town: Town) -> None:
    said = await town.say("margaret_bl", "I'm sorry to trouble you", to="sandfordnorth", visibility="direct")
    assert said["content"].startswith('<p><span class="h-card"')
    path = f"/api/v1/statuses/{said['id']}"
    assert (await town.north.get(path)).status_code == 200
    assert (await town.as_("margaret_bl").get(path)).status_code == 200
    for stranger in (town.anyone, town.as_("sandfordvale"), town.as_("jom")):
        assert (await stranger.get(path)).json() == {"error": "Record not found"}
        assert (await stranger.get(path + "/context")).status_code == 404
    margaret = said["account"]["id"]
    assert (await town.anyone.get(f"/api/v1/accounts/{margaret}/statuses")).json() == []
    assert [one["id"] for one in (await town.north.get(f"/api/v1/accounts/{margaret}/statuses")).json()] == [said["id"]]
    assert "sorry to trouble" not in (await town.anyone.get("/")).text
    assert (await town.anyone.get(f"/@margaret_bl/{said['id']}")).status_code == 404


async def test_a_direct_reply_reaches_only_whom_it_names(town: Town) -> None:
    said = await town.say("margaret_bl", "Hello", to="sandfordnorth", visibility="direct")
    await town.post("Without a name", in_reply_to_id=said["id"], visibility="direct")
    assert (await town.as_("margaret_bl").get("/api/v1/notifications")).json() == []
    await town.post("@margaret_bl with one", in_reply_to_id=said["id"], visibility="direct")
    told = (await town.as_("margaret_bl").get("/api/v1/notifications")).json()
    assert [one["type"] for one in told] == ["mention"]


async def test_a_thread_shows_what_stands_above_and_below(town: Town) -> None:
    first = await town.say("jom", "Speeding again", to="sandfordnorth")
    second = await town.say("lollylin", "I saw it too!", to="sandfordnorth", in_reply_to_id=first["id"])
    hidden = await town.say("jom", "don't tell", to="sandfordnorth", in_reply_to_id=second["id"], visibility="direct")
    third = await town.post("Thank you both", in_reply_to_id=second["id"])
    context = (await town.anyone.get(f"/api/v1/statuses/{second['id']}/context")).json()
    assert [one["id"] for one in context["ancestors"]] == [first["id"]]
    assert [one["id"] for one in context["descendants"]] == [third["id"]]
    seen = (await town.north.get(f"/api/v1/statuses/{first['id']}/context")).json()
    assert [one["id"] for one in seen["descendants"]] == [second["id"], hidden["id"], third["id"]]


async def test_replying_to_nothing_is_refused_in_mastodons_words(town: Town) -> None:
    answer = await town.north.post("/api/v1/statuses", json={"status": "Hm", "in_reply_to_id": "1"})
    assert answer.status_code == 404
    assert "trying to reply to" in answer.json()["error"]


async def test_an_edit_keeps_what_stood_there_before(town: Town) -> None:
    posted = await town.post("Road closd")
    town.clock.pass_seconds(60)
    edited = await town.north.put(f"/api/v1/statuses/{posted['id']}", json={"status": "Road closed"})
    assert edited.json()["edited_at"] > posted["created_at"]
    history = (await town.anyone.get(f"/api/v1/statuses/{posted['id']}/history")).json()
    assert [one["content"] for one in history] == ["<p>Road closd</p>", "<p>Road closed</p>"]
    source = (await town.north.get(f"/api/v1/statuses/{posted['id']}/source")).json()
    assert source["text"] == "Road closed"
    stranger = await town.as_("sandfordvale").put(f"/api/v1/statuses/{posted['id']}", json={"status": "Mine"})
    assert stranger.status_code == 404


async def test_what_is_deleted_is_gone_and_stays_countable(town: Town) -> None:
    posted = await town.post("Oops @jom")
    path = f"/api/v1/statuses/{posted['id']}"
    assert (await town.north.delete(path)).json()["text"] == "Oops @jom"
    assert (await town.north.delete(path)).json() == {"error": "Record not found"}
    assert (await town.as_("jom").get("/api/v1/notifications")).json() == []
    assert [bool(one["deleted_at"]) for one in await town.everything()] == [True]


async def test_own_list_goes_forward_without_a_gap(town: Town) -> None:
    numbers = [(await town.post(f"Number {n}"))["id"] for n in range(7)]
    me = (await town.north.get("/api/v1/accounts/verify_credentials")).json()
    path = f"/api/v1/accounts/{me['id']}/statuses"

    async def listed(**query: object) -> list[str]:
        return [one["id"] for one in (await town.north.get(path, params=query)).json()]

    assert await listed() == numbers[::-1]
    assert await listed(limit=2, min_id=numbers[1]) == [numbers[3], numbers[2]]
    assert await listed(limit=2, since_id=numbers[1]) == [numbers[6], numbers[5]]
    assert await listed(limit=2, max_id=numbers[2]) == [numbers[1], numbers[0]]
    first = await town.north.get(path, params={"limit": 3})
    assert first.links["next"]["url"].endswith(f"limit=3&max_id={numbers[4]}")
    assert first.links["prev"]["url"].endswith(f"limit=3&min_id={numbers[6]}")
    assert numbers == sorted(numbers, key=int)


async def test_own_list_can_lag_behind(town: Town) -> None:
    await town.faults(lag_seconds=5)
    posted = await town.post("Where am I")
    path = f"/api/v1/accounts/{posted['account']['id']}/statuses"
    assert (await town.north.get(path)).json() == []
    town.clock.pass_seconds(5)
    assert len((await town.north.get(path)).json()) == 1


async def test_liking_and_sharing_twice_counts_once(town: Town) -> None:
    posted = await town.post("Found: one goose")
    jo = town.as_("jom")
    for verb in ("favourite", "favourite", "reblog", "reblog"):
        assert (await jo.post(f"/api/v1/statuses/{posted['id']}/{verb}")).status_code == 200
    now = (await town.anyone.get(f"/api/v1/statuses/{posted['id']}")).json()
    assert (now["favourites_count"], now["reblogs_count"]) == (1, 1)
    kinds = [one["type"] for one in (await town.north.get("/api/v1/notifications")).json()]
    assert kinds == ["reblog", "favourite"]
    await jo.post(f"/api/v1/statuses/{posted['id']}/unfavourite")
    await jo.post(f"/api/v1/statuses/{posted['id']}/unreblog")
    now = (await town.anyone.get(f"/api/v1/statuses/{posted['id']}")).json()
    assert (now["favourites_count"], now["reblogs_count"]) == (0, 0)


async def test_a_picture_goes_out_with_its_description(town: Town) -> None:
    file = {"file": ("a.png", b"\x89PNG", "image/png")}
    sent = await town.north.post("/api/v2/media", files=file, data={"description": "A goose"})
    posted = await town.post("Look", media_ids=[sent.json()["id"]])
    assert [one["description"] for one in posted["media_attachments"]] == ["A goose"]
    refused = await town.north.post("/api/v2/media", files={"file": ("a.exe", b"MZ", "application/x-dosexec")})
    assert refused.status_code == 422
