"""Carriers take a connector's requests out and bring the answers back."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Protocol, TypeVar

import httpcore
import httpx

from api.platforms.errors import NotSent, PlatformError, Refusal, Refused, Unknown
from api.platforms.values import Exchange, Request, Response
from workers.platforms.guard import Guard
from workers.platforms.wire import BodyTooLong, Lanes

T = TypeVar("T")

USER_AGENT = f"Beatline/{version('beatline')}"
LONGEST_BODY = 2_000_000
MOST_REDIRECTS = 3
SLOWEST_LINE = 250_000
"""Bytes in a second that we wait for when something large is brought up."""
HOST = re.compile(r"[A-Za-z0-9._:-]+")
NO_ADDRESS = "The server's address is not a valid one."
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Raised before the first byte of a request is written. After anything else it may have arrived.
NOTHING_WRITTEN = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
LOST = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
    TimeoutError,
    OSError,
)


class Carrier(Protocol):
    async def send(self, request: Request) -> Response:
        """The answer, or NotSent, or Refused, or (only for what creates) Unknown."""
        ...


Heard = Callable[[Request, Response], None]


async def carry(carrier: Carrier, exchange: Exchange[T], heard: Heard | None = None) -> T:
    """Takes an exchange through to its end; what goes wrong on the way is thrown into it first. `heard`: each answer."""
    try:
        request = next(exchange)
        while True:
            if request.after:
                await asyncio.sleep(request.after)
            try:
                response = await carrier.send(request)
            except PlatformError as error:
                request = exchange.throw(error)
            else:
                if heard is not None:
                    heard(request, response)
                request = exchange.send(response)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        exchange.close()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `whole` ends an answer that drips in for ever."""

    connect: float = 5.0
    read: float = 10.0
    whole: float = 30.0

    def with_body(self, size: int) -> "Timeouts":
        """A large body takes as long as a slow line needs; part of it is still on its way when we begin to wait."""
        more = size / SLOWEST_LINE
        return Timeouts(self.connect, self.read + more, self.whole + more)

    def as_extension(self) -> dict[str, float]:
        return {"connect": self.connect, "read": self.read, "write": self.read, "pool": self.connect}


class HttpxCarrier:
    """Carries over httpx's engine, guarded: only to the public internet or to what `allow_private` names."""

    def __init__(
        self,
        allow_private: frozenset[tuple[str, int]] = frozenset(),
        timeout: float = 10.0,
        connections: int = 500,
        connect_timeout: float = 5.0,
    ) -> None:
        self._guard = Guard(allow_private)
        self._timeouts = Timeouts(connect_timeout, timeout, whole=3 * timeout + connect_timeout)
        self._lanes = Lanes(self._guard, connections, LONGEST_BODY)

    async def send(self, request: Request) -> Response:
        response = await self._once(request)
        for _ in range(MOST_REDIRECTS):
            follow = _redirected(request, response)
            if follow is None:
                return response
            request = follow
            response = await self._once(request)
        return response

    async def aclose(self) -> None:
        await self._lanes.aclose()

    async def _once(self, request: Request) -> Response:
        timeouts = self._timeouts.with_body(len(request.body or b""))
        prepared = self._prepare(request, timeouts)
        try:
            async with asyncio.timeout(timeouts.whole):
                answer, body = await self._lanes.send(prepared, timeouts.connect)
        except NOTHING_WRITTEN as error:
            raise NotSent("The server could not be reached.") from error
        except BodyTooLong as error:
            raise _lost(request, "The server's answer was too long to read.") from error
        except LOST as error:
            raise _lost(request, "The server's answer was lost.") from error
        return Response(answer.status, _headers(answer), body)

    def _prepare(self, request: Request, timeouts: Timeouts) -> httpcore.Request:
        url = _url(request.url)
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        self._guard.check(url.scheme, url.host, port)
        body = request.body or b""
        headers = {"Host": url.netloc.decode("ascii"), "User-Agent": USER_AGENT, **request.headers}
        # Compressed answers could unfold without end, and what they save is small.
        headers["Accept-Encoding"] = "identity"
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise Refused(Refusal.INVALID, "The key or token has characters that it cannot have.")
        if body or request.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        return httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=port, target=url.raw_path),
            headers=list(headers.items()),
            content=body,
            extensions={"timeout": timeouts.as_extension()},
        )


@lru_cache(256)
def _url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(Refusal.INVALID, NO_ADDRESS) from error
    if not HOST.fullmatch(url.raw_host.decode("latin-1")) or not 0 < (url.port or 443) < 65536:
        raise Refused(Refusal.INVALID, NO_ADDRESS)
    if url.userinfo:
        raise Refused(Refusal.FORBIDDEN, "A server's address must not contain a password.")
    return url


def _redirected(request: Request, response: Response) -> Request | None:
    """Where a read goes on; None where it ends. What creates is never sent on to another place."""
    if response.status not in REDIRECTS or request.method != "GET" or "location" not in response.headers:
        return None
    here = _url(request.url)
    try:
        there = here.join(response.headers["location"])
    except (httpx.InvalidURL, ValueError):
        return None
    same = (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port)
    if not same and any(name.lower() == "authorization" for name in request.headers):
        # Without our permission the answer would be a misleading no, with it we would give it away.
        return None
    return replace(request, url=str(there))


def _lost(request: Request, sentence: str) -> PlatformError:
    return Unknown(sentence) if request.creates else NotSent(sentence)


def _headers(answer: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
