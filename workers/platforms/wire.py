"""One connection: a request goes out whole, one answer comes back, or what became of it.

The bytes are read by llhttp (through httptools, which also reads them for uvicorn), the socket is the loop's own.
Nothing here waits in a stream or behind a lock: docs/decisions/0014 tells what that is worth.
"""

import asyncio
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpResponseParser

from api.platforms.values import Response

# Servers close idle connections after five seconds or more; a request on a closing one is a lost answer.
IDLE_FOR = 4.0
LONGEST_HEAD = 100_000
SMALL = 64_000
"""A request of fewer bytes is no large body."""
SLOWEST_LINE = 250_000
"""Bytes in a second that we wait for when something large is brought up."""


class NothingWritten(Exception):
    """Not one byte of a request left: surely nothing was done."""


class AnswerLost(Exception):
    """The request may have arrived."""


class AnswerTooLong(AnswerLost):
    """More than we are willing to keep in memory."""


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. `whole` ends an answer that drips in for ever."""

    connect: float = 5.0
    quiet: float = 10.0
    whole: float = 30.0

    def with_body(self, size: int) -> "Patience":
        """A large body takes as long as a slow line needs; part of it is still on its way when we begin to wait."""
        if size < SMALL:
            return self
        more = size / SLOWEST_LINE
        return Patience(self.connect, self.quiet + more, self.whole + more)


class Wire(asyncio.Protocol):
    """Asks one thing at a time. Whatever is not a clean answer closes it for good."""

    def __init__(self, longest_body: int) -> None:
        self._longest = longest_body + LONGEST_HEAD
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size, self._unwritten, self._heard, self._ends = 0, 0, 0.0, 0.0
        self._headed = self._until_closed = False
        self.closed = False
        self.idle_since = self._loop.time()

    async def ask(self, request: bytes, patience: Patience) -> Response:
        """The answer with its whole body, or AnswerLost. Cancelled, it leaves a closed connection behind."""
        if self.closed or self._transport.is_closing():
            raise NothingWritten
        answer: asyncio.Future[Response] = self._loop.create_future()
        self._answer = answer
        self._size, self._unwritten, self._headed = 0, 0, False
        self._heard = now = self._loop.time()
        self._ends = now + patience.whole
        self._timer = self._loop.call_later(patience.quiet, self._look, patience.quiet)
        self._transport.write(request)
        try:
            return await answer
        except BaseException:
            self.close()
            raise
        finally:
            self._timer.cancel()
            self._answer = None
            del answer  # else it would hold its error, and the error this frame, until the collector comes by

    def close(self) -> None:
        """At once: nobody waits for what is still on its way."""
        if not self.closed:
            self.closed = True
            self._transport.abort()

    @property
    def usable(self) -> bool:
        """Whether another request may be written: nothing came unasked, and it has not rested for too long."""
        return not self.closed and not self._transport.is_closing() and self._loop.time() - self.idle_since < IDLE_FOR

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.close()  # nobody asked
            return
        self._heard = self._loop.time()
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError:  # an upgrade is one too, and nobody asked for it
            self._lost(AnswerLost("no HTTP"))
            return
        if self._size > self._longest:
            self._lost(AnswerTooLong())

    def eof_received(self) -> None:
        if self._headed and self._until_closed and not self.closed:
            self._done(again=False)
        self._lost(AnswerLost("closed"))

    def connection_lost(self, _: Exception | None) -> None:
        self.closed = True
        self._lost(AnswerLost("connection lost"))
        # They hold each other, and a socket: a connection that rested is looked at by the collector only now and then.
        del self._parser

    # What the parser says

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # a second answer to one question: whose would the next one be?
        self._headers, self._parts = {}, []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._headed = True
        chunked = self._headers.get("transfer-encoding", "").lower().endswith("chunked")
        self._until_closed = not chunked and "content-length" not in self._headers

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:  # before that it only says that the answer will come
            self._done(again=self._parser.should_keep_alive())

    # What it comes to

    def _done(self, *, again: bool) -> None:
        answer = self._answer
        if answer is None or answer.done():
            return
        answer.set_result(Response(self._parser.get_status_code(), self._headers, b"".join(self._parts)))
        self._parts = []
        self.idle_since = self._heard
        if not again:
            self.close()

    def _lost(self, error: AnswerLost) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()

    def _look(self, quiet: float) -> None:
        """Quiet is when nothing comes and nothing more of the request is taken."""
        now, unwritten = self._loop.time(), self._transport.get_write_buffer_size()
        if unwritten and unwritten != self._unwritten:
            self._unwritten, self._heard = unwritten, now
        until = min(self._heard + quiet, self._ends)
        if now >= until:
            self._lost(AnswerLost("no answer in time"))
        else:
            self._timer = self._loop.call_later(until - now, self._look, quiet)
