"""Sends per second of the carrier, beside plain httpx and beside raw connections that know no HTTP library.

    python -m benchmarks.carrier [seconds]

The server runs in a process of its own and answers each post after 50 ms.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing import Process, Queue
from typing import cast

import httpx
import uvloop

from api.platforms.values import Request
from workers.platforms.http import HttpxCarrier

DELAY = 0.05
BODY = b'{"status":"Road closed at Lower Mill Lane.","visibility":"public"}'
ANSWER = b'{"id":"1","url":"https://town.example/@team/1","created_at":"2026-01-01T00:00:00.000Z"}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
ONE = HEAD % len(ANSWER) + ANSWER
HEADERS = {"Authorization": "Bearer x", "Content-Type": "application/json", "Idempotency-Key": "k"}

Send = Callable[[], Awaitable[object]]


class Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.pending = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        self.pending += data
        if BODY in self.pending:
            self.pending = b""
            asyncio.get_running_loop().call_later(DELAY, self._answer)

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ONE)


def serve(ports: "Queue[int]") -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=2048)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


async def rate(send: Send, in_flight: int, seconds: float) -> float:
    """Sends per second, after half a second to warm up."""
    await _round(send, in_flight, 0.5)
    started = time.monotonic()
    done = await _round(send, in_flight, seconds)
    return done / (time.monotonic() - started)


async def _round(send: Send, in_flight: int, seconds: float) -> int:
    end = time.monotonic() + seconds

    async def sender() -> int:
        done = 0
        while time.monotonic() < end:
            await send()
            done += 1
        return done

    return sum(await asyncio.gather(*(sender() for _ in range(in_flight))))


async def raw(port: int, in_flight: int, seconds: float) -> float:
    """No library: the most that this machine does with the same bytes."""
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    head = b"POST /api/v1/statuses HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY)

    async def send() -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + BODY)
        await reader.readexactly(len(ONE))
        idle.append((reader, writer))

    result = await rate(send, in_flight, seconds)
    for _, writer in idle:
        writer.close()
    return result


async def carrier(port: int, in_flight: int, seconds: float) -> float:
    ours = HttpxCarrier(allow_private=frozenset({("127.0.0.1", port)}), connections=in_flight)
    request = Request("POST", f"http://127.0.0.1:{port}/api/v1/statuses", HEADERS, BODY, creates=True)
    try:
        return await rate(lambda: ours.send(request), in_flight, seconds)
    finally:
        await ours.aclose()


async def plain(port: int, in_flight: int, seconds: float) -> float:
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        url = f"http://127.0.0.1:{port}/api/v1/statuses"
        return await rate(lambda: client.post(url, headers=HEADERS, content=BODY), in_flight, seconds)


async def compare(port: int, seconds: float) -> None:
    print("in flight | raw/s | carrier/s (of raw) | plain httpx/s (of raw) | 50 ms allows")
    for in_flight in (100, 500):
        limit = await raw(port, in_flight, seconds)
        ours = await carrier(port, in_flight, seconds)
        theirs = await plain(port, in_flight, seconds)
        print(
            f"{in_flight:9} | {limit:5.0f} | {ours:6.0f} ({ours / limit:.2f}) "
            f"| {theirs:6.0f} ({theirs / limit:.2f}) | {in_flight / DELAY:.0f}"
        )


def main() -> None:
    ports: Queue[int] = Queue()
    server = Process(target=serve, args=(ports,), daemon=True)
    server.start()
    try:
        uvloop.run(compare(ports.get(timeout=10), float(sys.argv[1]) if len(sys.argv) > 1 else 3.0))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
