"""Connections: opened to checked addresses only, kept warm, handed out without looking through a list.

httpx's own pool looks at every connection for every request, which is quadratic in its size. Here each
origin has a stack: taking and giving back are one step each. docs/decisions tells what that was worth.
"""

# ruff: noqa: ASYNC109 - httpcore's interface has time-outs as arguments
import asyncio
import ssl
import time
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpcore

from workers.platforms.guard import Guard, NoSuchHost

SOCKET_OPTION = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
# Servers close idle connections after five seconds or more; a request on a closing one is a lost answer.
IDLE_FOR = 4.0
MOST_IDLE = 512
# More than any body: until Python 3.12 a stream that became encrypted pauses the wrong transport.
READ_AHEAD = 4_000_000


class BodyTooLong(Exception):
    """More than we are willing to keep in memory."""


class Wire(httpcore.AsyncNetworkStream):
    """One connection, on asyncio's own streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("no answer in time") from error
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ReadError("connection lost") from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        try:
            self._writer.write(buffer)
            if not self._writer.transport.get_write_buffer_size():
                return  # the system took it all: nothing to wait for
            async with asyncio.timeout(timeout):
                await self._writer.drain()
        except TimeoutError as error:
            raise httpcore.WriteTimeout("not taken in time") from error
        except (OSError, RuntimeError) as error:
            raise httpcore.WriteError("connection lost") from error

    async def aclose(self) -> None:
        self._writer.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "Wire":
        try:
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except TimeoutError as error:
            self._writer.close()
            raise httpcore.ConnectTimeout("no encryption in time") from error
        except (OSError, ssl.SSLError) as error:
            self._writer.close()
            raise httpcore.ConnectError("no encrypted connection") from error
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # asked of idle connections only: the other side has closed it
            return self._reader.at_eof() or self._writer.is_closing()
        return self._writer.get_extra_info("ssl_object") if info == "ssl_object" else None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that the guard has checked; the name is used for TLS and looked up once."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> Wire:
        try:
            async with asyncio.timeout(timeout):
                return await self._first(await self._guard.resolve(host, port), port)
        except NoSuchHost as error:
            raise httpcore.ConnectError("no such host") from error
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpcore.ConnectError("no connection") from error

    async def _first(self, addresses: tuple[str, ...], port: int) -> Wire:
        refused: OSError = NoSuchHost("no address")
        for address in addresses:
            try:
                return Wire(*await asyncio.open_connection(address, port, limit=READ_AHEAD))
            except OSError as error:
                refused = error
        raise refused

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class Lane:
    """The connections to one origin. A slow server fills its own lane and nobody else's."""

    turns: asyncio.Semaphore
    idle: list[httpcore.AsyncHTTPConnection] = field(default_factory=list)


class Lanes:
    """Sends over httpcore's connections, with a stack of them for each origin. No cookies, no proxies."""

    def __init__(self, guard: Guard, most: int, longest_body: int) -> None:
        self._backend = GuardedBackend(guard)
        self._most, self._longest = most, longest_body
        self._lanes: dict[tuple[bytes, bytes, int], Lane] = {}
        self._swept = time.monotonic()

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    async def send(self, request: httpcore.Request, wait: float) -> tuple[httpcore.Response, bytes]:
        """The answer with its whole body. PoolTimeout when no connection came free in `wait` seconds."""
        origin = request.url.origin
        lane = self._lane(origin)
        await self._turn(lane, wait)
        try:
            return await self._over(await self._take(lane, origin), lane, request)
        finally:
            lane.turns.release()

    async def _over(
        self, connection: httpcore.AsyncHTTPConnection, lane: Lane, request: httpcore.Request
    ) -> tuple[httpcore.Response, bytes]:
        try:
            response = await connection.handle_async_request(request)
            try:
                return response, await self._body(response)
            finally:
                await response.aclose()
        finally:
            await self._give_back(lane, connection)

    async def aclose(self) -> None:
        for lane in self._lanes.values():
            await self._close(lane, lane.idle)

    def _lane(self, origin: httpcore.Origin) -> Lane:
        key = (origin.scheme, origin.host, origin.port)
        if key not in self._lanes:
            self._lanes[key] = Lane(asyncio.Semaphore(self._most))
        return self._lanes[key]

    async def _turn(self, lane: Lane, wait: float) -> None:
        if not lane.turns.locked():
            await lane.turns.acquire()
            return
        try:
            async with asyncio.timeout(wait):
                await lane.turns.acquire()
        except TimeoutError as error:
            raise httpcore.PoolTimeout("no connection came free") from error

    async def _take(self, lane: Lane, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        while lane.idle:
            connection = lane.idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self.tls, keepalive_expiry=IDLE_FOR, network_backend=self._backend
        )

    async def _give_back(self, lane: Lane, connection: httpcore.AsyncHTTPConnection) -> None:
        if connection.is_idle() and not connection.is_closed() and len(lane.idle) < MOST_IDLE:
            lane.idle.append(connection)
        else:
            await connection.aclose()
        if time.monotonic() - self._swept > IDLE_FOR:
            self._swept = time.monotonic()
            for other in self._lanes.values():
                await self._close(other, [idle for idle in other.idle if idle.has_expired()])

    async def _close(self, lane: Lane, connections: list[httpcore.AsyncHTTPConnection]) -> None:
        closing = set(map(id, connections))
        connections, lane.idle = list(connections), [kept for kept in lane.idle if id(kept) not in closing]
        for connection in connections:
            await connection.aclose()

    async def _body(self, response: httpcore.Response) -> bytes:
        parts, size = [], 0
        assert isinstance(response.stream, AsyncIterable)
        async for part in response.stream:
            size += len(part)
            if size > self._longest:
                raise BodyTooLong
            parts.append(part)
        return b"".join(parts)
