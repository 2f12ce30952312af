"""Opens connections to the servers that something is about to leave for: what is due then need not wait for a handshake."""

from collections import Counter
from datetime import timedelta

from workers.context import Context
from workers.jobs.chains import Chains
from workers.jobs.dbclock import DatabaseClock
from workers.platforms.http import HttpxCarrier

AHEAD = timedelta(seconds=1)
"""Less than a connection may rest before it is no longer trusted."""
LOOK_EVERY = 0.3


class Warming:
    def __init__(self, context: Context, clock: DatabaseClock) -> None:
        self._carrier, self._clock = context.carrier, clock

    async def step(self, chains: Chains) -> float:
        """As many connections as accounts there are due, for each server: of one account one post leaves at a time."""
        soon = chains.soon(self._clock.now() + AHEAD)
        if isinstance(self._carrier, HttpxCarrier):
            for instance, accounts in Counter(claim.address.instance for claim in soon).items():
                await self._carrier.warm(instance, accounts)
        return LOOK_EVERY
