"""The practice sky: what is put once stays once, sessions run out, and everything that can break does."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.support.sky import RunningSky, post, put, readable, running_sky
from workers.town.bluesky import cids

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUT = "com.atproto.repo.putRecord"
GET = "com.atproto.repo.getRecord"
RKEY = "3mbd3542k2227"
STRUCK = {"path": f"/xrpc/{PUT}", "next": 1}
WHERE = {"collection": "app.bsky.feed.post", "rkey": RKEY}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[RunningSky]:
    async with running_sky() as sky:
        yield sky


@pytest_asyncio.fixture(loop_scope="module")
async def sky(running: RunningSky) -> RunningSky:
    await running.reset()
    return running


class Us:
    def __init__(self, sky: RunningSky, session: dict[str, str]) -> None:
        self.sky, self.did, self.access, self.renewal = sky, session["did"], session["accessJwt"], session["refreshJwt"]

    async def ask(self, method: str, body: object = None, **query: object) -> httpx.Response:
        return await self.sky.xrpc(method, body, self.access, **query)

    async def put(self, text: str, **more: object) -> httpx.Response:
        return await self.ask(PUT, put(self.did, RKEY, post(text), **more))


@pytest_asyncio.fixture(loop_scope="module")
async def us(sky: RunningSky) -> Us:
    return Us(sky, await sky.session("sandfordnorth"))


async def test_the_same_again_is_no_commit_and_other_words_are_not_put_over_it(us: Us) -> None:
    first, again = (await us.put("Road closed", swapRecord=None), await us.put("Road closed", swapRecord=None))
    assert first.json()["uri"] == again.json()["uri"]
    assert ("commit" in first.json(), "commit" in again.json()) == (True, False)
    assert readable(await us.put("Road open", swapRecord=None)) == (400, "InvalidSwap")
    assert (await us.put("Road open")).json()["cid"] != first.json()["cid"]
    stored = (await us.ask(GET, repo=us.did, **WHERE)).json()
    assert stored["value"]["text"] == "Road open"
    assert [one["text"] for one in await us.sky.posts()] == ["Road closed", "Road open"]


async def test_names_are_times_and_lengths_are_counted(us: Us) -> None:
    assert readable(await us.ask(PUT, put(us.did, "mine", post("x")))) == (400, "InvalidRequest")
    assert readable(await us.put("x" * 301)) == (400, "InvalidRequest")
    assert (await us.put("x" * 300)).status_code == 200


async def test_what_is_taken_away_twice_is_gone_once_and_never_forgotten(us: Us) -> None:
    await us.put("Road closed")
    for _ in range(2):
        answer = await us.ask("com.atproto.repo.deleteRecord", {"repo": us.did, **WHERE})
        assert (answer.status_code, answer.json()) == (200, {})
    assert readable(await us.ask(GET, repo=us.did, **WHERE)) == (400, "RecordNotFound")
    assert [one["deleted_at"] is not None for one in await us.sky.posts()] == [True]


async def test_a_record_that_stands_there_already_breaks_createrecord_and_stays(us: Us) -> None:
    await us.put("Road closed")
    made = await us.ask("com.atproto.repo.createRecord", {**put(us.did, RKEY, post("Road open"))})
    assert readable(made) == (500, "InternalServerError")
    fresh = {name: value for name, value in put(us.did, "", post("Road open")).items() if name != "rkey"}
    assert (await us.ask("com.atproto.repo.createRecord", fresh)).json()["uri"].startswith(f"at://{us.did}/")


async def test_nobody_writes_as_somebody_else(us: Us, sky: RunningSky) -> None:
    other = await sky.session("wexleytown")
    assert readable(await us.ask(PUT, put(other["did"], RKEY, post("x")))) == (401, "AuthRequired")
    assert readable(await sky.xrpc(PUT, put(us.did, RKEY, post("x")))) == (401, "AuthMissing")
    assert readable(await sky.xrpc(PUT, put(us.did, RKEY, post("x")), "a.b.c")) == (400, "InvalidToken")


async def test_a_renewal_dies_once_its_grace_is_over(us: Us, sky: RunningSky) -> None:
    refresh = "com.atproto.server.refreshSession"
    first = await sky.xrpc(refresh, {}, us.renewal)
    again = await sky.xrpc(refresh, {}, us.renewal)
    assert _jti(first.json()["refreshJwt"]) == _jti(again.json()["refreshJwt"])
    await sky.faults(grace_seconds=0.0)
    assert (await sky.xrpc(refresh, {}, first.json()["refreshJwt"])).status_code == 200
    assert readable(await sky.xrpc(refresh, {}, first.json()["refreshJwt"])) == (400, "ExpiredToken")


def _jti(token: str) -> str:
    return token.split(".")[1]


async def test_what_was_revoked_is_over_at_once(us: Us, sky: RunningSky) -> None:
    await sky.revoke("sandfordnorth")
    assert readable(await us.put("x")) == (400, "InvalidToken")
    assert readable(await sky.xrpc("com.atproto.server.refreshSession", {}, us.renewal)) == (400, "ExpiredToken")


async def test_its_limits_are_told_in_seconds_since_1970(us: Us) -> None:
    headers = (await us.ask("com.atproto.server.getSession")).headers
    assert int(headers["ratelimit-reset"]) > 1_700_000_000
    assert headers["ratelimit-policy"].endswith(";w=300")
    await us.sky.faults({"kind": "rate_limited", "seconds": 90, **STRUCK})
    limited = await us.put("x")
    assert readable(limited) == (429, "RateLimitExceeded")
    assert int(limited.headers["ratelimit-reset"]) > 1_700_000_000


@pytest.mark.parametrize("kind", ["lost_answer", "cut_body"])
async def test_what_is_lost_on_the_way_back_was_committed(us: Us, kind: str) -> None:
    await us.sky.faults({"kind": kind, **STRUCK})
    with pytest.raises(httpx.RemoteProtocolError):
        await us.put("Road closed")
    assert [one["text"] for one in await us.sky.posts()] == ["Road closed"]


async def test_what_breaks_before_leaves_nothing_and_after_leaves_one(us: Us) -> None:
    for kind, there in (("error_before", 0), ("html", 0), ("redirect", 0), ("error_after", 1)):
        await us.sky.faults({"kind": kind, **STRUCK})
        await us.put("Road closed")
        assert len(await us.sky.posts()) == there, kind


async def test_a_fault_can_be_for_one_account(us: Us, sky: RunningSky) -> None:
    other = Us(sky, await sky.session("wexleytown"))
    await sky.faults({"kind": "token_expired", "path": f"/xrpc/{PUT}", "account": "wexleytown"})
    assert (await us.put("x")).status_code == 200
    assert readable(await other.put("x")) == (400, "ExpiredToken")


async def test_a_direct_message_sent_twice_is_there_twice(us: Us, sky: RunningSky) -> None:
    said = await sky.say("jom", "Can I ask something?", to="sandfordnorth", visibility="direct")
    convo = said["id"].removeprefix("chat:").partition("/")[0]
    for _ in range(2):
        sent = await us.ask("chat.bsky.convo.sendMessage", {"convoId": convo, "message": {"text": "Of course"}})
        assert sent.status_code == 200
    messages = (await us.ask("chat.bsky.convo.getMessages", convoId=convo)).json()["messages"]
    assert [one["text"] for one in messages] == ["Of course", "Of course", "Can I ask something?"]
    stranger = Us(sky, await sky.session("wexleytown"))
    assert readable(await stranger.ask("chat.bsky.convo.getMessages", convoId=convo)) == (400, "InvalidConvo")


async def test_a_resident_names_us_answers_us_and_we_are_told(us: Us, sky: RunningSky) -> None:
    await sky.faults(lag_seconds=0.0)
    ours = (await us.put("What worries you?")).json()["uri"]
    named = await sky.say("jom", "speeding again", to="sandfordnorth")
    answer = await sky.say("lollylin", "the bins", in_reply_to_id=ours)
    listed = (await us.ask("app.bsky.notification.listNotifications")).json()["notifications"]
    assert {(one["uri"], one["reason"]) for one in listed} == {(named["id"], "mention"), (answer["id"], "reply")}
    thread = (await us.ask("app.bsky.feed.getPostThread", uri=ours)).json()["thread"]
    assert [one["post"]["uri"] for one in thread["replies"]] == [answer["id"]]
    feed = (await us.ask("app.bsky.feed.getAuthorFeed", actor=us.did)).json()["feed"]
    assert [one["post"]["uri"] for one in feed] == [ours]


async def test_a_killed_sky_remembers_everything_it_answered(sky: RunningSky) -> None:
    us = Us(sky, await sky.session("sandfordnorth"))
    uri = (await us.put("Road closed")).json()["uri"]
    await sky.kill()
    await sky.start()
    assert (await us.ask(GET, repo=us.did, **WHERE)).json()["uri"] == uri


async def test_the_side_door_is_shut_without_its_key(sky: RunningSky) -> None:
    async with httpx.AsyncClient(base_url=sky.url) as stranger:
        assert (await stranger.get("/town/statuses")).status_code == 403


async def test_equal_content_has_the_name_that_everybody_gives_it() -> None:
    # The empty map in DAG-CBOR, and no bytes at all: names that anybody's library gives them.
    assert cids.of_record({}) == "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"
    assert cids.of_blob(b"") == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    assert cids.of_record({"b": 1, "aa": -1}) == cids.of_record({"aa": -1, "b": 1})
