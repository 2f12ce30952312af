"""The two pictures of the README, taken of the running demo: `make screenshots`."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from api.core.settings import HTMX
from tests.support import means
from tests.support.command import Demo
from tests.support.small_png import small
from tests.support.town import ROOT

FOLDER = ROOT / "docs" / "screenshots"
LARGEST = 150_000
"""Bytes. Whoever clones this should not wait for pictures."""
PATIENCE = 180
"""Seconds in which the town has said what the pictures show."""
QUESTION = "dropped kerb"
ANSWER = "Thank you, Wendy. A blocked kerb is ours to deal with: we look on Thursday and tell you here."


def main() -> None:
    if means.browser_missing():
        sys.exit("The pictures need Chromium, and htmx through npm.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as data, running(Path(data)) as demo, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=means.CHROMIUM, args=["--no-sandbox", "--disable-lcd-text"]
        )
        phone = signed_in(chromium, demo, 360, 740, "dark")
        answer_wendy(phone, demo.written["url"])
        keep(phone, "inbox-phone.png")
        desk = signed_in(chromium, demo, 1440, 900, "light")
        until_there(desk, desk.get_by_text("without an answer"))
        keep(desk, "today.png")
        chromium.close()


@contextmanager
def running(data: Path) -> Iterator[Demo]:
    demo = Demo(data)
    try:
        demo.ready()
        yield demo
        demo.stop()
    finally:
        demo.end()


def signed_in(chromium: Browser, demo: Demo, width: int, height: int, scheme: Literal["dark", "light"]) -> Page:
    """PCSO Ash Okafor on a screen of this size, on Today."""
    page = chromium.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB", timezone_id="Europe/London"
    )
    page.route(HTMX, from_npm)
    ash = demo.written["people"]["team_member"]
    page.goto(f"{demo.written['url']}/sign-in")
    page.get_by_label("Work email").fill(ash["email"])
    page.get_by_label("Password", exact=True).fill(ash["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ash")
    return page


def from_npm(route: Route) -> None:
    package = means.npm_package("htmx.org", means.HTMX)
    assert package
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
    route.fulfill(body=(package / "dist" / "htmx.min.js").read_bytes(), headers=headers)


def answer_wendy(page: Page, url: str) -> None:
    """Waits for her question, answers it, and opens it again when the answer is out."""
    page.goto(f"{url}/inbox")
    question = page.locator(".talks a", has_text=QUESTION).first
    until_there(page, question)
    question.click()
    address = page.url
    page.get_by_role("textbox").fill(ANSWER)
    page.get_by_role("button", name="Send reply").click()
    became = page.locator(".message footer")
    expect(became).to_contain_text("Sent", timeout=PATIENCE * 1000)
    page.goto(address)
    expect(became).to_be_in_viewport()


def until_there(page: Page, what: Locator) -> None:
    """What the town says comes when it comes."""
    end = time.monotonic() + PATIENCE
    while not what.count():
        if time.monotonic() > end:
            sys.exit(f"After {PATIENCE} seconds there is still nothing to take a picture of on {page.url}.")
        page.wait_for_timeout(2_000)
        page.reload()


def keep(page: Page, name: str) -> None:
    picture = small(page.screenshot(animations="disabled"))
    if len(picture) > LARGEST:
        sys.exit(f"{name} has {len(picture):,} bytes; {LARGEST:,} is the most.")
    (FOLDER / name).write_bytes(picture)
    sys.stdout.write(f"docs/screenshots/{name}: {len(picture):,} bytes\n")


if __name__ == "__main__":
    main()
