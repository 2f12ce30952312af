"""N posts over N/4 accounts, all due at the same moment: how late they go out, beside other engines in the same run.

    python -m benchmarks.due_burst --database postgresql://… --redis redis://…

The platform answers after 50 ms, and posts of one account go out one after another. Every engine is one process,
apart from this one and from the platform's; they take turns, several times, and the middle run of each counts.
Prints a verdict for each promise, and exits with 1 when one is not kept.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from benchmarks.answering import Platform, answering
from benchmarks.burst import limits, ours
from benchmarks.burst.bullmq import bull, installed
from benchmarks.burst.result import Result, middle
from benchmarks.burst.verdicts import verdicts

PLAIN, BARE, POSTGRESQL, SQLITE, BULLMQ = ENGINES = ("plain", "bare", "postgresql", "sqlite", "bullmq")
SIZES = {PLAIN: (500, 10_000), BARE: (500, 10_000), POSTGRESQL: (500, 10_000), SQLITE: (2_000,), BULLMQ: (500, 10_000)}

Burst = Callable[[int], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Asked:
    posts: int
    in_flight: int
    repeat: int
    only: frozenset[str]
    database: str
    redis: str

    def sizes(self, engine: str) -> tuple[int, ...]:
        return (self.posts,) if self.posts else SIZES[engine]


@contextlib.asynccontextmanager
async def engines(asked: Asked, platform: Platform, posts: int) -> AsyncIterator[Mapping[str, Burst]]:
    """Those that were asked for and can run here; each has its process, and keeps it from burst to burst."""
    asked_for = {engine for engine in asked.only if posts in asked.sizes(engine)}
    servers = asked.database, asked.redis, platform, posts, asked.in_flight
    running: dict[str, Burst] = {}
    async with contextlib.AsyncExitStack() as stack:
        for name, limit in ((PLAIN, limits.plain), (BARE, limits.bare)):
            if name in asked_for:
                running[name] = _apart(limit, platform, asked.in_flight)
        if POSTGRESQL in asked_for:
            engine = ours.on_postgresql(*servers)
            running[POSTGRESQL] = (await stack.enter_async_context(engine)).burst
        if SQLITE in asked_for:
            engine = ours.on_sqlite(platform, posts, asked.in_flight)
            running[SQLITE] = (await stack.enter_async_context(engine)).burst
        if BULLMQ in asked_for:
            missing = await installed()
            print(missing, end="\n" if missing else "")
            if not missing:
                bullmq = await stack.enter_async_context(bull(*servers))
                running[BULLMQ] = bullmq.burst
        yield running


def _apart(limit: Callable[[Platform, int, int], Result], platform: Platform, in_flight: int) -> Burst:
    async def burst(posts: int) -> Result:
        return await asyncio.to_thread(limit, platform, posts, in_flight)

    return burst


async def compare(asked: Asked) -> bool:
    """Whether every promise was kept."""
    kept = True
    with answering() as platform:
        for posts in sorted({size for name in asked.only for size in asked.sizes(name)}):
            print(f"\n{posts:,} posts over {posts // 4:,} accounts, {asked.in_flight} in flight; ms after their time")
            async with engines(asked, platform, posts) as running:
                results = await _in_turn(running, posts, asked.repeat)
            for verdict in verdicts(posts, results):
                print(verdict.line())
                kept &= verdict.kept
    return kept


async def _in_turn(running: Mapping[str, Burst], posts: int, repeat: int) -> dict[str, Result]:
    runs: dict[str, list[Result]] = {name: [] for name in running}
    for _ in range(repeat):
        for name, burst in running.items():
            runs[name].append(await burst(posts))
    results = {name: middle(each) for name, each in runs.items()}
    for result in results.values():
        print(result.line())
    return results


def _asked() -> Asked:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=0, help="one size for all; usual: 500 and 10,000, 2,000 on SQLite")
    parser.add_argument("--in-flight", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default=",".join(ENGINES), help=f"by comma, of {', '.join(ENGINES)}")
    parser.add_argument("--database", default="", help="a PostgreSQL server to make databases on")
    parser.add_argument("--redis", default="", help="a Redis; the database in it is cleared of what this leaves")
    given = parser.parse_args()
    only = frozenset(given.only.split(","))
    if not (given.database and given.redis) and only & {POSTGRESQL, BULLMQ}:
        print("Without --database and --redis only SQLite and the limits take part.")
        only -= {POSTGRESQL, BULLMQ}
    return Asked(given.posts, given.in_flight, given.repeat, only, given.database, given.redis)


if __name__ == "__main__":
    print("Load before:", " ".join(f"{load:.2f}" for load in os.getloadavg()), f"on {os.cpu_count()} cores")
    sys.exit(0 if asyncio.run(compare(_asked())) else 1)
