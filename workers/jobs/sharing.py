"""Workers tell each other which platforms ask for patience, so that what one learns need not be learnt again."""

import asyncio

from workers.context import Context
from workers.jobs.steady import keep

EVERY = 1.0


async def loop(context: Context, stop: asyncio.Event) -> None:
    """Sending and reading may live in one process: then one of them is enough."""
    if context.patience.tended:
        await stop.wait()
        return

    async def step() -> float:
        await context.patience.share(context.runtime)
        return EVERY

    context.patience.tended = True
    try:
        await keep("patience", step, stop)
    finally:
        context.patience.tended = False
