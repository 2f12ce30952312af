"""Clears away what nothing carries: the file first, then its row, so that no file is ever forgotten."""

from datetime import timedelta

from api.core.clock import now
from api.core.runtime import Runtime
from api.media import queries, service
from api.media.store import store_of

GRACE = timedelta(hours=1)
"""Longer than any upload takes: the row of one that is just coming in looks like one that came to nothing."""
BATCH = 100


async def clear(runtime: Runtime) -> int:
    """How many went. Doing it twice, or in two places at once, does no more."""
    store = store_of(runtime.settings)
    async with runtime.read() as session:
        over = await queries.over(session, now() - GRACE, BATCH)
    for media in over:
        await store.delete(media.file)
    if over:
        async with runtime.unit_of_work() as session:
            await service.forget(session, over)
    return len(over)
