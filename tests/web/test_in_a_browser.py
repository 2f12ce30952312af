"""What htmx and our few lines of script add, in a real browser on a phone, with the CDN's own bytes under their hash."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from playwright.async_api import Page, Route, async_playwright, expect
from sqlalchemy import select
from starlette.requests import Request

from api.core.clock import now
from api.core.runtime import Runtime
from api.core.settings import HTMX, HTMX_SRI
from api.identity.door import Door
from api.inbox import service as inbox
from api.models import Account, Conversation, Delivery, DeliveryState, Viewer
from api.posts import service as posts
from api.posts.schemas import PostIn
from tests.support import means
from tests.support.browser import htmx_bytes, served
from tests.support.factories import Cast, an_account
from tests.support.talk import said
from web.main import asgi, create_app

pytestmark = pytest.mark.skipif(means.browser_missing(), reason="no Chromium, or htmx could not be fetched")
PHONE = {"width": 360, "height": 740}


@dataclass
class Phone:
    page: Page
    address: str
    loads: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.address + path)
        self.loads.clear()


@pytest.fixture
async def address(runtime: Runtime, door: Door, cast: Cast) -> AsyncIterator[str]:
    """Alice's Beatline on a free port of this machine."""

    async def as_alice(_: Request) -> Viewer:
        return cast.alice

    async with served(asgi(create_app(runtime, door, as_alice))) as address:
        yield address


@pytest.fixture
async def phone(address: str) -> AsyncIterator[Phone]:
    async def cdn(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
        await route.fulfill(body=htmx_bytes(), headers=headers)

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=means.CHROMIUM, args=["--no-sandbox"])
        page = await chromium.new_page(viewport=PHONE, has_touch=True)  # type: ignore[arg-type]
        await page.route(HTMX, cdn)
        held = Phone(page, address)
        page.on("load", lambda loaded: held.loads.append(loaded.url))
        page.on("console", lambda said: held.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: held.complaints.append(str(error)))
        yield held
        await chromium.close()


@pytest.fixture
async def talk(runtime: Runtime, account: Account) -> str:
    async with runtime.unit_of_work() as session:
        await inbox.receive(session, account, [said()])
        return f"/inbox/{(await session.execute(select(Conversation.id))).scalar_one()}"


def test_the_hash_in_our_pages_is_that_of_the_bytes() -> None:
    assert "sha384-" + base64.b64encode(hashlib.sha384(htmx_bytes()).digest()).decode() == HTMX_SRI


async def test_a_reply_is_sent_without_loading_the_page_again(phone: Phone, talk: str, runtime: Runtime) -> None:
    await phone.open(talk)
    field = phone.page.get_by_role("textbox")
    await field.type("We will look on Thursday.")
    await expect(phone.page.locator("[data-counts]")).to_have_text("25 of 482")
    await phone.page.get_by_role("button", name="Send reply").tap()
    await expect(phone.page.locator("#toast")).to_contain_text("Your reply is on its way.")
    await expect(field).to_have_value("")
    assert phone.loads == []
    assert phone.complaints == []
    async with runtime.read() as session:
        assert len((await session.execute(select(Delivery))).all()) == 1


async def test_two_quick_presses_send_once(phone: Phone, talk: str, runtime: Runtime) -> None:
    await phone.open(talk)
    await phone.page.get_by_role("textbox").fill("Once.")
    await phone.page.get_by_role("button", name="Send reply").dblclick()
    await expect(phone.page.locator("#toast")).to_contain_text("Your reply is on its way.")
    async with runtime.read() as session:
        assert len((await session.execute(select(Delivery))).all()) == 1


async def test_what_is_too_long_stays_as_typed_at_the_same_address(phone: Phone, talk: str) -> None:
    await phone.open(talk)
    field = phone.page.get_by_role("textbox")
    await field.fill("x" * 600)
    await expect(phone.page.locator("[data-counts]")).to_have_attribute("data-state", "over")
    await phone.page.get_by_role("button", name="Send reply").tap()
    await expect(phone.page.get_by_role("alert")).to_contain_text("Not sent.")
    await expect(field).to_have_value("x" * 600)
    assert phone.page.url == phone.address + talk


async def test_each_accounts_count_follows_the_typing(phone: Phone, account: Account) -> None:
    await phone.open("/write")
    await phone.page.locator("#text").type("See https://www.police.uk/a/long/address/that/counts/less today")
    await expect(phone.page.locator(f"#count-{account.id}")).to_have_text("33 of 500")
    await expect(phone.page.locator("#room")).to_contain_text("with 467 to spare")
    assert phone.loads == []
    assert phone.complaints == []


