"""What is done about a post or a message that is out, with every fold open: no rule broken, nothing wider than a phone."""

from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request

from api.core.runtime import Runtime
from api.identity.door import Door
from api.inbox import service as inbox
from api.models import Viewer
from tests.browser.test_axe import DESK, PHONE, _broken, pytestmark  # noqa: F401 - the same is needed here
from tests.support.browser import chromium, served, with_htmx
from tests.support.factories import Cast
from tests.support.practice import Practice, practising
from web.main import asgi, create_app

OPEN = "document.querySelectorAll('details.fold').forEach(fold => fold.open = true)"
WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture
async def practice(runtime: Runtime, cast: Cast) -> AsyncIterator[Practice]:
    async with practising(runtime, cast) as practice:
        yield practice


async def pages(practice: Practice, cast: Cast) -> list[str]:
    """One that is out, one that is being taken down, one of the force's to share, a thread with a reply of ours."""
    said, _ = await practice.sent(cast.ellie, practice.vale, "Bike marking this Saturday")
    out, _ = await practice.sent(cast.alice, practice.north, "Road closed at Mill Lane")
    heard = await practice.hears("thank you for Saturday")
    async with practice.runtime.unit_of_work() as session:
        await inbox.reply(session, cast.alice, heard.conversation_id, "See you on Tuesday.")
        await inbox.like(session, cast.alice, heard.id)
    await practice.send()
    await practice.errands()
    return ["/", f"/share/{said.id}", f"/posts/{out.id}", f"/inbox/{heard.conversation_id}"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (PHONE, "light"),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((PHONE, "dark"), (DESK, "light"), (DESK, "dark"))),
    ],
)
async def test_every_fold_of_it_can_be_read_and_used(practice: Practice, cast: Cast, width: int, theme: str) -> None:
    async def as_alice(_: Request) -> Viewer:
        return cast.alice

    paths, wrong = await pages(practice, cast), []
    door = Door(practice.runtime)
    async with served(asgi(create_app(practice.runtime, door, as_alice))) as address, chromium() as browser:
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=theme,  # type: ignore[arg-type]
            bypass_csp=True,
            reduced_motion="reduce",
        )
        await with_htmx(context)
        page = await context.new_page()
        for path in paths:
            await page.goto(address + path, wait_until="load")
            await page.evaluate(OPEN)
            wrong += [f"{path}: {each}" for each in await _broken(page)]
            if await page.evaluate(WIDER) > 0:
                wrong.append(f"{path} is wider than the window")
    await door.close()
    assert not wrong, "\n".join(wrong)
