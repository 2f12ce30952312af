"""From a picture with a place in it to what the town holds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.runtime import Runtime
from api.media import clearing, receiving
from api.media import service as media
from api.media.schemas import MediaPatch
from api.media.store import store_of
from api.media.values import Words
from api.models import Account, Delivery, DeliveryState, Media, Post, SecretKind
from api.outbox import service as outbox
from api.platforms.values import Platform, Request, Response
from api.posts import service as posts
from api.posts.schemas import PostIn
from tests.support.factories import an_account
from tests.support.photos import SECRETS, a_photo, plain
from tests.support.stage import Stage, soon
from tests.support.town import RunningTown, running_town
from workers.jobs import luggage
from workers.platforms.http import HttpxCarrier

VIDEO = Path(__file__).parents[2] / "api" / "media" / "video.mp4"
ROAD = "A closed road with a diversion sign"


class Staged(Stage):
    """A stage on which pictures are added and posts carry them."""

    async def picture(self, data: bytes, alt: str = ROAD, focus: tuple[float, float] = (0, 0)) -> Media:
        came = await receiving.receive(
            self.runtime, self.cast.alice, self.cast.team.id, BytesIO(data), Words(alt, "", focus)
        )
        async with self.runtime.unit_of_work() as session:
            return await media.keep(session, self.cast.alice, came.media_id)

    async def post(self, account: Account, text: str, *carried: Media, seconds: float = 0.5) -> Post:
        wanted = PostIn(
            team_id=self.cast.team.id, text=text, account_ids=[account.id], media_ids=[each.id for each in carried],
            publish_at=soon(seconds),
        )  # fmt: skip
        async with self.runtime.unit_of_work() as session:
            return await posts.create(session, self.cast.alice, wanted)

    async def only(self) -> Delivery:
        (delivery,) = await self.all()
        return delivery


@pytest.fixture
async def staged(stage: Stage) -> Staged:
    return Staged(stage.runtime, stage.cast, stage.town)


async def test_it_goes_up_before_its_time_and_the_post_follows_at_its_time(staged: Staged) -> None:
    staged.runtime.settings = staged.runtime.settings.model_copy(update={"look_ahead": 5.0})
    account = await staged.account()
    await staged.post(account, "Road closed", await staged.picture(a_photo()), seconds=2)
    staged.start()

    async def is_up() -> bool:
        return bool(staged.town.media)

    await staged.until(is_up)
    delivery = await staged.only()
    assert now() < delivery.due_at
    assert staged.town.statuses == []
    sent = await staged.is_in(delivery, DeliveryState.SENT)
    (status,) = staged.town.statuses
    assert (status.text, status.media) == ("Road closed", (ROAD,))
    assert status.at >= sent.due_at


async def test_a_lost_answer_to_the_picture_is_simply_asked_again(staged: Staged) -> None:
    fates = iter(["lost_after"])
    staged.town.fault = lambda request: next(fates, None) if request.url.endswith("media") else None
    account = await staged.account()
    await staged.post(account, "Road closed", await staged.picture(a_photo()))
    staged.start()
    (sent,) = await staged.settled()
    assert sent.state is DeliveryState.SENT
    assert len(staged.town.media) == 2, "the first is never named"
    assert [status.media for status in staged.town.statuses] == [(ROAD,)]


async def test_a_lost_answer_to_the_post_is_recognised_by_its_pictures(staged: Staged) -> None:
    staged.town.idempotent = False
    fates = iter(["lost_after"])

    def lost(request: Request) -> str | None:
        return next(fates, None) if request.creates else None

    staged.town.fault = lost
    account = await staged.account()
    await staged.post(account, "Road closed", await staged.picture(a_photo()), await staged.picture(plain(), "A map"))
    staged.start()
    (sent,) = await staged.settled()
    assert (sent.state, sent.remote_id) == (DeliveryState.SENT, "1000")
    assert [status.media for status in staged.town.statuses] == [(ROAD, "A map")]


async def test_the_same_words_with_another_picture_are_another_post(staged: Staged) -> None:
    """Yesterday's post stands there with the same words: ours must still go out."""
    staged.town.idempotent = False
    account = await staged.account()
    await staged.post(account, "Road closed", await staged.picture(plain(), "Another road"), seconds=0.2)
    staged.start()
    await staged.settled()
    fates = iter(["lost_before"])
    staged.town.fault = lambda request: next(fates, None) if request.creates else None
    await staged.post(account, "Road closed", await staged.picture(a_photo()), seconds=0.2)
    await staged.settled()
    assert [status.media for status in staged.town.statuses] == [("Another road",), (ROAD,)]