async def test_what_the_check_found_follows_the_typing_and_a_false_alarm_is_one_press(
    phone: Phone, account: Account
) -> None:
    await phone.open("/write")
    await phone.page.locator("#text").type("Text my mobile.")
    found = phone.page.locator("#policy")
    await expect(found).to_contain_text("1 thing to look at")
    await expect(found.locator("mark")).to_have_text("Text my mobile")
    await found.get_by_role("button", name="This is a false alarm").tap()
    await expect(found).to_contain_text("Noted as a false alarm")
    await expect(phone.page.locator("#text")).to_have_value("Text my mobile.")
    assert phone.loads == []
    assert phone.complaints == []


async def test_the_preview_follows_the_typing_and_shows_a_thread_in_its_parts(phone: Phone, account: Account) -> None:
    await phone.open("/write")
    offer = phone.page.get_by_label("Send it as a thread")
    await expect(offer).to_be_hidden()
    await phone.page.locator("#text").fill("We mark bikes for free, #SandfordNorth. " * 20)
    await expect(phone.page.locator("#room")).to_contain_text("too many")
    await offer.check()
    await expect(phone.page.locator("#room")).to_contain_text("Goes out as 2 posts")
    await expect(phone.page.locator("#looks-like .parts > li")).to_have_count(2)
    await expect(phone.page.locator("#looks-like .parts > li").last).to_contain_text("(2/2)")
    await expect(phone.page.locator(f"#count-{account.id}")).to_have_text("2 posts")
    await phone.page.locator("summary", has_text="More:").tap()
    await phone.page.get_by_label("Content warning").fill("Injuries")
    await expect(phone.page.locator("#looks-like .warned").first).to_contain_text("Injuries")
    await phone.page.locator("#text").fill("Short again.")
    await expect(phone.page.locator("#room")).to_contain_text("Fits")
    await expect(offer).to_be_checked()
    assert await phone.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert phone.loads == []
    assert phone.complaints == []


async def test_without_script_the_same_button_does_the_same(address: str, talk: str, runtime: Runtime) -> None:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=means.CHROMIUM, args=["--no-sandbox"])
        page = await chromium.new_page(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
        await page.goto(address + talk)
        await page.get_by_role("textbox").fill("Thank you.")
        await page.get_by_role("button", name="Send reply").click()
        await expect(page.locator("#toast")).to_contain_text("Your reply is on its way.")
        await chromium.close()
    async with runtime.read() as session:
        assert len((await session.execute(select(Delivery))).all()) == 1


async def test_the_hour_is_asked_for_only_when_it_is_needed(phone: Phone, account: Account) -> None:
    await phone.open("/write")
    await phone.page.locator("summary", has_text="When").tap()
    hour = phone.page.get_by_label("Day and time")
    await expect(hour).to_be_hidden()
    await phone.page.get_by_label("On a day, at a time").check()
    await expect(hour).to_be_visible()


async def test_a_long_word_does_not_push_the_page_out_of_a_small_phone(
    phone: Phone, account: Account, runtime: Runtime
) -> None:
    async with runtime.unit_of_work() as session:
        await inbox.receive(session, account, [said(text="look: " + "https://town.example/" + "a" * 120)])
        found = (await session.execute(select(Conversation.id))).scalar_one()
    await phone.page.set_viewport_size({"width": 320, "height": 640})
    await phone.open(f"/inbox/{found}")
    assert await phone.page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_what_moves_asks_again_until_it_is_settled_and_keeps_what_is_being_typed(
    phone: Phone, cast: Cast, account: Account, runtime: Runtime
) -> None:
    async with runtime.unit_of_work() as session:
        other = await an_account(session, cast.force, cast.team)
        wanted = PostIn(
            team_id=cast.team.id, text="Bike marking", account_ids=[account.id, other.id],
            publish_at=now() + timedelta(hours=1),
        )  # fmt: skip
        post = await posts.create(session, cast.alice, wanted)
        await session.flush()
        doubtful, moving = (await session.execute(select(Delivery).order_by(Delivery.id))).scalars()  # type: ignore[arg-type]
        doubtful.state, moving.state = DeliveryState.NEEDS_PERSON, DeliveryState.SENDING
    await phone.open(f"/posts/{post.id}")
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    await phone.page.get_by_text("It is there…").tap()
    address = phone.page.get_by_label("Its address")
    await address.fill("https://town.example/@north/1")
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, moving.id)
        row.state, row.sent_at, row.lateness_ms = DeliveryState.SENT, now(), 210
    await expect(phone.page.locator("#deliveries")).to_contain_text("0.21\u00a0s late", timeout=15_000)
    await expect(address).to_have_value("https://town.example/@north/1")
    await expect(phone.page.locator("#deliveries")).not_to_have_attribute("hx-trigger", re.compile("."))
    assert asked
    assert phone.loads == []
    assert phone.complaints == []
