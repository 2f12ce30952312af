"""The whole loop by a real browser on a phone: one installation, the practice town, and nothing but taps and typing."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.support import means
from tests.support.browser import chromium, with_htmx
from tests.support.installation import Office, an_office, embedded, until
from tests.support.town import RunningTown, running_town

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(means.browser_missing(), reason="no Chromium, or htmx could not be fetched"),
]
PHONE = {"width": 360, "height": 740}
PASSWORD = "willow kettle harbour"
WORDS = "Bike marking at Northgate Library, Saturday 10am to noon."
THANKS = "Scooters as well: bring yours."
PRIVATELY = "Thank you for telling us. Somebody will ring you today."
PATIENCE = 10_000
OUT = re.compile(r"^\s*Out (at )?\d")


@dataclass
class Phone:
    page: Page
    address: str
    town: RunningTown
    complaints: list[str] = field(default_factory=list)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name).first.tap()

    async def go(self, name: str) -> None:
        await self.page.get_by_role("link", name=name).first.tap()

    async def sees(self, words: str) -> None:
        await expect(self.page.locator("body")).to_contain_text(words, timeout=PATIENCE)

    async def comes_in(self, path: str, words: str) -> None:
        """Looks again, as somebody waiting for an answer does."""

        async def there() -> bool:
            await self.page.goto(self.address + path)
            return words in await self.page.locator("main").inner_text()

        await until(there, otherwise=lambda: f"“{words}” did not come in at {path}")


@pytest.fixture
async def town() -> AsyncIterator[RunningTown]:
    async with running_town() as town:
        yield town


async def test_a_post_its_answers_and_the_priorities_on_a_phone(tmp_path: Path, town: RunningTown) -> None:
    async with (
        embedded(tmp_path, town) as installation,
        an_office(installation, installation.running[0].address) as office,
        chromium() as browser,
    ):
        context = await browser.new_context(viewport=PHONE, has_touch=True)  # type: ignore[arg-type]
        await with_htmx(context)
        phone = Phone(await context.new_page(), installation.running[0].address, town)
        phone.page.set_default_timeout(PATIENCE)
        phone.page.on("pageerror", lambda error: phone.complaints.append(str(error)))
        await she_sets_a_password_and_signs_in(phone, office)
        post = await she_writes_and_it_goes_out(phone)
        await a_resident_asks_and_is_answered_in_public(phone, post)
        await a_private_word_stays_private(phone)
        await priorities_are_asked_confirmed_and_counted(phone)
        assert phone.complaints == []


async def she_sets_a_password_and_signs_in(phone: Phone, office: Office) -> None:
    page = phone.page
    await page.goto(phone.address + urlsplit(office.password_link).path)
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_label("The same again").fill(PASSWORD)
    await phone.press("Set password")
    await phone.sees("Your password is set.")
    await page.locator("input[name=email]").fill("alice.marsh@sandfordvale.example")
    await page.locator("input[name=password]").fill(PASSWORD)
    await phone.press("Sign in")
    await phone.sees("Alice")
    await phone.sees("The feed is live")


async def she_writes_and_it_goes_out(phone: Phone) -> Any:
    await phone.go("Write")
    await phone.page.locator("#text").fill(WORDS)
    await phone.press("Yes: send it to the chosen accounts")
    await phone.sees("It is on its way.")
    await expect(phone.page.locator("main").get_by_text(OUT).first).to_be_visible(timeout=PATIENCE)
    (published,) = [one for one in await ours(phone.town) if one["text"] == WORDS]
    return published


async def a_resident_asks_and_is_answered_in_public(phone: Phone, post: Any) -> None:
    words = "Will you mark scooters as well?"
    asked = await phone.town.say("jom", words, to="sandfordnorth", in_reply_to_id=post["id"])
    await phone.comes_in("/inbox", words)
    await phone.go(words)
    await phone.page.get_by_role("textbox").fill(THANKS)
    await phone.press("Send reply")
    await phone.sees("Your reply is on its way.")
    seen = await answer_to(phone, asked)
    assert (seen["visibility"], THANKS in seen["text"]) == (asked["visibility"], True)
    await phone.press("Close")
    await phone.sees("Closed. If they write again, it opens by itself.")


async def a_private_word_stays_private(phone: Phone) -> None:
    whispered = await phone.town.say("margaret_bl", "Roy is home again.", to="sandfordnorth", visibility="direct")
    await phone.comes_in("/inbox", "Roy is home again.")
    await phone.go("Roy is home again.")
    await phone.page.get_by_role("textbox").fill(PRIVATELY)
    await phone.press("And close")
    await phone.sees("and the conversation is closed.")
    assert (await answer_to(phone, whispered))["visibility"] == "direct"


async def priorities_are_asked_confirmed_and_counted(phone: Phone) -> None:
    page = phone.page
    await page.goto(phone.address)
    await phone.go("Priorities")
    await phone.go("Ask for priorities")
    await page.locator("#text").fill("What should we work on? Name up to three issues. Answer here.")
    await phone.press("Yes: ask it on the chosen accounts")
    await phone.sees("The question is on its way.")
    here = urlsplit(page.url).path

    async def asked() -> Any:
        return next((one for one in await ours(phone.town) if "up to three issues" in one["text"]), None)

    under = await until(asked)
    await phone.town.say("gurpreet_k", "Speeding on Mill Lane, please.", to="sandfordnorth", in_reply_to_id=under["id"])
    await phone.comes_in(here, "Speeding on Mill Lane, please.")
    await expect(page.get_by_label("Speeding and road safety").first).to_be_checked()
    await phone.press("Count it")
    await phone.sees("Counted.")
    await a_meeting_is_counted(phone, here)
    table = page.locator("table").first
    await expect(table.get_by_role("row").filter(has_text="Speeding")).to_contain_text("14")
    await expect(table.get_by_role("row").filter(has_text="Parking")).to_contain_text("2")
    await expect(table.get_by_role("columnheader")).to_contain_text(["Issue", "Replies", "Meeting"])


async def a_meeting_is_counted(phone: Phone, question: str) -> None:
    page = phone.page
    await phone.go("Add answers")
    await phone.go("Meeting")
    await page.locator("#place").fill("Northgate Community Hall")
    await page.locator("#heads").fill("31")
    await page.locator("#count-speeding-and-road-safety").fill("14")
    for _ in range(2):
        await phone.press("One more: Parking")
    await page.get_by_role("button", name="Finish this meeting").last.tap()
    await phone.sees("The meeting is kept, and stands in the picture.")
    assert urlsplit(page.url).path == f"{question}/picture"


async def answer_to(phone: Phone, asked: Any) -> Any:
    """What the resident sees in the town, once."""

    async def answers() -> list[Any]:
        return [one for one in await ours(phone.town) if one["in_reply_to_id"] == asked["id"]]

    (seen,) = await until(answers)
    return seen


async def ours(town: RunningTown) -> list[dict[str, Any]]:
    return await town.posts(account="sandfordnorth")