async def test_a_picture_that_is_lost_from_the_store_is_said_and_nothing_goes_out(staged: Staged) -> None:
    account, picture = await staged.account(), await staged.picture(a_photo())
    await staged.post(account, "Road closed", picture)
    await store_of(staged.runtime.settings).delete(picture.file)
    staged.start()
    refused = await staged.is_in(await staged.only(), DeliveryState.REFUSED)
    assert refused.error == luggage.GONE
    assert staged.town.statuses == []


async def test_a_server_that_is_away_gets_the_picture_and_the_post_when_it_is_back(staged: Staged) -> None:
    away = True
    staged.town.fault = lambda _: "refused" if away else None
    account = await staged.account()
    await staged.post(account, "Road closed", await staged.picture(a_photo()), seconds=0.2)
    staged.start()

    async def was_tried() -> bool:
        return bool(staged.town.calls) and (await staged.only()).error is not None

    await staged.until(was_tried)
    away = False
    (sent,) = await staged.settled()
    assert (sent.state, staged.town.statuses[0].media) == (DeliveryState.SENT, (ROAD,))


async def test_what_is_slow_to_bring_up_holds_its_fence_and_goes_out_once(staged: Staged) -> None:
    """Longer than half a lease, after which a fence alone would not be believed."""
    staged.runtime.settings = staged.runtime.settings.model_copy(update={"lease": 1.0})
    account = await staged.account()
    picture = await staged.picture(a_photo())
    held = asyncio.Event()
    answer = staged.town.send

    async def slow(request: Request) -> Response:
        if request.url.endswith("media"):
            await held.wait()
        return await answer(request)

    staged.town.send = slow
    await staged.post(account, "Road closed", picture, seconds=0.1)
    staged.start()
    delivery = await staged.is_in(await staged.only(), DeliveryState.SENDING)
    await asyncio.sleep(1.2)
    held.set()
    sent = await staged.is_in(delivery, DeliveryState.SENT)
    assert (sent.attempts, len(staged.town.statuses)) == (1, 1)


async def test_a_platform_that_takes_less_gets_the_same_smaller_picture_each_time(staged: Staged) -> None:
    account = await staged.account()
    photo = a_photo(3000, 2200, noisy=True)
    picture = await staged.picture(photo)
    assert picture.size > 2_000_000
    async with staged.runtime.unit_of_work() as session:
        (await session.get_one(Account, account.id)).platform = Platform.BLUESKY
    account.platform = Platform.BLUESKY
    await staged.post(account, "Road closed", picture, seconds=0)
    async with staged.runtime.unit_of_work() as session:
        (claim,) = await outbox.claim(session, "w", now(), timedelta(seconds=9), timedelta(seconds=9), 1)
    first, again = [await luggage.Luggage(staged.runtime).packed(claim) for _ in range(2)]
    assert len(first.pictures[0].data) <= 2_000_000
    assert first == again
    assert (first.pictures[0].alt, first.pictures[0].kind) == (ROAD, "image/jpeg")
    assert Image.open(BytesIO(first.pictures[0].data)).size == (first.pictures[0].width, first.pictures[0].height)


async def test_a_worker_that_dies_once_the_picture_is_up_leaves_one_post(staged: Staged) -> None:
    """The next one brings it up again: what the dead one brought is never named."""
    staged.runtime.settings = staged.runtime.settings.model_copy(update={"look_ahead": 5.0, "lease": 0.5})
    account = await staged.account()
    await staged.post(account, "Road closed", await staged.picture(a_photo()), seconds=1.5)
    staged.start()

    async def is_up() -> bool:
        return bool(staged.town.media)

    await staged.until(is_up)
    await staged.crash()
    assert staged.town.statuses == []
    staged.start()
    (sent,) = await staged.settled()
    assert sent.state is DeliveryState.SENT
    assert [status.media for status in staged.town.statuses] == [(ROAD,)]
    assert len(staged.town.media) >= 2


