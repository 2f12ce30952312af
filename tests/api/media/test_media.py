"""Adding, describing, carrying and letting go of pictures and videos, over REST."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.core.database import Database
from api.core.runtime import Runtime
from api.media import clearing
from api.media.store import LocalStore
from api.models import Delivery, DeliveryState, Media
from tests.api.posts.conftest import Accounts, token
from tests.api.posts.test_writing import soon
from tests.support.calling import Caller
from tests.support.factories import Cast, count_of
from tests.support.photos import SECRETS, a_photo, plain
from tests.support.uploads import add

VIDEO = (Path(__file__).parent / "video.mp4").read_bytes()
ALT = "A closed road with a diversion sign"


async def added(call: Caller, cast: Cast, data: bytes = b"", **fields: str) -> dict[str, Any]:
    answer = await add(call, cast.alice, cast.team.id, data, **{"alt": ALT, **fields})
    assert answer.status_code == 201, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


async def written(call: Caller, cast: Cast, accounts: Accounts, *media: dict[str, Any], **more: Any) -> Any:
    body = {
        "team_id": str(cast.team.id), "text": "Road closed", "account_ids": [str(accounts.north.id)],
        "media_ids": [each["id"] for each in media], **more,
    }  # fmt: skip
    return await call.post(cast.alice, "/posts", body)


async def carried(database: Database) -> list[list[str] | None]:
    async with database.read() as session:
        return [each.media_ids for each in (await session.execute(select(Delivery))).scalars()]


async def test_a_picture_is_added_cleaned_and_shown_to_the_team(call: Caller, cast: Cast) -> None:
    answer = await add(call, cast.alice, cast.team.id, a_photo(), name="IMG 0001.HEIC", alt=ALT, focus="0.5,-0.25")
    shape = answer.json()
    assert (shape["kind"], shape["content_type"], shape["width"], shape["height"]) == ("image", "image/jpeg", 640, 480)
    assert (shape["alt"], shape["focus"]) == (ALT, "0.5,-0.25")
    assert answer.headers["location"] == f"/api/v1/media/{shape['id']}"
    assert answer.headers["etag"] == shape["etag"]
    file = await call.get(cast.bob, f"/media/{shape['id']}/file")
    assert (file.status_code, len(file.content)) == (200, shape["size"])
    assert [secret for secret in SECRETS if secret in file.content] == []
    assert file.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["cache-control"].startswith("private")
    assert [each["id"] for each in (await call.get(cast.bob, "/media", team_id=str(cast.team.id))).json()["items"]] == [
        shape["id"]
    ]


async def test_a_video_is_handed_out_in_parts(call: Caller, cast: Cast) -> None:
    shape = await added(call, cast, VIDEO)
    assert (shape["kind"], shape["content_type"], shape["seconds"]) == ("video", "video/mp4", 1.0)
    path = f"/api/v1/media/{shape['id']}/file"
    whole = (await call.get(cast.alice, path.removeprefix("/api/v1"))).content
    for wanted, part in (("bytes=0-99", whole[:100]), ("bytes=5000-", whole[5000:]), ("bytes=-7", whole[-7:])):
        answer = await call._send("GET", cast.alice, path.removeprefix("/api/v1"), headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    beyond = await call._send("GET", cast.alice, path.removeprefix("/api/v1"), headers={"Range": "bytes=999999-"})
    assert beyond.status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00", "not a picture"),
        (b"<html><script>alert(1)</script>", "not a picture"),
        (b"\x1a\x45\xdf\xa3webm", "Save it as MP4"),
        (VIDEO[:900], "damaged"),
        (a_photo()[:2000], "damaged"),
    ],
)
async def test_what_cannot_go_out_is_refused_and_nothing_of_it_is_kept(
    call: Caller, cast: Cast, database: Database, tmp_path: Path, data: bytes, words: str
) -> None:
    answer = await add(call, cast.alice, cast.team.id, data, name="innocent.jpg")
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert answer.json()["field"] == "file"
    assert await count_of(database, Media) == 0
    assert not (tmp_path / "media").exists()


async def test_a_file_that_is_too_large_is_refused_before_it_is_looked_at(
    call: Caller, cast: Cast, runtime: Runtime, database: Database
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"upload_limit": 50_000})
    assert (await add(call, cast.alice, cast.team.id, bytes(60_000))).status_code == 413
    assert await count_of(database, Media) == 0


async def test_charlie_and_whoever_may_not_write_add_nothing_and_see_nothing(
    call: Caller, cast: Cast, database: Database
) -> None:
    shape = await added(call, cast)
    for stranger in cast.strangers():
        assert (await add(call, stranger, cast.team.id)).status_code == 404
        for path in (f"/media/{shape['id']}", f"/media/{shape['id']}/file"):
            assert (await call.get(stranger, path)).status_code == 404
        assert (await call.patch(stranger, f"/media/{shape['id']}", {"alt": "Mine"}, '"1"')).status_code == 404
        assert (await call.delete(stranger, f"/media/{shape['id']}")).status_code == 404
        assert (await call.get(stranger, "/media")).json()["items"] == []
    assert (await add(call, cast.dev, cast.team.id)).status_code == 403
    assert (await add(call, token(cast.alice, "posts:read"), cast.team.id)).status_code == 403
    assert await count_of(database, Media) == 1


async def test_the_same_key_adds_one_picture_whatever_the_border_of_its_form(
    call: Caller, cast: Cast, database: Database
) -> None:
    keyed = {"Idempotency-Key": "k-1"}
    first = await add(call, cast.alice, cast.team.id, a_photo(), headers=keyed, alt=ALT)
    again = await add(call, cast.alice, cast.team.id, a_photo(), headers=keyed, alt=ALT)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await add(call, cast.alice, cast.team.id, plain(), headers=keyed, alt=ALT)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert len((await call.get(cast.alice, "/media")).json()["items"]) == 1


async def test_a_store_that_fails_leaves_a_picture_that_nobody_sees_and_the_sweep_finds(
    call: Caller, cast: Cast, runtime: Runtime, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(self: LocalStore, name: str, file: Path) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "put", full)
        assert (await add(call, cast.alice, cast.team.id)).status_code == 500
    assert (await call.get(cast.alice, "/media")).json()["items"] == []
    runtime.clock.pass_time(hours=2)
    assert await clearing.clear(runtime) == 1
    assert await count_of(database, Media) == 0


async def test_words_change_with_their_version_and_a_focus_lies_in_the_picture(call: Caller, cast: Cast) -> None:
    shape = await added(call, cast)
    path = f"/media/{shape['id']}"
    assert (await call.patch(cast.bob, path, {"alt": "New"})).status_code == 428
    changed = await call.patch(cast.bob, path, {"alt": "New", "focus": "-1,1"}, shape["etag"])
    assert (changed.json()["alt"], changed.json()["focus"]) == ("New", "-1,1")
    assert (await call.patch(cast.bob, path, {"alt": "Newer"}, shape["etag"])).status_code == 412
    for wrong in ("2,0", "nan,0", "0", "left,top"):
        assert (await call.patch(cast.bob, path, {"focus": wrong}, "*")).status_code == 422
        assert (await add(call, cast.alice, cast.team.id, focus=wrong)).status_code == 422


async def test_a_post_carries_pictures_in_their_order_to_each_account(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    one, two = await added(call, cast), await added(call, cast, a_photo())
    both = [str(accounts.north.id), str(accounts.quays.id)]
    post = await written(call, cast, accounts, two, one, publish_at=soon(), account_ids=both)
    assert (post.status_code, post.json()["media_ids"]) == (201, [two["id"], one["id"]])
    assert await carried(database) == [[two["id"], one["id"]]] * 2
    shown = (await call.get(cast.bob, f"/media/{one['id']}")).json()
    assert shown["kept_until"] is None
    assert (await call.delete(cast.alice, f"/media/{one['id']}")).status_code == 409
    changed = await call.patch(
        cast.alice, f"/posts/{post.json()['id']}", {"media_ids": [one["id"]]}, post.json()["etag"]
    )
    assert changed.json()["media_ids"] == [one["id"]]
    assert await carried(database) == [[one["id"]]] * 2
    assert (await call.get(cast.bob, f"/media/{two['id']}")).json()["kept_until"] is not None
    none = await call.patch(cast.alice, f"/posts/{post.json()['id']}", {"media_ids": []}, "*")
    assert none.status_code == 200
    assert await carried(database) == [None] * 2


async def test_nothing_goes_out_undescribed_and_a_reason_is_enough(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    mute = await added(call, cast, alt="")
    refused = await written(call, cast, accounts, mute, publish_at=soon())
    assert (refused.status_code, refused.json()["field"]) == (422, "media_ids")
    assert refused.json()["detail"] == "Describe the picture for people who cannot see it, or say why not."
    assert (await written(call, cast, accounts, mute)).status_code == 201, "a draft may be half done"
    assert await count_of(database, Delivery) == 0
    with_reason = await added(call, cast, alt="", no_alt_reason="Only decoration")
    assert (await written(call, cast, accounts, with_reason, publish_at=soon())).status_code == 201


async def test_each_account_says_what_it_cannot_take(
    call: Caller, cast: Cast, accounts: Accounts, database: Database, runtime: Runtime
) -> None:
    pictures = [await added(call, cast) for _ in range(5)]
    video = await added(call, cast, VIDEO)
    long = await added(call, cast, alt="a" * 1501)

    async def refusal(*media: dict[str, Any]) -> str:
        answer = await written(call, cast, accounts, *media, publish_at=soon())
        assert answer.status_code == 422
        return str(answer.json()["detail"])

    assert "4 pictures at most" in await refusal(*pictures)
    assert "not both" in await refusal(pictures[0], video)
    assert "1 characters too long for north@town.example" in await refusal(long)
    async with runtime.unit_of_work() as session:
        (await session.get_one(type(accounts.north), accounts.north.id)).limits = {"video_size": 5000}
    assert "takes 0 MB" in await refusal(video)
    assert await count_of(database, Delivery) == 0


async def test_another_teams_picture_cannot_be_carried(
    call: Caller, cast: Cast, accounts: Accounts, database: Database
) -> None:
    theirs = (await add(call, cast.ellie, cast.other_team.id, alt=ALT)).json()
    strangers = (await add(call, cast.charlie, cast.wexley_team.id, alt=ALT)).json()
    for each in (theirs, strangers, {"id": str(UUID(int=7))}):
        answer = await written(call, cast, accounts, each)
        assert answer.status_code == 404
    twice = await written(call, cast, accounts, theirs, theirs)
    assert twice.status_code == 422


async def test_what_is_put_aside_is_gone_at_once_and_its_file_soon(
    call: Caller, cast: Cast, runtime: Runtime, accounts: Accounts, tmp_path: Path
) -> None:
    shape = await added(call, cast)
    assert (await call.delete(cast.bob, f"/media/{shape['id']}")).status_code == 204
    assert (await call.get(cast.alice, f"/media/{shape['id']}")).status_code == 404
    assert (await written(call, cast, accounts, shape)).status_code == 404
    runtime.clock.pass_time(hours=2)
    assert await clearing.clear(runtime) == 1
    assert [each for each in (tmp_path / "media").rglob("*") if each.is_file()] == []


async def test_a_picture_that_is_cleared_away_and_carried_at_the_same_moment_is_one_or_the_other(
    call: Caller, cast: Cast, runtime: Runtime, accounts: Accounts, database: Database
) -> None:
    shape = await added(call, cast)
    runtime.clock.pass_time(hours=23.9)
    answer, cleared = await asyncio.gather(written(call, cast, accounts, shape), clearing.clear(runtime))
    assert (answer.status_code, cleared) == (201, 0)
    runtime.clock.pass_time(hours=48)
    assert await clearing.clear(runtime) == 0


@pytest.mark.parametrize(
    "state", [DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.SENT]
)
async def test_words_stay_as_they_left(
    call: Caller, cast: Cast, accounts: Accounts, database: Database, state: DeliveryState
) -> None:
    """A lost answer is looked for with these words."""
    shape = await added(call, cast)
    await written(call, cast, accounts, shape, publish_at=soon())
    async with database.write() as session:
        await session.execute(update(Delivery).values(state=state))
    late = await call.patch(cast.alice, f"/media/{shape['id']}", {"alt": "Other words"}, "*")
    assert late.status_code == 409


async def test_a_photo_of_several_megabytes_passes_the_door(call: Caller, cast: Cast, runtime: Runtime) -> None:
    photo = a_photo(2600, 1900, noisy=True)
    assert len(photo) > runtime.settings.body_limit
    assert (await add(call, cast.alice, cast.team.id, photo)).status_code == 201
    too_long = await call.post(cast.alice, "/posts", {"team_id": str(cast.team.id), "text": "a" * len(photo)})
    assert too_long.status_code == 413, "elsewhere nothing so large comes in"
