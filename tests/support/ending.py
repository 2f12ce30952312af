"""Waiting for a process of ours to end."""

import asyncio
from multiprocessing.process import BaseProcess


async def ended(process: BaseProcess, within: float) -> int | None:
    """Its exit code, or None. Not in a thread: an end is told once, and of two who ask at once each hears half of it."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process.sentinel, told.set)
    try:
        async with asyncio.timeout(within):
            await told.wait()
    except TimeoutError:
        return None
    finally:
        loop.remove_reader(process.sentinel)
    return process.exitcode
