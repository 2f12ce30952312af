"""Loops that outlive what they depend on: a database or a Redis that restarts makes them late, never dead."""

import asyncio
from collections.abc import Awaitable, Callable

from api.core.log import log

FIRST, LONGEST = 0.1, 2.0


async def keep(
    name: str, step: Callable[[], Awaitable[float]], stop: asyncio.Event, bell: asyncio.Event | None = None
) -> None:
    """Repeats a step until stopped. It answers how long to rest; the bell, or the end, cuts the rest short.

    A run of failures is one line in the log at its beginning and one at its end, not a storm.
    """
    failures = 0
    while not stop.is_set():
        if bell is not None:
            bell.clear()
        try:
            rest = await step()
        except Exception:
            rest = min(LONGEST, FIRST * 2**failures)
            failures += 1
            if failures == 1:
                log.warning("interrupted", loop=name, exc_info=True)
        else:
            if failures:
                log.info("working again", loop=name, failures=failures)
            failures = 0
        await pause(rest, stop, bell)


async def pause(seconds: float, stop: asyncio.Event, bell: asyncio.Event | None = None) -> None:
    """Rests, unless stopped or rung for."""
    if stop.is_set() or seconds <= 0:
        await asyncio.sleep(0)
        return
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, bell) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
