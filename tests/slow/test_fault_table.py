"""The fault table: each platform × each fault × each point at which a worker is killed, on each database.

docs/faults.md says what is promised in each. Whatever happened, a fresh worker brings it to an end: nothing lost,
nothing doubled in the server's own record, and what is shown is true.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from api.models import DeliveryState
from api.platforms.values import Platform
from tests.support import means
from tests.support.dying import Plan, Point
from tests.support.trial import KINDS, Ground, Kind, Sent, Trial, a_ground, a_trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

FAULTS = {
    "none": {},
    "lost_answer": {},
    "reset": {},
    "error_before": {},
    "error_after": {},
    "rate_limited": {"seconds": 1.0},
    "slow_before": {"seconds": 0.8},
    "slow_after": {"seconds": 0.8},
    "cut_body": {},
    "html": {},
    "redirect": {},
    "token_expired": {},
    "token_revoked": {},
}
CREATES = {
    (Platform.MASTODON, Kind.POST): "/api/v1/statuses",
    (Platform.MASTODON, Kind.REPLY): "/api/v1/statuses",
    (Platform.MASTODON, Kind.DIRECT): "/api/v1/statuses",
    (Platform.BLUESKY, Kind.POST): "/xrpc/com.atproto.repo.putRecord",
    (Platform.BLUESKY, Kind.REPLY): "/xrpc/com.atproto.repo.putRecord",
    (Platform.BLUESKY, Kind.DIRECT): "/xrpc/chat.bsky.convo.sendMessage",
}
CLEAR_NOS = {
    Platform.MASTODON: {"redirect", "token_expired", "token_revoked"},  # tokens do not run out there: it was taken away
    Platform.BLUESKY: {"redirect", "token_revoked"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """The town takes no notice of keys and shows new posts late: nothing but looking keeps posts single there."""
    async with a_ground(tmp_path_factory.mktemp("trials"), sqlite_template) as ground:
        yield ground


@pytest.mark.parametrize("database", means.DATABASES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("platform", list(Platform))
async def test_nothing_is_lost_doubled_or_untrue(platform: Platform, fault: str, database: str, ground: Ground) -> None:
    turn = list(FAULTS).index(fault) + (database == "sqlite")
    cells = [Cell(platform, fault, point, KINDS[(turn + n) % len(KINDS)]) for n, point in enumerate(Point)]
    await asyncio.gather(*(cell.prepare(ground, sqlite=database == "sqlite") for cell in cells))
    try:
        await asyncio.gather(*(cell.queue() for cell in cells))
        rules = [cell.rule() for cell in cells if fault != "none"]
        switches = {"idempotency": False, "lag_seconds": 0.2} if platform is Platform.MASTODON else {}
        await ground.server(platform).faults(*rules, **switches)
        wrong = await asyncio.gather(*(cell.run() for cell in cells))
        assert not any(wrong), "\n".join(filter(None, wrong))
    finally:
        await asyncio.gather(*(cell.clear() for cell in cells))


class Cell:
    """One of the table: three deliveries of an account, the first of which is struck."""

    def __init__(self, platform: Platform, fault: str, point: Point, struck: str) -> None:
        self.platform, self.fault, self.point, self.struck = platform, fault, point, struck
        self._trial: Trial
        self._first: Sent

    async def prepare(self, ground: Ground, *, sqlite: bool) -> None:
        self._opened = a_trial(ground, sqlite=sqlite)
        self._trial = await self._opened.__aenter__()
        await self._trial.connect(self.platform)

    async def clear(self) -> None:
        await self._opened.__aexit__(None, None, None)

    async def queue(self) -> None:
        trial = self._trial
        self._first = await trial.queue(self.platform, self.struck, after=0.5)
        for kind in (kind for kind in KINDS if kind != self.struck):
            await trial.queue(self.platform, kind, after=0.5)

    def rule(self) -> dict[str, object]:
        """Strikes what carries the words of the first, once."""
        path = CREATES[self.platform, self.struck]
        return {"kind": self.fault, "next": 1, "path": path, "holding": self._first.text, **FAULTS[self.fault]}

    async def run(self) -> str:
        """What was not as promised; nothing when all was."""
        worker = self._trial.work(Plan(self.point, delivery=self._first.id))
        try:
            if self.point is not Point.NONE:
                assert await worker.died(60), "nobody was killed"
                self._trial.work()
            states = {name: each.state for name, each in (await self._trial.settled()).items()}
            await self._trial.everything_is_true()
            struck = states.pop(self._first.id)
            assert struck in self._may_be(), f"it is {struck}"
            assert set(states.values()) == {DeliveryState.SENT}, f"the others are {sorted(states.values())}"
        except (AssertionError, TimeoutError) as problem:
            return f"{self.point}, {self.struck}: {problem!r}"
        return ""

    def _may_be(self) -> set[DeliveryState]:
        """What is promised of the one that was struck."""
        if self.fault not in CLEAR_NOS[self.platform]:
            return {DeliveryState.SENT}
        match self.point:
            case Point.ANSWERED | Point.RECORDING:  # nobody lived to hear the no, and the next attempt meets none
                return {DeliveryState.SENT}
            case Point.WRITTEN | Point.COMMITTING:
                return {DeliveryState.SENT, DeliveryState.REFUSED}
        return {DeliveryState.REFUSED}
