"""No page breaks a rule of WCAG 2.2 A or AA that axe-core can see: light and dark, on a phone and on a desk."""

from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect
from starlette.requests import Request

from api.core.runtime import Runtime
from api.identity.door import Door
from api.models import Viewer
from tests.support import means
from tests.support.belongings import Belongings, alices
from tests.support.browser import chromium, served, with_htmx
from tests.support.factories import Cast
from tests.test_page_walk import calls
from web.main import asgi, create_app

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NO_PAGE = ("/file", "/small", "/news", "/thread", "/deliveries", "/next", "/callback", ".csv")
"""How the address of a fragment, of a picture, or of a step that only sends on, ends."""
PHONE, DESK = 360, 1440
EVERY_DAY = {
    f"GET {path}"
    for path in (
        "/", "/inbox", "/inbox/{conversation_id}", "/write", "/posts/{post_id}", "/calendar", "/priorities",
        "/questions/{question_id}", "/questions/{question_id}/tally", "/questions/{question_id}/picture", "/accounts",
        "/people", "/on-time", "/alerts",
    )
}  # fmt: skip
"""What is looked at each time; the others are slow."""

pytestmark = pytest.mark.skipif(
    means.browser_missing() or means.npm_package("axe-core", means.AXE) is None,
    reason="no Chromium, or htmx and axe-core could not be fetched",
)


@pytest.fixture
async def things(runtime: Runtime, cast: Cast) -> Belongings:
    return await alices(runtime, cast)


@pytest.fixture
async def door(runtime: Runtime) -> AsyncIterator[Door]:
    door = Door(runtime)
    yield door
    await door.close()


async def test_what_breaks_a_rule_is_found() -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.set_content("<!doctype html><html lang=en><title>x</title><input><p style='color:#ccc'>Faint")
        assert {each.split(" ")[0] for each in await _broken(page)} == {"label", "color-contrast"}


async def test_the_pages_of_every_day_on_a_phone(runtime: Runtime, door: Door, things: Belongings, cast: Cast) -> None:
    await _look(runtime, door, things, cast.alice, PHONE, "light", EVERY_DAY)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("width", "theme"), [(PHONE, "dark"), (DESK, "light")])
async def test_a_thread_while_it_is_written_and_on_its_way(
    runtime: Runtime, door: Door, things: Belongings, cast: Cast, width: int, theme: str
) -> None:
    async def as_alice(request: Request) -> Viewer | None:
        return cast.alice

    async with served(asgi(create_app(runtime, door, as_alice))) as address, chromium() as browser:
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=theme,
            bypass_csp=True,  # type: ignore[arg-type]
        )
        await with_htmx(context)
        page = await context.new_page()
        await page.goto(f"{address}/write")
        await page.locator("#text").fill(
            "Bikes are marked at https://www.police.uk/a #Sandford @amy@shire.example. " * 20
        )
        await page.get_by_label("Send it as a thread").check()
        await page.locator("summary", has_text="More:").click()
        await page.get_by_label("Content warning").fill("Injuries")
        await expect(page.locator("#looks-like .warned").first).to_be_visible()
        wrong = await _broken(page)
        await page.get_by_role("button", name="Yes: send it").click()
        await page.locator("summary", has_text="Its").first.wait_for()
        wrong += await _broken(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the pages are the same on both
@pytest.mark.parametrize("who", ["alice", "sam"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_at_each_width_and_in_each_light(
    runtime: Runtime, door: Door, things: Belongings, cast: Cast, who: str, width: int, theme: str
) -> None:
    await _look(runtime, door, things, getattr(cast, who), width, theme)


async def _look(
    runtime: Runtime,
    door: Door,
    things: Belongings,
    viewer: Viewer,
    width: int,
    theme: str,
    only: Collection[str] = (),
) -> None:
    async def as_them(request: Request) -> Viewer | None:
        return viewer

    app = create_app(runtime, door, as_them)
    wrong = []
    paths = [path for name, path in _pages(app, things) if not only or name in only]
    assert len(paths) >= (len(only) or 30)
    async with served(asgi(app)) as address, chromium() as browser:
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=theme,  # type: ignore[arg-type]
            bypass_csp=True,
            reduced_motion="reduce",
        )
        await with_htmx(context)
        page = await context.new_page()
        for path in paths:
            answer = await page.goto(address + path, wait_until="load")
            assert answer, path
            wrong += [f"{path} ({answer.status}): {each}" for each in await _broken(page)]
    assert not wrong, "\n".join(wrong)


def _pages(app: Any, things: Belongings) -> Iterator[tuple[str, str]]:
    """Each address once with the first of its things; a page that says no has to be readable, too."""
    seen = set()
    for call in calls(app, things):
        if call.method == "GET" and not call.path.endswith(NO_PAGE) and call.door not in seen:
            seen.add(call.door)
            yield call.door, call.path


async def _broken(page: Page) -> list[str]:
    package = means.npm_package("axe-core", means.AXE)
    assert package
    await page.evaluate((package / "axe.min.js").read_text())
    found = await page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
    return [
        f"{rule['id']} at {', '.join(str(node['target']) for node in rule['nodes'][:3])}: "
        f"{rule['nodes'][0]['failureSummary']}"
        for rule in found["violations"]
    ]
