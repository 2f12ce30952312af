"""A platform that answers every create after a while, in a process of its own, and nothing else."""

import asyncio
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from typing import cast

import uvloop

AFTER = 0.05
_ids = count(1)


class Answering(asyncio.Protocol):
    """Reads a request to its end, waits, answers; then the next on the same connection."""

    def __init__(self, after: float) -> None:
        self._after, self._read = after, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if found and len(body) >= _length(head):
            self._read = b""
            asyncio.get_running_loop().call_later(self._after, self._answer)

    def _answer(self) -> None:
        number, at = next(_ids), datetime.now(UTC).isoformat()
        body = json.dumps({"id": str(number), "url": f"http://127.0.0.1/{number}", "created_at": at}).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        self._transport.write(body)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _serve(ready: Connection, after: float) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Answering(after), "127.0.0.1", 0, backlog=4096)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


@contextmanager
def answering(after: float = AFTER) -> Iterator[int]:
    """Its port."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, after), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()
