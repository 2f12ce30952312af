import asyncio
from datetime import datetime

import httpx
import pytest

from tests.support.town import RunningTown
from tests.workers.town.conftest import Town
from workers.town import ids

POST = {"method": "POST", "path": "/api/v1/statuses"}


async def test_a_lost_answer_was_committed(socket_town: RunningTown) -> None:
    await socket_town.faults({"kind": "lost_answer", "next": 1, **POST})
    async with socket_town.client() as north:
        with pytest.raises(httpx.RemoteProtocolError):
            await north.post("/api/v1/statuses", json={"status": "Hello"}, headers={"Idempotency-Key": "k"})
        assert len(await socket_town.posts()) == 1
        again = await north.post("/api/v1/statuses", json={"status": "Hello"}, headers={"Idempotency-Key": "k"})
    assert [one["id"] for one in await socket_town.posts()] == [again.json()["id"]]


async def test_a_reset_happened_before_anything_else(socket_town: RunningTown) -> None:
    await socket_town.faults({"kind": "reset", "next": 1, **POST})
    async with socket_town.client() as north:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await north.post("/api/v1/statuses", json={"status": "Hello"})
    assert await socket_town.posts() == []


async def test_a_body_can_be_cut_short(socket_town: RunningTown) -> None:
    await socket_town.faults({"kind": "cut_body", "next": 1, **POST})
    async with socket_town.client() as north:
        with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
            await north.post("/api/v1/statuses", json={"status": "Hello"})
    assert len(await socket_town.posts()) == 1


async def test_it_leaves_while_people_are_waiting(socket_town: RunningTown) -> None:
    await socket_town.faults({"kind": "slow_before", "seconds": 30})
    async with socket_town.client() as north, socket_town.client() as idle:
        await idle.get("/town/state", headers={"X-Town-Key": socket_town.key})
        waiting = asyncio.create_task(north.get("/api/v1/notifications"))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(20):  # it was asked to be slow for 30
            await socket_town.stop()
        with pytest.raises(httpx.TransportError):
            await waiting
    assert socket_town.process is not None
    assert socket_town.process.returncode == 0


async def test_a_killed_town_remembers_everything_it_answered(socket_town: RunningTown) -> None:
    key = {"Idempotency-Key": "k"}
    async with socket_town.client() as north:
        first = await north.post("/api/v1/statuses", json={"status": "Hello"}, headers=key)
        await socket_town.say("jom", "Hello to you", to="sandfordnorth")
        before = (await north.get("/api/v1/notifications")).json()
        await socket_town.kill()
        await socket_town.start()
    async with socket_town.client() as north:
        again = await north.post("/api/v1/statuses", json={"status": "Hello"}, headers=key)
        assert again.json()["id"] == first.json()["id"]
        assert (await north.get("/api/v1/notifications")).json() == before
        later = await north.post("/api/v1/statuses", json={"status": "Later"})
    assert int(later.json()["id"]) > int(first.json()["id"])


async def test_two_hundred_posts_at_once_are_all_taken(socket_town: RunningTown) -> None:
    slots = asyncio.Semaphore(50)
    async with socket_town.client() as north:

        async def post(number: int) -> int:
            async with slots:
                return (await north.post("/api/v1/statuses", json={"status": f"Number {number}"})).status_code

        assert set(await asyncio.gather(*(post(number) for number in range(200)))) == {200}
    posts = await socket_town.posts("sandfordnorth")
    assert len({one["text"] for one in posts}) == len(posts) == 200


@pytest.mark.parametrize(
    ("kind", "status", "committed"),
    [
        ("error_before", 503, 0),
        ("error_after", 503, 1),
        ("rate_limited", 429, 0),
        ("html", 200, 0),
        ("redirect", 302, 0),
        ("token_expired", 401, 0),
        ("token_revoked", 401, 0),
    ],
)
async def test_each_fault_says_what_it_says_and_commits_what_it_commits(
    town: Town, kind: str, status: int, committed: int
) -> None:
    await town.faults({"kind": kind, "next": 1, **POST})
    answer = await town.north.post("/api/v1/statuses", json={"status": "Hello"})
    assert answer.status_code == status
    assert len(await town.everything()) == committed
    assert (await town.north.post("/api/v1/statuses", json={"status": "Again"})).status_code == 200


