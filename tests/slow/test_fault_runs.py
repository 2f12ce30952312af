"""Seeded runs: a handful of deliveries on both platforms, with faults and deaths drawn by lot.

64 of them, or BEATLINE_FAULT_RUNS. A run that fails says its seed: BEATLINE_FAULT_SEED=<seed>, or <first>-<last>,
draws the same again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from api.core.clock import now
from api.models import DeliveryState
from api.platforms.values import Platform
from tests.support import means
from tests.support.dying import Plan, Point
from tests.support.trial import KINDS, MORE, Ground, Kind, Trial, a_ground, a_trial

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

RUNS = int(os.environ.get("BEATLINE_FAULT_RUNS", "64"))
AT_A_TIME = 32
FAULTS = (
    "lost_answer", "reset", "error_before", "error_after", "rate_limited", "slow_before", "slow_after", "cut_body",
    "html", "redirect", "token_expired", "token_revoked",
)  # fmt: skip
PATHS = {
    Platform.MASTODON: ("/api/v1/statuses", "/api/v1/statuses*", "/api/v1/accounts/*", "*/media*", "*"),
    Platform.BLUESKY: (
        "/xrpc/com.atproto.repo.putRecord", "/xrpc/chat.bsky.convo.sendMessage", "*Record", "*Blob", "*",
    ),
}  # fmt: skip


def batches() -> Iterator[range]:
    if "BEATLINE_FAULT_SEED" in os.environ:
        first, _, last = os.environ["BEATLINE_FAULT_SEED"].partition("-")
        yield range(int(first), int(last or first) + 1)
        return
    for start in range(1, RUNS + 1, AT_A_TIME):
        yield range(start, min(start + AT_A_TIME, RUNS + 1))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    async with a_ground(tmp_path_factory.mktemp("trials"), sqlite_template) as ground:
        await ground.town.faults(idempotency=False, lag_seconds=0.2)
        yield ground


@pytest.mark.parametrize("seeds", list(batches()), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
async def test_whatever_is_drawn_everything_is_out_once_and_true(seeds: range, ground: Ground) -> None:
    results = await asyncio.gather(*(run(ground, seed) for seed in seeds), return_exceptions=True)
    failed = [f"seed {n}: {r!r}" for n, r in zip(seeds, results, strict=True) if isinstance(r, BaseException)]
    assert not failed, "\n".join(failed)
    out = sum((result for result in results if isinstance(result, Counter)), Counter[str]())
    assert out[DeliveryState.SENT] > len(seeds), f"Hardly anything went out: {out}"
    assert len(seeds) < AT_A_TIME or all(out[kind] for kind in MORE), f"Not everything was drawn: {out}"


async def run(ground: Ground, seed: int) -> Counter[str]:
    """How many are in each state, and which of the rarer kinds went out."""
    chance = Random(seed)
    sqlite = chance.random() < 0.5 or "postgresql" not in means.DATABASES
    async with a_trial(ground, sqlite=sqlite) as trial:
        for platform in Platform:
            await trial.connect(platform)
            await ground.server(platform).faults_of(trial.slot.name, *drawn_faults(platform, chance))
        try:
            await draw_deliveries(trial, chance)
            await live_and_die(trial, chance, at_once=1 if sqlite else chance.choice((1, 2)))
            trial.work()
            await trial.settled()
            states = await trial.everything_is_true()
            kinds = await trial.kinds_sent()
            unsure = await asked_of_a_person(trial)
        finally:
            for platform in Platform:
                await ground.server(platform).faults_of(trial.slot.name)
    assert not unsure, f"nobody had to be asked: {unsure}"
    return Counter(states) + Counter(kinds)


async def asked_of_a_person(trial: Trial) -> list[str]:
    """Every list could be read in the end, except in time for what was soon of no use."""
    return [
        f"{each.text}: {each.error}"
        for each in (await trial.deliveries()).values()
        if each.state is DeliveryState.NEEDS_PERSON and each.useful_until > now()
    ]


def drawn_faults(platform: Platform, chance: Random) -> list[dict[str, object]]:
    return [
        {
            "kind": chance.choice(FAULTS),
            "path": chance.choice(PATHS[platform]),
            "probability": chance.choice((0.3, 0.7, 1.0)),
            "next": chance.randint(1, 3),
            "skip": chance.randint(0, 1),
            "seconds": 1.0,
        }
        for _ in range(chance.randint(0, 3))
    ]


async def draw_deliveries(trial: Trial, chance: Random) -> None:
    """Some say the same words twice, some are threads, some carry a picture, and some are soon of no use to anybody."""
    for _ in range(chance.randint(4, 7)):
        platform, kind = chance.choice(list(Platform)), chance.choice(KINDS * 2 + MORE)
        words = "The same words" if kind == Kind.POST and chance.random() < 0.3 else ""
        useful = 2.0 if chance.random() < 0.1 else None
        await trial.queue(platform, kind, after=chance.uniform(0.1, 1.0), words=words, useful=useful)


async def live_and_die(trial: Trial, chance: Random, at_once: int) -> None:
    """Each life ends where its plan says, or after a while wherever it is."""
    for _ in range(chance.randint(1, 3)):
        workers = [trial.work(Plan(chance.choice(list(Point)), chance.randint(1, 3))) for _ in range(at_once)]
        patience = chance.uniform(0.3, 2.0)
        await asyncio.gather(*(worker.died(patience) for worker in workers))
        for worker in workers:
            worker.kill()
