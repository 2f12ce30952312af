"""Over REST: taking down, new words, earlier versions, sharing; and shares that stand on two platforms."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from api.core.clock import now
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryKind, DeliveryState, Errand, Post, PostState, Viewer
from api.platforms.values import Platform
from api.posts import service as posts
from tests.api.posts.conftest import Accounts, token
from tests.support.calling import Caller
from tests.support.factories import Cast, count_of

WHY = {"reason": "The road is open again"}


async def out(
    runtime: Runtime, cast: Cast, call: Caller, viewer: Viewer, *accounts: Account, text: str = "Road closed"
) -> Any:
    """A post as the workers leave it: out on each of its accounts."""
    written = await call.post(
        viewer,
        "/posts",
        {
            "team_id": str(cast.team.id), "text": text, "account_ids": [str(each.id) for each in accounts],
            "publish_at": now().isoformat(),
        },
    )  # fmt: skip
    assert written.status_code == 201, written.text
    post_id = UUID(written.json()["id"])
    async with runtime.unit_of_work() as session:
        rows = await session.execute(select(Delivery).where(col(Delivery.post_id) == post_id))
        for row in rows.scalars():
            row.state, row.sent_at = DeliveryState.SENT, now()
            row.remote_id, row.url = f"at://{row.account_id}", f"https://somewhere.example/{row.account_id}"
        await session.flush()
        await posts.settle(session, [post_id])
    return (await call.get(viewer, f"/posts/{post_id}")).json()


async def test_taking_down_answers_for_each_account(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.alice, accounts.north, accounts.quays)
    answer = await call.post(cast.alice, f"/posts/{post['id']}/withdraw", WHY)
    assert answer.status_code == 200
    assert answer.json()["withdrawn_at"] is not None
    told = {each["account_id"]: (each["state"], each["words"]) for each in answer.json()["accounts"]}
    assert set(told) == {str(accounts.north.id), str(accounts.quays.id)}
    assert all(state == "asked" and "has not answered yet" in words for state, words in told.values())
    assert await count_of(runtime.database, Errand) == 2


async def test_taking_down_with_a_key_is_done_once(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.alice, accounts.north)
    path = f"/posts/{post['id']}/withdraw"
    first = await call.post(cast.alice, path, WHY, **{"Idempotency-Key": "k1"})
    again = await call.post(cast.alice, path, WHY, **{"Idempotency-Key": "k1"})
    assert first.json() == again.json()
    assert await count_of(runtime.database, Errand) == 1


async def test_taking_down_needs_the_right_and_a_reason(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.alice, accounts.north)
    path = f"/posts/{post['id']}/withdraw"
    for viewer, status in ((cast.charlie, 404), (cast.ivy, 404), (cast.lottie, 403), (cast.moira, 403)):
        assert (await call.post(viewer, path, WHY)).status_code == status
    assert (await call.post(token(cast.alice, "posts:write"), path, WHY)).status_code == 403
    assert (await call.post(cast.alice, path, {"reason": " "})).status_code == 422
    assert await count_of(runtime.database, Errand) == 0


async def test_new_words_need_the_version_that_was_read(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.alice, accounts.north)
    path = f"/posts/{post['id']}"
    assert (await call.patch(cast.alice, path, {"text": "Open"})).status_code == 428
    changed = await call.patch(cast.alice, path, {"text": "Open"}, post["etag"])
    assert (changed.status_code, changed.json()["text"]) == (200, "Open")
    assert (await call.patch(cast.bob, path, {"text": "Closed"}, post["etag"])).status_code == 412
    assert (await call.get(cast.moira, f"{path}/versions")).json() == {"items": []}, "Nothing has changed there yet"
    assert (await call.get(cast.charlie, f"{path}/versions")).status_code == 404


async def test_a_platform_that_cannot_is_named_and_nothing_is_asked(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.alice, accounts.north, accounts.quays)
    await become_bluesky(runtime, accounts.quays)
    refused = await call.patch(cast.alice, f"/posts/{post['id']}", {"text": "Open"}, post["etag"])
    assert (refused.status_code, refused.json()["cannot"]) == (409, [str(accounts.quays.id)])
    only = {"variants": [{"account_id": str(accounts.north.id), "text": "Open"}]}
    assert (await call.patch(cast.alice, f"/posts/{post['id']}", only, post["etag"])).status_code == 200
    assert await count_of(runtime.database, Errand) == 1


async def become_bluesky(runtime: Runtime, *accounts: Account) -> None:
    async with runtime.unit_of_work() as session:
        ids = [each.id for each in accounts]
        await session.execute(
            update(Account).where(col(Account.id).in_(ids)).values(platform=Platform.BLUESKY, limits={})
        )


async def test_each_account_shares_what_stands_on_its_own_platform(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    async with runtime.unit_of_work() as session:
        second = Account(
            force_id=cast.force.id, platform=Platform.BLUESKY, instance="https://social.example",
            remote_id="did:plc:force", handle="force.example", name="The force", practice=True,
        )  # fmt: skip
        session.add(second)
    await become_bluesky(runtime, accounts.quays)
    post = await out(runtime, cast, call, cast.ellie, accounts.force_own, second)
    there = {each["account_id"]: each for each in post["deliveries"]}
    common = {"team_id": str(cast.team.id), "publish_at": now().isoformat()}
    both = [str(accounts.north.id), str(accounts.quays.id)]
    repost = await call.post(cast.alice, f"/posts/{post['id']}/share", {**common, "how": "repost", "account_ids": both})
    assert repost.status_code == 201, repost.text
    shared = await deliveries(runtime, repost.json()["id"])
    assert shared == {
        accounts.north.id: (DeliveryKind.REPOST, there[str(accounts.force_own.id)]["url"]),
        accounts.quays.id: (DeliveryKind.REPOST, there[str(second.id)]["remote_id"]),
    }
    link = await call.post(
        cast.alice, f"/posts/{post['id']}/share", {**common, "how": "link", "text": "Here too", "account_ids": both}
    )
    said = {each["account_id"]: each["text"] for each in link.json()["variants"]} | {"": link.json()["text"]}
    assert sorted(said.values()) == sorted(
        f"Here too {there[str(each.id)]['url']}" for each in (accounts.force_own, second)
    )
    assert link.json()["shares"]["how"] == "link"


async def deliveries(runtime: Runtime, post_id: str) -> dict[UUID, tuple[DeliveryKind, str | None]]:
    async with runtime.read() as session:
        rows = await session.execute(select(Delivery).where(col(Delivery.post_id) == UUID(post_id)))
        return {each.account_id: (each.kind, each.shares) for each in rows.scalars()}


async def test_what_did_not_go_out_on_a_platform_is_shared_there_as_a_link_only(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.ellie, accounts.force_own)
    await become_bluesky(runtime, accounts.quays)
    wanted = {
        "team_id": str(cast.team.id), "how": "repost", "account_ids": [str(accounts.quays.id)],
        "publish_at": now().isoformat(),
    }  # fmt: skip
    refused = await call.post(cast.alice, f"/posts/{post['id']}/share", wanted)
    assert (refused.status_code, "as a link" in refused.json()["detail"]) == (422, True)
    assert (await call.post(cast.alice, f"/posts/{post['id']}/share", {**wanted, "how": "link"})).status_code == 201


@pytest.mark.parametrize("who", ["charlie", "ivy", "moira", "dev"])
async def test_who_writes_nowhere_here_shares_nothing(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller, who: str
) -> None:
    post = await out(runtime, cast, call, cast.ellie, accounts.force_own)
    wanted = {"team_id": str(cast.team.id), "how": "link", "account_ids": [str(accounts.north.id)]}
    assert (await call.post(getattr(cast, who), f"/posts/{post['id']}/share", wanted)).status_code == 404
    theirs = {**wanted, "team_id": str(cast.wexley_team.id), "account_ids": [str(accounts.wexley.id)]}
    assert (await call.post(cast.charlie, f"/posts/{post['id']}/share", theirs)).status_code == 404
    assert await count_of(runtime.database, Post) == 1


async def test_a_gone_post_is_found_by_its_state(
    runtime: Runtime, cast: Cast, accounts: Accounts, call: Caller
) -> None:
    post = await out(runtime, cast, call, cast.alice, accounts.north)
    async with runtime.unit_of_work() as session:
        await session.execute(update(Delivery).values(gone_at=now()))
        await posts.settle(session, [UUID(post["id"])])
    listed = (await call.get(cast.alice, "/posts", state=PostState.WITHDRAWN.value)).json()["items"]
    assert [each["id"] for each in listed] == [post["id"]]
    assert listed[0]["deliveries"][0]["gone_at"] is not None
