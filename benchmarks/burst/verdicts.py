"""The promises, and whether a run kept them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.burst.result import Result


@dataclass(frozen=True, slots=True)
class Verdict:
    promise: str
    figure: str
    kept: bool

    def line(self) -> str:
        return f"  {'PASS' if self.kept else 'FAIL'}  {self.promise:<66} {self.figure}"


def verdicts(posts: int, results: Mapping[str, Result]) -> Iterator[Verdict]:
    ours, sqlite = results.get("postgresql"), results.get("sqlite")
    for each in filter(None, (ours, sqlite)):
        yield from _always(each)
    if ours is not None:
        yield from _on_postgresql(posts, ours, results)
    if sqlite is not None and posts >= 2_000:
        yield at_most("SQLite: all out within 1.5 ms a post (2,000 in 3 s)", sqlite.lateness[-1], 1.5 * posts, "ms")


def _always(result: Result) -> Iterator[Verdict]:
    yield at_most(f"{result.name}: nothing before its time", result.early, 0, "early")
    yield at_most(f"{result.name}: one of an account at a time", result.overlaps, 0, "at once")
    yield at_most(f"{result.name}: the first within 50 ms", result.first, 50, "ms")


def _on_postgresql(posts: int, ours: Result, results: Mapping[str, Result]) -> Iterator[Verdict]:
    if posts <= 500:
        yield at_most("500 posts: 99 of 100 within 300 ms", ours.late(0.99), 300, "ms")
    if posts >= 10_000:
        yield at_most("10,000 posts: all out within 5 s", ours.lateness[-1], 5_000, "ms")
    if (
        bare := results.get("bare")
    ) and posts >= 10_000:  # below, the seconds of waiting before cost more than the sends
        yield at_most("CPU a send, of the bare carrier's", ours.cpu_each / bare.cpu_each, 1.5, "×")
    if bull := results.get("bullmq"):
        yield at_least("sends a second, of BullMQ's", ours.rate / bull.rate, 1.5, "×")
    if plain := results.get("plain"):
        yield at_least("sends a second, of plain asyncio's", ours.rate / plain.rate, 0.4, "×")


def at_most(promise: str, figure: float, limit: float, unit: str) -> Verdict:
    return Verdict(promise, f"{figure:,.2f} {unit} (at most {limit:,g})", figure <= limit)


def at_least(promise: str, figure: float, limit: float, unit: str) -> Verdict:
    return Verdict(promise, f"{figure:,.2f} {unit} (at least {limit:,g})", figure >= limit)
