from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from tests.support.town import FORCE, RunningTown, running_town
from workers.town.app import create_app
from workers.town.settings import TownSettings


class Clock:
    """Time stands still until it is told to pass."""

    def __init__(self) -> None:
        self.now_ms = 1_795_600_000_000

    def __call__(self) -> int:
        return self.now_ms

    def pass_seconds(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


class Town:
    """The town inside this process, without its own loop: plans are carried out when time passes."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        chosen = {"scenario": "empty", "pace": "still", "key": "trainer", **settings}
        tokens = {handle: f"token-{handle}" for handle in (*FORCE, "jom", "margaret_bl")}
        self.app: Starlette = create_app(TownSettings(tokens=tokens, clock=self.clock, **chosen))  # type: ignore[arg-type]
        self.trainer = self.client(**{"X-Town-Key": "trainer"})
        self.north = self.as_("sandfordnorth")
        self.anyone = self.client()

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 1))
        return httpx.AsyncClient(transport=transport, base_url="http://town.test", headers=headers)

    def as_(self, handle: str) -> httpx.AsyncClient:
        return self.client(Authorization=f"Bearer token-{handle}")

    async def post(self, text: str, **more: object) -> dict:
        answer = await self.north.post("/api/v1/statuses", json={"status": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def say(self, who: str, text: str, **more: object) -> dict:
        answer = await self.trainer.post("/town/say", json={"who": who, "text": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def everything(self, **query: str) -> list[dict]:
        return (await self.trainer.get("/town/statuses", params=query)).json()

    async def faults(self, *rules: dict, **switches: object) -> None:
        answer = await self.trainer.put("/town/faults", json={"rules": rules, "switches": switches})
        assert answer.status_code == 200, answer.text

    def live(self, seconds: float) -> None:
        """Time passes a second at a time, and what was planned happens."""
        for _ in range(int(seconds)):
            self.clock.pass_seconds(1)
            while self.app.state.engine.carry_out_next():
                pass


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
async def socket_town() -> AsyncIterator[RunningTown]:
    async with running_town() as running:
        yield running
