"""Connections opened to checked addresses only, kept warm, handed out without looking through a list.

Each origin has a stack: taking and giving back are one step each.
"""

import asyncio
import ssl
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property

from api.platforms.values import Response
from workers.platforms import wire
from workers.platforms.guard import Guard
from workers.platforms.wire import NothingWritten, Patience, Wire

MOST_IDLE = 512
KNOCKS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Origin:
    """The scheme, host and port of a server. The host is ASCII: a name, or an address without brackets."""

    scheme: str
    host: str
    port: int


@dataclass(slots=True)
class Lane:
    """The connections to one origin. A slow server fills its own lane and nobody else's."""

    origin: Origin
    free: int
    idle: list[Wire] = field(default_factory=list)
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def turn(self, patience: float) -> None:
        """NothingWritten when no connection came free in time."""
        if self.free > 0:
            self.free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        self.waiting.append(mine)
        try:
            async with asyncio.timeout(patience):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                self.leave()  # it was handed over in the very moment in which we stopped waiting
            if isinstance(error, TimeoutError):
                raise NothingWritten from error
            raise

    def leave(self) -> None:
        """Hands the turn to whoever has waited longest."""
        while self.waiting:
            next_one = self.waiting.popleft()
            if not next_one.done():
                next_one.set_result(None)
                return
        self.free += 1


class Lanes:
    """Sends over connections, with a stack of them for each origin. No cookies, no proxies."""

    def __init__(self, guard: Guard, most: int, longest_body: int) -> None:
        self._guard, self._most, self._longest = guard, most, longest_body
        self._lanes: dict[Origin, Lane] = {}
        self._swept = time.monotonic()

    @cached_property
    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    async def send(self, origin: Origin, request: bytes, patience: Patience) -> Response:
        lane = self._lanes.get(origin) or self._new_lane(origin)
        await lane.turn(patience.connect)
        try:
            connection = self._idle(lane) or await self._connect(origin, patience.connect)
            try:
                return await connection.ask(request, patience)
            finally:
                self._give_back(lane, connection)
        finally:
            lane.leave()

    async def warm(self, origin: Origin, connections: int, patience: float) -> None:
        """So many open ones, as far as the server lets us: what is due in a moment need not wait for a handshake."""
        lane = self._lanes.get(origin) or self._new_lane(origin)
        missing = min(connections, lane.free, MOST_IDLE) - sum(connection.usable for connection in lane.idle)
        while missing > 0:
            some = min(missing, KNOCKS_AT_ONCE)
            opening = (self._connect(origin, patience) for _ in range(some))
            opened = [each for each in await asyncio.gather(*opening, return_exceptions=True) if isinstance(each, Wire)]
            for connection in opened:
                self._give_back(lane, connection)
            missing = missing - some if len(opened) == some else 0  # it lets us in no further: nobody insists

    async def aclose(self) -> None:
        for lane in self._lanes.values():
            while lane.idle:
                lane.idle.pop().close()
        await asyncio.sleep(0)  # the loop closes their sockets

    def _new_lane(self, origin: Origin) -> Lane:
        lane = self._lanes[origin] = Lane(origin, self._most)
        return lane

    def _idle(self, lane: Lane) -> Wire | None:
        while lane.idle:
            connection = lane.idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return None

    def _give_back(self, lane: Lane, connection: Wire) -> None:
        if not connection.closed and len(lane.idle) < MOST_IDLE:
            lane.idle.append(connection)
        else:
            connection.close()
        if time.monotonic() - self._swept > wire.IDLE_FOR:
            self._swept = time.monotonic()
            for each in self._lanes.values():
                self._sweep(each)

    def _sweep(self, lane: Lane) -> None:
        kept = [connection for connection in lane.idle if connection.usable]
        for connection in set(lane.idle).difference(kept):
            connection.close()
        lane.idle = kept

    async def _connect(self, origin: Origin, patience: float) -> Wire:
        """Whatever goes wrong here, a handshake too, comes before the first byte of a request."""
        try:
            async with asyncio.timeout(patience):
                return await self._first(await self._guard.resolve(origin.host, origin.port), origin)
        except (OSError, TimeoutError, ValueError) as error:  # a ValueError: no name that a certificate could have
            raise NothingWritten from error

    async def _first(self, addresses: tuple[str, ...], origin: Origin) -> Wire:
        """The first address that answers. The name was looked up once, by the guard; here it is the TLS name only."""
        loop = asyncio.get_running_loop()
        tls = self.tls if origin.scheme == "https" else None
        name = origin.host if tls else None
        refused = OSError("no address")
        for address in addresses:
            try:
                _, connection = await loop.create_connection(
                    lambda: Wire(self._longest), address, origin.port, ssl=tls, server_hostname=name
                )
                return connection
            except OSError as error:
                refused = error
        raise refused
