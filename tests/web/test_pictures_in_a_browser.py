"""Pictures with script, in a real browser: chosen, dropped and pasted, without the page being loaded again."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import select
from starlette.requests import Request

from api.core.runtime import Runtime
from api.identity.door import Door
from api.models import Account, Delivery, Viewer
from tests.support import means
from tests.support.browser import chromium, served, with_htmx
from tests.support.factories import Cast
from tests.support.photos import a_photo, plain
from web.main import asgi, create_app

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(means.browser_missing(), reason="no Chromium, or htmx could not be fetched"),
]
GIVE = """([kind, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], name, { type: "image/png" }));
  const more = kind === "paste" ? { clipboardData: given } : { dataTransfer: given };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...more, bubbles: true, cancelable: true })
    : new DragEvent(kind, { ...more, bubbles: true, cancelable: true });
  document.getElementById("text").dispatchEvent(event);
}"""


@pytest.fixture
async def page(runtime: Runtime, door: Door, cast: Cast, account: Account) -> AsyncIterator[Page]:
    """Alice's writing form on a phone."""

    async def as_alice(_: Request) -> Viewer:
        return cast.alice

    async with served(asgi(create_app(runtime, door, as_alice))) as address, chromium() as browser:
        context = await browser.new_context(viewport={"width": 360, "height": 740})
        await with_htmx(context)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        await page.goto(f"{address}/write")
        yield page
        assert complaints == []


async def test_what_is_chosen_comes_in_at_once_and_what_was_typed_stays(
    page: Page, tmp_path: Path, runtime: Runtime
) -> None:
    for name, data in (("one.jpg", a_photo()), ("two.png", plain())):
        (tmp_path / name).write_bytes(data)
    await page.get_by_label("What do you want to say?").fill("Road closed")
    await expect(page.get_by_role("button", name="Bring them in")).to_be_hidden()
    await page.get_by_label("Add pictures or a video").set_input_files([tmp_path / "one.jpg", tmp_path / "two.png"])
    await expect(page.get_by_label("What does picture 1 show?")).to_be_focused()
    await page.keyboard.type("A closed road")
    await page.get_by_label("What does picture 2 show?").fill("A map")
    await page.get_by_role("button", name="Later picture 1").click()
    await expect(page.get_by_label("What does picture 2 show?")).to_have_value("A closed road")
    await expect(page.get_by_label("What does picture 1 show?")).to_have_value("A map")
    await expect(page.get_by_label("What do you want to say?")).to_have_value("Road closed")
    await expect(page.locator(".preview img")).to_have_count(2)
    await page.get_by_role("button", name="Yes: send").click()
    await expect(page.get_by_text("on its way")).to_be_visible()
    async with runtime.read() as session:
        (delivery,) = (await session.execute(select(Delivery))).scalars()
    assert len(delivery.media_ids or ()) == 2


@pytest.mark.parametrize("way", ["paste", "drop"])
async def test_what_is_pasted_or_dropped_comes_in_too(page: Page, way: str) -> None:
    await page.evaluate(GIVE, [way, "picture.png", base64.b64encode(plain()).decode()])
    await expect(page.get_by_label("What does picture 1 show?")).to_be_visible()
    await page.get_by_role("button", name="Take out picture 1").click()
    await expect(page.get_by_label("What does picture 1 show?")).to_have_count(0)
    await expect(page.get_by_label("Add pictures or a video")).to_be_focused()


async def test_a_post_does_not_leave_without_the_picture_that_is_still_coming_in(
    page: Page, tmp_path: Path, runtime: Runtime
) -> None:
    (tmp_path / "one.jpg").write_bytes(a_photo())
    held = asyncio.Event()

    async def slowly(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/write/pictures", slowly)
    await page.get_by_label("What do you want to say?").fill("Road closed")
    await page.get_by_label("Add pictures or a video").set_input_files(tmp_path / "one.jpg")
    await page.get_by_role("button", name="Yes: send").click()
    await expect(page.get_by_text("A picture is still coming in")).to_be_visible()
    async with runtime.read() as session:
        assert (await session.execute(select(Delivery))).first() is None
    held.set()
    await page.get_by_label("What does picture 1 show?").fill("A closed road")
    await page.get_by_role("button", name="Yes: send").click()
    await expect(page.get_by_text("on its way")).to_be_visible()


async def test_what_cannot_be_used_is_said_where_it_was_chosen(page: Page, tmp_path: Path) -> None:
    (tmp_path / "half.jpg").write_bytes(a_photo()[:2000])
    await page.get_by_label("Add pictures or a video").set_input_files(tmp_path / "half.jpg")
    await expect(page.get_by_text("half.jpg: This picture is damaged")).to_be_visible()
