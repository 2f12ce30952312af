"""Drafts and publishing over REST: what goes out was checked, and somebody stands for it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from api.core.clock import clock, now
from api.core.database import Database
from api.library import service as library
from api.models import AuditEntry, Delivery, DeliveryState, Destination, Post, Schedule
from tests.api.posts.conftest import Accounts, token
from tests.support.calling import Caller
from tests.support.factories import Cast, count_of

WORDS = "Bike marking at the library, Saturday 10am."


def body(cast: Cast, *accounts: Any, **more: Any) -> dict[str, Any]:
    return {"team_id": str(cast.team.id), "text": WORDS, "account_ids": [str(a.id) for a in accounts], **more}


def soon(**ahead: float) -> str:
    return (now() + timedelta(**(ahead or {"hours": 1}))).isoformat()


async def test_a_post_without_a_time_is_a_draft_and_nothing_is_queued(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    answer = await call.post(cast.alice, "/posts", body(cast, accounts.north))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["deliveries"], made["author"]) == ("draft", [], "PCSO Alice Marsh")
    assert made["account_ids"] == [str(accounts.north.id)]
    assert answer.headers["etag"] == made["etag"]
    assert answer.headers["location"] == f"/api/v1/posts/{made['id']}"
    assert await count_of(database, Delivery) == 0


async def test_a_draft_may_be_empty_or_too_long(call: Caller, cast: Cast, accounts: Accounts) -> None:
    assert (await call.post(cast.lottie, "/posts", {"team_id": str(cast.team.id)})).status_code == 201
    answer = await call.post(cast.lottie, "/posts", body(cast, accounts.quays, text="x" * 600))
    assert answer.json()["state"] == "draft"


async def test_a_post_with_a_time_is_scheduled_for_every_account(call: Caller, cast: Cast, accounts: Accounts) -> None:
    at = soon(hours=3)
    variants = [{"account_id": str(accounts.quays.id), "text": "Short for the Quays"}]
    answer = await call.post(
        cast.alice, "/posts", body(cast, accounts.north, accounts.quays, publish_at=at, variants=variants)
    )
    made = answer.json()
    assert answer.status_code == 201
    assert made["state"] == "scheduled"
    assert made["confirmed_how"] == "person"
    assert made["variants"] == variants
    assert {each["account_id"] for each in made["deliveries"]} == {str(accounts.north.id), str(accounts.quays.id)}
    for each in made["deliveries"]:
        assert each["state"] == "queued"
        assert datetime.fromisoformat(each["due_at"]) == datetime.fromisoformat(at)
        assert (each["sent_at"], each["lateness_ms"], each["remote_id"], each["url"], each["error"]) == (None,) * 5
    assert made["schedule_id"]
    assert (await call.get(cast.bob, f"/posts/{made['id']}")).json() == made


async def test_each_account_says_its_own_words(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    variants = [{"account_id": str(accounts.quays.id), "text": "Short for the Quays"}]
    await call.post(
        cast.alice, "/posts", body(cast, accounts.north, accounts.quays, publish_at=soon(), variants=variants)
    )
    async with database.read() as session:
        said = {each.account_id: each.text for each in (await session.execute(select(Delivery))).scalars()}
    assert said == {accounts.north.id: WORDS, accounts.quays.id: "Short for the Quays"}


async def test_publishing_by_token_is_a_named_persons_standing_answer(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    system = token(cast.alice, "posts:publish")
    made = (await call.post(system, "/posts", body(cast, accounts.north, publish_at=soon()))).json()
    assert (made["confirmed_how"], made["confirmed_by_id"]) == ("token", str(cast.alice.person_id))
    async with database.read() as session:
        rows = await session.execute(select(AuditEntry).where(AuditEntry.action == "posts.publish"))
        entry = rows.scalar_one()
    assert (str(entry.subject_id), entry.person_id) == (made["id"], cast.alice.person_id)
    assert entry.detail["confirmed_how"] == "token"
    assert WORDS not in str(entry.detail)


async def test_a_token_without_publish_makes_drafts_only(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    system = token(cast.alice, "posts:write")
    assert (await call.post(system, "/posts", body(cast, accounts.north))).json()["state"] == "draft"
    answer = await call.post(system, "/posts", body(cast, accounts.north, publish_at=soon()))
    assert answer.status_code == 403
    assert "posts:publish" in answer.json()["detail"]
    assert await count_of(database, Post) == 1


async def test_a_contributor_proposes_and_somebody_else_publishes(call: Caller, cast: Cast, accounts: Accounts) -> None:
    refused = await call.post(cast.lottie, "/posts", body(cast, accounts.north, publish_at=soon()))
    assert refused.status_code == 403
    draft = (await call.post(cast.lottie, "/posts", body(cast, accounts.north))).json()
    assert (await call.post(cast.lottie, f"/posts/{draft['id']}/publish")).status_code == 403
    published = await call.post(cast.alice, f"/posts/{draft['id']}/publish")
    assert published.status_code == 200
    assert published.json()["confirmed_by_id"] == str(cast.alice.person_id)


async def test_publish_without_a_time_means_now(call: Caller, cast: Cast, accounts: Accounts) -> None:
    draft = (await call.post(cast.alice, "/posts", body(cast, accounts.north))).json()
    before = now()
    published = (await call.post(cast.alice, f"/posts/{draft['id']}/publish", {})).json()
    assert before <= datetime.fromisoformat(published["deliveries"][0]["due_at"]) <= now()
    again = await call.post(cast.alice, f"/posts/{draft['id']}/publish", {})
    assert again.status_code == 409


async def test_the_last_minute_means_now_and_an_earlier_time_is_refused(
    call: Caller, cast: Cast, accounts: Accounts
) -> None:
    just_now = await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon(seconds=-50)))
    assert just_now.status_code == 201
    assert datetime.fromisoformat(just_now.json()["publish_at"]) > now() - timedelta(seconds=20)
    past = await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon(seconds=-61)))
    assert past.status_code == 422
    assert past.json()["field"] == "publish_at"


async def test_useful_until_comes_after_the_time(call: Caller, cast: Cast, accounts: Accounts) -> None:
    at = soon(hours=2)
    same = await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=at, useful_until=at))
    assert (same.status_code, same.json()["field"]) == (422, "useful_until")
    early = await call.post(
        cast.alice, "/posts", body(cast, accounts.north, publish_at=soon(hours=2), useful_until=soon(hours=1))
    )
    assert (early.status_code, early.json()["field"]) == (422, "useful_until")


async def test_text_that_is_too_long_is_refused_by_account_and_number(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    answer = await call.post(
        cast.alice, "/posts", body(cast, accounts.north, accounts.quays, text="é" * 57, publish_at=soon())
    )
    assert answer.status_code == 422
    assert "7 too many for quays@town.example" in answer.json()["detail"]
    assert answer.json()["too_long"] == [
        {"account_id": str(accounts.quays.id), "handle": "quays@town.example", "over": 7}
    ]
    assert await count_of(database, Post) == 0


@pytest.mark.parametrize("text", ["", "   \n ", "Meet at {venue} on {date}"])
async def test_empty_or_unfilled_text_never_goes_out(call: Caller, cast: Cast, accounts: Accounts, text: str) -> None:
    answer = await call.post(cast.alice, "/posts", body(cast, accounts.north, text=text, publish_at=soon()))
    assert (answer.status_code, answer.json()["field"]) == (422, "text")


async def test_without_an_account_nothing_goes_out(call: Caller, cast: Cast) -> None:
    answer = await call.post(cast.alice, "/posts", body(cast, publish_at=soon()))
    assert (answer.status_code, answer.json()["field"]) == (422, "account_ids")


async def test_accounts_and_variants_must_agree(call: Caller, cast: Cast, accounts: Accounts) -> None:
    twice = await call.post(cast.alice, "/posts", body(cast, accounts.north, accounts.north))
    assert twice.status_code == 422
    stray = [{"account_id": str(accounts.quays.id), "text": "Hello"}]
    assert (await call.post(cast.alice, "/posts", body(cast, accounts.north, variants=stray))).status_code == 422


async def test_an_account_that_is_not_yours_does_not_exist(call: Caller, cast: Cast, accounts: Accounts) -> None:
    for account in (accounts.wexley, accounts.other_team, accounts.force_own):
        assert (await call.post(cast.alice, "/posts", body(cast, account))).status_code == 404
    unknown = body(cast) | {"account_ids": [str(uuid4())]}
    assert (await call.post(cast.alice, "/posts", unknown)).status_code == 404
    wrong_team = await call.post(cast.ellie, "/posts", body(cast, accounts.other_team))
    assert wrong_team.status_code == 422
    assert "another team" in wrong_team.json()["detail"]
    assert (await call.post(cast.ellie, "/posts", body(cast, accounts.force_own, publish_at=soon()))).status_code == 201


async def test_charlie_sees_and_touches_nothing(call: Caller, cast: Cast, accounts: Accounts) -> None:
    made = (await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon()))).json()
    path = f"/posts/{made['id']}"
    for stranger in cast.strangers():
        assert (await call.get(stranger, path)).status_code == 404
        assert (await call.patch(stranger, path, {"text": "Ha"}, made["etag"])).status_code == 404
        assert (await call.post(stranger, f"{path}/publish")).status_code == 404
        assert (await call.post(stranger, f"{path}/cancel")).status_code == 404
        assert (await call.post(stranger, "/posts", body(cast))).status_code == 404
        assert (await call.get(stranger, "/posts")).json()["items"] == []
        assert (await call.get(stranger, "/posts", team_id=str(cast.team.id))).json()["items"] == []


async def test_those_who_only_look_cannot_write(call: Caller, cast: Cast, accounts: Accounts) -> None:
    made = (await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon()))).json()
    for viewer in (cast.dev, cast.moira, cast.sam, token(cast.alice, "posts:read")):
        assert (await call.get(viewer, f"/posts/{made['id']}")).status_code == 200
        assert (await call.post(viewer, "/posts", body(cast))).status_code == 403
        assert (await call.patch(viewer, f"/posts/{made['id']}", {"text": "Ha"}, made["etag"])).status_code == 403
        assert (await call.post(viewer, f"/posts/{made['id']}/cancel")).status_code == 403
    inbox = token(cast.alice, "inbox:read")
    assert (await call.get(inbox, f"/posts/{made['id']}")).status_code == 404


@pytest.mark.parametrize("at", ["2026-12-01T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", 0, "now"])
async def test_a_time_without_an_offset_or_sense_is_422(call: Caller, cast: Cast, accounts: Accounts, at: Any) -> None:
    assert (await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=at))).status_code == 422


async def test_what_cannot_be_stored_is_422(call: Caller, cast: Cast, accounts: Accounts) -> None:
    assert (await call.post(cast.alice, "/posts", body(cast, text="a\x00b"))).status_code == 422
    assert (await call.post(cast.alice, "/posts", body(cast, surprise=1))).status_code == 422
    assert (await call.post(cast.alice, "/posts", body(cast, text=5))).status_code == 422
    variants = [{"account_id": str(accounts.north.id), "text": "a\x00b"}]
    assert (await call.post(cast.alice, "/posts", body(cast, accounts.north, variants=variants))).status_code == 422


async def test_an_idempotency_key_makes_one_post(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    data = body(cast, accounts.north, publish_at=soon())
    first = await call.post(cast.alice, "/posts", data, **{"Idempotency-Key": "k-1"})
    second = await call.post(cast.alice, "/posts", data, **{"Idempotency-Key": "k-1"})
    assert (second.status_code, second.json()) == (201, first.json())
    assert (
        await count_of(database, Post) == await count_of(database, Schedule) == await count_of(database, Delivery) == 1
    )


async def test_the_list_is_by_team_and_state_and_pages(call: Caller, cast: Cast, accounts: Accounts) -> None:
    drafts = [(await call.post(cast.alice, "/posts", body(cast, text=f"Draft {n}"))).json()["id"] for n in range(5)]
    due = (await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon()))).json()
    scheduled = (await call.get(cast.bob, "/posts", state="scheduled")).json()
    assert [each["id"] for each in scheduled["items"]] == [due["id"]]
    found, cursor = [], None
    while True:
        page = (
            await call.get(cast.bob, "/posts", state="draft", limit=2, **({"cursor": cursor} if cursor else {}))
        ).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == drafts[::-1]


async def test_a_locked_standard_post_changes_in_its_fields_only(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    async with database.write() as session:
        standard = await library.add_standard_post(
            session, None, cast.force.id, "cp-lock", "Lock up", "crime_prevention",
            "Lock the {what}. See a break-in? Call 999.", locked=True,
            fields=[{"name": "what", "label": "What", "max": 20}],
        )  # fmt: skip
    use = {"team_id": str(cast.team.id), "standard_post_id": str(standard.id), "account_ids": [str(accounts.north.id)]}
    filled = await call.post(cast.alice, "/posts", use | {"values": {"what": "shed"}, "publish_at": soon()})
    assert filled.json()["text"] == "Lock the shed. See a break-in? Call 999."
    fields = (await call.post(cast.alice, "/posts", use | {"values": {}})).json()
    assert (fields["status"], fields["field"]) == (422, "values.what")
    bent = await call.post(cast.alice, "/posts", use | {"text": "Lock the shed. See a break-in? Call Dave."})
    assert bent.status_code == 422
    assert "locked" in bent.json()["detail"]
    path, etag = f"/posts/{filled.json()['id']}", filled.json()["etag"]
    assert (await call.patch(cast.alice, path, {"text": "Call Dave."}, etag)).status_code == 422
    assert (await call.get(cast.alice, path)).json() == filled.json()


async def test_a_post_hours_late_is_not_published_again_by_time_passing(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    made = (await call.post(cast.alice, "/posts", body(cast, accounts.north, publish_at=soon(hours=1)))).json()
    clock.pass_time(hours=5)
    moved = await call.patch(cast.alice, f"/posts/{made['id']}", {"publish_at": made["publish_at"]}, made["etag"])
    assert (moved.status_code, moved.json()["field"]) == (422, "publish_at")
    async with database.read() as session:
        delivery = (await session.execute(select(Delivery))).scalar_one()
    assert delivery.state is DeliveryState.QUEUED
    assert await count_of(database, Destination) == 1