async def test_words_cannot_be_changed_any_more_once_it_left(staged: Staged) -> None:
    account, picture = await staged.account(), await staged.picture(a_photo())
    await staged.post(account, "Road closed", picture)
    async with staged.runtime.unit_of_work() as session:
        await media.change(session, staged.cast.alice, picture.id, MediaPatch(alt="A closed lane"), None)
    staged.start()
    await staged.settled()
    assert staged.town.statuses[0].media == ("A closed lane",)
    with pytest.raises(Exception, match="went out already"):
        async with staged.runtime.unit_of_work() as session:
            await media.change(session, staged.cast.alice, picture.id, MediaPatch(alt="Too late"), None)


@pytest.fixture
async def town() -> AsyncIterator[RunningTown]:
    async with running_town() as running:
        yield running


@pytest.fixture
async def there(staged: Staged, town: RunningTown) -> AsyncIterator[Account]:
    """An account in the town that is a server of its own, and a carrier that reaches it."""
    async with staged.runtime.unit_of_work() as session:
        account = await an_account(session, staged.cast.force, staged.cast.team, "sandfordnorth@town.example")
        async with town.client() as client:
            who = (await client.get("/api/v1/accounts/verify_credentials")).json()
        account.instance, account.remote_id = town.url, who["id"]
        sealed = staged.vault.sealer.seal(town.tokens["sandfordnorth"].encode())
        await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealed)
    carrier = HttpxCarrier(frozenset({("127.0.0.1", town.port)}), timeout=5)
    staged.carrier = carrier
    yield account
    await staged.stop()
    await carrier.aclose()


async def test_not_a_byte_of_the_place_is_in_what_a_server_receives(
    staged: Staged, town: RunningTown, there: Account
) -> None:
    came = a_photo(1200, 900, orientation=6)
    assert [secret for secret in SECRETS if secret in came]
    await staged.post(there, "Road closed at Mill Lane", await staged.picture(came, focus=(0.25, -0.5)))
    staged.start()
    (sent,) = await staged.settled()
    assert sent.state is DeliveryState.SENT, sent.error
    (post,) = await town.posts(source="api")
    (picture,) = post["media"]
    assert (picture["description"], picture["meta"]["focus"]) == (ROAD, {"x": 0.25, "y": -0.5})
    async with httpx.AsyncClient() as client:
        received = (await client.get(picture["url"])).content
    assert [secret for secret in SECRETS if secret in received] == []
    seen = Image.open(BytesIO(received))
    assert (seen.size, dict(seen.getexif())) == ((900, 1200), {})


async def test_a_video_arrives_whole_once_the_server_has_prepared_it(
    staged: Staged, town: RunningTown, there: Account
) -> None:
    await town.faults(media_slow=0.6)
    picture = await staged.picture(VIDEO.read_bytes(), "A walk along the river")
    await staged.post(there, "Come along", picture, seconds=0.2)
    staged.start()
    (sent,) = await staged.settled()
    assert sent.state is DeliveryState.SENT, sent.error
    (post,) = await town.posts(source="api")
    async with httpx.AsyncClient() as client:
        received = (await client.get(post["media"][0]["url"])).content
    assert received == await store_of(staged.runtime.settings).read(picture.file)
    assert post["media"][0]["mime"] == "video/mp4"


async def test_a_server_that_only_knows_the_older_way_gets_its_picture(
    staged: Staged, town: RunningTown, there: Account
) -> None:
    await town.faults(no_v2=True)
    await staged.post(there, "Road closed", await staged.picture(a_photo()))
    staged.start()
    (sent,) = await staged.settled()
    assert sent.state is DeliveryState.SENT, sent.error
    assert len((await town.posts(source="api"))[0]["media"]) == 1


async def test_what_nothing_carries_goes_after_a_day_and_what_a_post_carries_stays(staged: Staged) -> None:
    loose, carried = await staged.picture(plain()), await staged.picture(a_photo())
    await staged.post(await staged.account(), "Next year", carried, seconds=3600 * 24 * 400)
    store = store_of(staged.runtime.settings)
    assert await clearing.clear(staged.runtime) == 0
    staged.runtime.clock.pass_time(hours=26)
    assert await clearing.clear(staged.runtime) == 1
    assert await clearing.clear(staged.runtime) == 0
    assert await store.read(carried.file)
    with pytest.raises(FileNotFoundError):
        await store.read(loose.file)
    assert await _kept(staged.runtime) == [carried.id]


async def _kept(runtime: Runtime) -> list[UUID]:
    async with runtime.read() as session:
        return list((await session.execute(select(col(Media.id)))).scalars())
