"""Pictures in the town: described, made ready in their own time, shown as they were sent."""

from tests.support.photos import plain
from tests.workers.town.conftest import Town

PNG = ("a.png", plain(), "image/png")


async def bring(town: Town, version: str = "v2", **fields: str) -> tuple[int, dict]:
    answer = await town.north.post(f"/api/{version}/media", files={"file": PNG}, data=fields)
    return answer.status_code, answer.json()


async def test_a_picture_is_shown_with_its_words_and_in_its_order(town: Town) -> None:
    ids = []
    for number in ("one", "two", "three"):
        status, media = await bring(town, description=f"Picture {number}", focus="-0.5,0.25")
        assert status == 200
        ids.append(media["id"])
    made = await town.post("Look", media_ids=list(reversed(ids)))
    seen = made["media_attachments"]
    assert [each["description"] for each in seen] == ["Picture three", "Picture two", "Picture one"]
    assert seen[0]["meta"] == {"focus": {"x": -0.5, "y": 0.25}}
    page = (await town.north.get("/@sandfordnorth")).text
    assert page.index("Picture three") < page.index("Picture two") < page.index("Picture one")
    assert (await town.north.get(f"/media/{ids[0]}")).content == PNG[1]


async def test_what_is_not_ready_cannot_be_named_yet(town: Town) -> None:
    await town.faults(media_slow=5)
    status, media = await bring(town)
    assert (status, media["url"]) == (202, None)
    assert (await town.north.get(f"/api/v1/media/{media['id']}")).status_code == 206
    early = await town.north.post("/api/v1/statuses", json={"status": "Too early", "media_ids": [media["id"]]})
    assert early.status_code == 422
    town.live(6)
    assert (await town.north.get(f"/api/v1/media/{media['id']}")).status_code == 200
    assert (await town.post("Now", media_ids=[media["id"]]))["media_attachments"]


async def test_some_are_never_ready(town: Town) -> None:
    await town.faults(media_never_ready=True)
    _, media = await bring(town)
    town.live(600)
    assert (await town.north.get(f"/api/v1/media/{media['id']}")).status_code == 206


async def test_a_server_without_the_newer_way_still_takes_pictures(town: Town) -> None:
    await town.faults(no_v2=True)
    assert (await bring(town))[0] == 404
    assert (await bring(town, "v1"))[0] == 200


async def test_descriptions_have_an_end(town: Town) -> None:
    assert (await bring(town, description="a" * 1500))[0] == 200
    assert (await bring(town, description="a" * 1501))[0] == 422
