"""Pictures in the writing form, without script: added with the form, described, put in order, taken out, sent."""

from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from api.core.runtime import Runtime
from api.media import queries
from api.models import Account, Delivery, DeliveryState, Media, MediaKind, PostMedia
from tests.api.media.test_media import VIDEO
from tests.support.factories import Cast
from tests.support.photos import SECRETS, a_photo, plain
from tests.support.reader import Page, Reader
from tests.web.conftest import Sits
from tests.web.test_writing import UNSURE, YES

ADD = "Bring them in"
DESCRIBE = "Describe the picture for people who cannot see it, or say why not."


@pytest.fixture
async def alice(sits: Sits, cast: Cast, account: Account) -> Reader:
    return await sits(cast.alice)


async def media(runtime: Runtime) -> list[Media]:
    async with runtime.read() as session:
        return list((await session.execute(select(Media).order_by(col(Media.created_at)))).scalars())


async def sent(runtime: Runtime) -> list[list[str] | None]:
    async with runtime.read() as session:
        return [each.media_ids for each in (await session.execute(select(Delivery))).scalars()]


def order(page: Page) -> list[str]:
    form = next(form for form in page.forms if YES in form.buttons)
    return [value for name, value in form.fields if name == "media_ids"]


async def test_a_picture_is_added_described_and_sent(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    page = await alice.press(ADD, files=[("IMG_1.jpg", a_photo())], text="Road closed")
    (picture,) = await media(runtime)
    assert order(page) == [str(picture.id)]
    assert ("text", "Road closed") in next(form for form in page.forms if YES in form.buttons).fields
    file = await alice.client.get(f"/media/{picture.id}/file")
    assert (file.headers["content-type"], [secret for secret in SECRETS if secret in file.content]) == (
        "image/jpeg",
        [],
    )
    small = await alice.client.get(f"/media/{picture.id}/small")
    assert 0 < len(small.content) < 60_000
    page = await alice.press(YES, **{f"alt-{picture.id}": "A closed road"})
    assert "on its way" in page.words
    assert "A closed road" in page.words
    assert await sent(runtime) == [[str(picture.id)]]


async def test_it_may_come_along_with_the_answer_itself(alice: Reader, runtime: Runtime) -> None:
    """The one press that a phone without script needs; only the words for it are still asked for."""
    await alice.open("/write")
    page = await alice.press(YES, files=[("a.png", plain())], text="Bike marking")
    assert alice.answer.status_code == 422
    assert DESCRIBE in page.words
    (picture,) = await media(runtime)
    page = await alice.press(YES, **{f"alt-{picture.id}": "", f"why-{picture.id}": "Only a pattern"})
    assert "on its way" in page.words
    assert await sent(runtime) == [[str(picture.id)]]


async def test_one_that_cannot_be_used_keeps_no_other_out_and_nothing_typed_is_lost(
    alice: Reader, runtime: Runtime
) -> None:
    await alice.open("/write")
    files = [("notes.pdf", b"%PDF-1.7"), ("a.png", plain()), ("half.jpg", a_photo()[:2000])]
    page = await alice.press(ADD, files=files, text="Three of them")
    assert "notes.pdf: This is not a picture" in page.words
    assert "half.jpg: This picture is damaged" in page.words
    assert len(order(page)) == len(await media(runtime)) == 1
    assert ("text", "Three of them") in next(form for form in page.forms if YES in form.buttons).fields


async def test_they_are_put_in_order_and_taken_out_by_buttons(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    page = await alice.press(ADD, files=[(f"{number}.png", plain()) for number in range(3)], text="Three")
    one, two, three = order(page)
    page = await alice.press("Later picture 1", **{f"alt-{one}": "The first"})
    assert order(page) == [two, one, three]
    assert (f"alt-{one}", "The first") in page.forms[-1].fields
    page = await alice.press("Earlier picture 3")
    assert order(page) == [two, three, one]
    page = await alice.press("Take out picture 2")
    assert order(page) == [two, one]
    await alice.press(UNSURE, **{f"alt-{two}": "The second"})
    page = await alice.follow("Go on writing")
    assert order(page) == [two, one]
    assert (f"alt-{two}", "The second") in page.forms[-1].fields


async def test_what_must_stay_in_sight_is_kept(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    page = await alice.press(ADD, files=[("a.jpg", a_photo())], text="Look")
    (picture,) = order(page)
    page = await alice.press(UNSURE, **{f"focus-{picture}": "1,-1", f"alt-{picture}": "A sign"})
    (row,) = await media(runtime)
    assert (row.focus_x, row.focus_y) == (1, -1)
    assert 'data-near="1,-1"' in (await alice.client.get(f"/write/{await _post_of(runtime, row.id)}")).text


async def test_a_video_and_a_picture_together_are_refused_beside_the_field(alice: Reader, runtime: Runtime) -> None:
    await alice.open("/write")
    page = await alice.press(ADD, files=[("a.png", plain()), ("video.mp4", VIDEO)], text="Both")
    assert [each.kind for each in await media(runtime)] == [MediaKind.IMAGE, MediaKind.VIDEO]
    page = await alice.press(YES, **{f"alt-{each}": "Words" for each in order(page)})
    assert "pictures or one video, not both" in page.words
    assert await sent(runtime) == []


async def test_charlie_sees_no_picture_and_cannot_carry_one(
    alice: Reader, sits: Sits, cast: Cast, runtime: Runtime
) -> None:
    await alice.open("/write")
    (picture,) = order(await alice.press(ADD, files=[("a.png", plain())], text="Ours"))
    charlie = await sits(cast.charlie)
    for what in ("file", "small"):
        assert (await charlie.client.get(f"/media/{picture}/{what}")).status_code == 404
    form = {"team_id": str(cast.wexley_team.id), "media_ids": picture, "text": "Theirs", "answer": "unsure"}
    answer = await charlie.client.post("/write", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert picture not in answer.text
    async with runtime.read() as session:
        assert (await session.execute(select(PostMedia))).first() is None
        assert len((await queries.media(session, cast.alice)).items) == 1


async def test_words_that_went_out_stay_as_they_went(alice: Reader, runtime: Runtime, cast: Cast) -> None:
    await alice.open("/write")
    (picture,) = order(await alice.press(ADD, files=[("a.png", plain())], text="Once"))
    await alice.press(YES, **{f"alt-{picture}": "As sent"})
    async with runtime.unit_of_work() as session:
        await session.execute(update(Delivery).values(state=DeliveryState.SENT))
    form = {
        "team_id": str(cast.team.id), "media_ids": picture, "text": "Again", "answer": "look",
        f"alt-{picture}": "Other words",
    }  # fmt: skip
    answer = await alice.client.post("/write", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert "went out already" in answer.text
    assert [each.alt for each in await media(runtime)] == ["As sent"]


async def _post_of(runtime: Runtime, media_id: UUID) -> UUID:
    async with runtime.read() as session:
        found = await session.execute(select(col(PostMedia.post_id)).where(col(PostMedia.media_id) == media_id))
        return found.scalar_one()


async def test_a_photo_of_several_megabytes_passes_the_door(alice: Reader, runtime: Runtime) -> None:
    photo = a_photo(2600, 1900, noisy=True)
    assert len(photo) > runtime.settings.body_limit
    await alice.open("/write")
    assert len(order(await alice.press(ADD, files=[("large.jpg", photo)], text="Look"))) == 1
    (picture,) = await media(runtime)
    file = await alice.client.get(f"/media/{picture.id}/file", headers={"Accept-Encoding": "gzip"})
    assert (len(file.content), "content-encoding" in file.headers) == (picture.size, False)
    part = await alice.client.get(f"/media/{picture.id}/file", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, file.content[10:20])
