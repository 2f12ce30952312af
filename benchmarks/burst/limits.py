"""The two limits: plain asyncio, and our own carrier with nothing to write down. Each runs in a process of its own."""

import asyncio
import multiprocessing
import resource
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import uvloop

from api.platforms.values import Address, Draft, Token
from api.platforms.values import Platform as PlatformName
from benchmarks.answering import Platform
from benchmarks.burst.result import EACH, Result
from workers.platforms import mastodon
from workers.platforms.http import HttpxCarrier, carry

Lane = Callable[[int], Awaitable[None]]
"""Sends one post of an account and waits for its answer."""
Run = tuple[list[float], float, float]
"""Lateness in milliseconds, when it began, CPU."""


def plain(platform: Platform, posts: int, in_flight: int) -> Result:
    """Raw connections, no state: as fast as asyncio can ask, in the same shape."""
    return _apart("plain asyncio", _plain, platform, posts, in_flight)


def bare(platform: Platform, posts: int, in_flight: int) -> Result:
    """The carrier through the Mastodon connector, as the dispatcher uses them, without the dispatcher."""
    return _apart("the carrier, bare", _bare, platform, posts, in_flight)


def _apart(
    name: str, run: Callable[[int, int, int, Connection], None], platform: Platform, posts: int, in_flight: int
) -> Result:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=run, args=(platform.port, posts, in_flight, there), daemon=True
    )
    process.start()
    here.recv()  # its connections are open
    platform.seen()
    here.send("go")
    lateness, began, cpu = here.recv()
    process.join()
    seen = platform.seen()
    return Result(
        name, posts, sorted(lateness), (min(seen.arrivals) - began) * 1000,
        sum(at < began for at in seen.arrivals), seen.overlaps, cpu, seen.cpu,
    )  # fmt: skip


async def _lanes(lanes: list[Lane], posts: int, line: Connection) -> None:
    """Each lane takes an account at a time, and sends its posts one after another."""
    line.send("ready")
    line.recv()
    accounts, lateness = iter(range(1, posts // EACH + 1)), []

    async def work(lane: Lane) -> None:
        for account in accounts:
            for _ in range(EACH):
                await lane(account)
                lateness.append((time.perf_counter() - start) * 1000)

    used, began, start = _cpu(), time.time(), time.perf_counter()
    await asyncio.gather(*(work(lane) for lane in lanes))
    line.send((lateness, began, _cpu() - used))


def _plain(port: int, posts: int, in_flight: int, line: Connection) -> None:
    async def lane() -> Lane:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def send(account: int) -> None:
            writer.write(_request(account))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.rpartition(b"content-length: ")[2].split(b"\r\n")[0]))

        return send

    async def run() -> None:
        await _lanes([await lane() for _ in range(min(in_flight, posts // EACH))], posts, line)

    uvloop.run(run())


def _request(account: int) -> bytes:
    body = b'{"status":"Hello","visibility":"public","language":"en"}'
    return (
        b"POST /api/v1/statuses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer token-%d\r\nidempotency-key: key\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (account, len(body), body)
    )


def _bare(port: int, posts: int, in_flight: int, line: Connection) -> None:
    async def run() -> None:
        carrier = HttpxCarrier(frozenset({("127.0.0.1", port)}), connections=in_flight)
        address = Address(PlatformName.MASTODON, f"http://127.0.0.1:{port}")

        async def send(account: int) -> None:
            draft = Draft(key=f"{account:036}", text=f"Post number {account}")
            await carry(carrier, mastodon.publish(address, Token(f"token-{account}"), draft))

        at_once = min(in_flight, posts // EACH)
        await asyncio.gather(*(send(-number) for number in range(1, at_once)))
        await _lanes([send] * at_once, posts, line)
        await carrier.aclose()

    uvloop.run(run())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