@pytest.mark.parametrize("style", ["iso", "epoch", "seconds", "date", "none"])
async def test_too_many_requests_in_every_style_of_header(town: Town, style: str) -> None:
    await town.faults({"kind": "rate_limited", "style": style, "seconds": 90})
    headers = (await town.north.get("/api/v1/notifications")).headers
    back = town.clock.now_ms / 1000 + 90
    match style:
        case "iso":
            assert datetime.fromisoformat(headers["x-ratelimit-reset"]).timestamp() == back
        case "epoch":
            assert headers["x-ratelimit-reset"] == str(int(back))
        case "seconds":
            assert headers["retry-after"] == "90"
        case "date":
            assert headers["retry-after"].endswith("GMT")
        case "none":
            assert not {"retry-after", "x-ratelimit-reset"} & set(headers)


async def test_slow_after_has_committed_before_it_waits(town: Town) -> None:
    await town.faults({"kind": "slow_after", "seconds": 30, **POST})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(town.north.post("/api/v1/statuses", json={"status": "Hello"}), 0.1)
    assert len(await town.everything()) == 1


async def test_chance_comes_from_the_seed() -> None:
    async def struck(seed: int) -> list[int]:
        town = Town(seed=seed)
        await town.faults({"kind": "error_before", "probability": 0.4})
        return [(await town.north.get("/api/v1/notifications")).status_code for _ in range(30)]

    first = await struck(1)
    assert first == await struck(1) != await struck(2)
    assert 3 < first.count(503) < 25


async def test_a_rule_can_let_some_pass_and_mind_its_path(town: Town) -> None:
    await town.faults({"kind": "error_before", "skip": 1, "next": 1, "path": "/api/v1/accounts/*"})
    codes = []
    for path in ("/api/v1/notifications", *["/api/v1/accounts/verify_credentials"] * 3):
        codes.append((await town.north.get(path)).status_code)
    assert codes == [200, 200, 503, 200]


async def test_switches_make_it_another_kind_of_server(town: Town) -> None:
    await town.faults(no_v2=True, ids="ulid", refuse_empty_user_agent=True)
    assert (await town.north.get("/api/v2/instance")).status_code == 404
    assert (await town.north.get("/api/v1/instance", headers={"User-Agent": ""})).status_code == 418
    numbers = [(await town.post(f"Number {n}"))["id"] for n in range(3)]
    assert all(len(number) == 26 for number in numbers)
    assert numbers == sorted(numbers)
    assert (await town.north.get(f"/api/v1/statuses/{numbers[1]}")).json()["id"] == numbers[1]


def test_either_style_of_id_leads_back() -> None:
    for number in (110_000_000_000_000_001, 117_670_553_012_011_008, (1 << 62) + 5):
        assert ids.read(ids.show(number, "ulid")) == ids.read(ids.show(number)) == number
    assert ids.read("goose") is None


async def test_the_limit_is_real_and_belongs_to_one_token() -> None:
    town = Town(rate_limit=3)
    answers = [await town.north.get("/api/v1/notifications") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[3].json() == {"error": "Too many requests"}
    assert (await town.as_("sandfordvale").get("/api/v1/notifications")).status_code == 200
    town.clock.pass_seconds(300)
    assert (await town.north.get("/api/v1/notifications")).status_code == 200


async def test_a_misspelt_fault_is_refused(town: Town) -> None:
    for wrong in ({"rules": [{"kind": "lost"}]}, {"rules": [{"kind": "reset", "often": 1}]}, {"switch": {}}):
        assert (await town.trainer.put("/town/faults", json=wrong)).status_code == 422


async def test_the_side_door_needs_the_key_and_a_near_caller(town: Town) -> None:
    assert (await town.anyone.get("/town/statuses")).status_code == 403
    far = httpx.AsyncClient(
        transport=httpx.ASGITransport(town.app, client=("192.0.2.7", 1)),
        base_url="http://town.test",
        headers={"X-Town-Key": "trainer"},
    )
    assert (await far.get("/town/statuses")).status_code == 403
    shut = Town(key="")
    assert (await shut.trainer.get("/town/statuses")).status_code == 404


async def test_a_reset_empties_the_town_and_ids_go_on(town: Town) -> None:
    before = await town.post("Hello")
    await town.faults({"kind": "error_before"})
    assert (await town.trainer.post("/town/reset")).status_code == 200
    assert await town.everything() == []
    after = await town.post("Hello again")
    assert int(after["id"]) > int(before["id"])
