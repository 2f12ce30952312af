"""How much memory a worker holds while a hundred thousand deliveries go through it.

    python -m benchmarks.memory --database postgresql://… --redis redis://… [--deliveries 100000] [--burst 5000]

The worker is the command people run. After a tenth of them it has seen all of its own code and has its caches; from
there its resident memory is sampled after each burst. Exits with 1 when the last quarter holds more than 1.1 times as
much as the first.
"""

import argparse
import asyncio
import statistics
import sys
from pathlib import Path

from benchmarks.answering import answering
from benchmarks.burst import ours
from benchmarks.burst.result import ahead

MOST = 1.1
PAGE = 4096 / 1_000_000
IN_FLIGHT = 500


def resident(pid: int) -> float:
    """In megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def slope(sizes: list[float], each: int) -> float:
    """Megabytes for a thousand deliveries more, by least squares."""
    return statistics.linear_regression(range(len(sizes)), sizes).slope / each * 1000


async def measure(database: str, redis: str, deliveries: int, burst: int) -> bool:
    sizes: list[float] = []
    with answering(after=0.005) as platform:
        async with ours.on_postgresql(database, redis, platform, burst, IN_FLIGHT) as engine:
            for done in range(burst, deliveries + 1, burst):
                await engine.rows.clear()
                await engine.rows.due(burst, ahead(0.5))
                await engine.all_sent()
                if done > deliveries // 10:
                    sizes.append(resident(engine.pid))
                    print(f"{done:>9,} sent  {sizes[-1]:7.1f} MB", flush=True)
    quarter = max(1, len(sizes) // 4)
    first, last = statistics.fmean(sizes[:quarter]), statistics.fmean(sizes[-quarter:])
    kept = last / first <= MOST
    print(f"{slope(sizes, burst) * 1000:.1f} KB more for every 1,000; last quarter {last / first:.3f} of the first")
    print(f"  {'PASS' if kept else 'FAIL'}  at most {MOST} times as much")
    return kept


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, help="a PostgreSQL server to make a database on")
    parser.add_argument("--redis", required=True)
    parser.add_argument("--deliveries", type=int, default=100_000)
    parser.add_argument("--burst", type=int, default=5_000)
    asked = parser.parse_args()
    sys.exit(0 if asyncio.run(measure(asked.database, asked.redis, asked.deliveries, asked.burst)) else 1)
