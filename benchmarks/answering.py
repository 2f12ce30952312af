"""A platform that answers every create after a while, in a process of its own, and nothing else.

It notes when each request came and whether two of one account were open at once: what a sender says of itself is
one thing, what arrived is another.
"""

import asyncio
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from typing import cast

import uvloop

AFTER = 0.05
_ids = count(1)


@dataclass
class Seen:
    """What came since it was last asked."""

    arrivals: list[float] = field(default_factory=list)
    overlaps: int = 0
    """Requests that came while another of the same account was open."""
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Platform:
    port: int
    _line: Connection

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def seen(self) -> Seen:
        self._line.send("seen")
        seen: Seen = self._line.recv()
        return seen


class Book:
    def __init__(self) -> None:
        self._seen, self._cpu = Seen(), time.process_time()
        self._open: Counter[bytes] = Counter()

    def came(self, account: bytes) -> None:
        self._seen.arrivals.append(time.time())
        self._seen.overlaps += self._open[account] > 0
        self._open[account] += 1

    def answered(self, account: bytes) -> None:
        self._open[account] = max(0, self._open[account] - 1)

    def close(self) -> Seen:
        """The page so far; a new one begins."""
        seen, self._seen = self._seen, Seen()
        seen.cpu, self._cpu = time.process_time() - self._cpu, time.process_time()
        return seen


class Answering(asyncio.Protocol):
    """Reads a request to its end, waits, answers; then the next on the same connection."""

    def __init__(self, after: float, book: Book) -> None:
        self._after, self._book, self._read = after, book, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        if len(body) >= int(_value(lower, b"\r\ncontent-length: ") or 0):
            self._read = b""
            account = _value(lower, b"\r\nauthorization: ")
            if lower.startswith(b"post "):
                self._book.came(account)
            asyncio.get_running_loop().call_later(self._after, self._answer, account)

    def _answer(self, account: bytes) -> None:
        self._book.answered(account)
        number, at = next(_ids), datetime.now(UTC).isoformat()
        body = json.dumps({"id": str(number), "url": f"http://127.0.0.1/{number}", "created_at": at}).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        )


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(name)[2].partition(b"\r\n")[0]


def _serve(line: Connection, after: float) -> None:
    async def run() -> None:
        book, loop = Book(), asyncio.get_running_loop()

        def asked() -> None:
            line.recv()
            line.send(book.close())

        server = await loop.create_server(lambda: Answering(after, book), "127.0.0.1", 0, backlog=4096)
        line.send(server.sockets[0].getsockname()[1])
        loop.add_reader(line.fileno(), asked)
        await server.serve_forever()

    uvloop.run(run())


@contextmanager
def answering(after: float = AFTER) -> Iterator[Platform]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, after), daemon=True)
    process.start()
    try:
        yield Platform(here.recv(), here)
    finally:
        process.terminate()
        process.join()
