"""Carriers take a connector's requests out and bring the answers back."""

import asyncio
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Protocol, TypeVar

import httpx

from api.platforms.errors import NotSent, PlatformError, Refusal, Refused, Unknown
from api.platforms.values import Exchange, Request, Response
from workers.platforms.guard import Guard
from workers.platforms.lanes import Lanes, Origin
from workers.platforms.wire import AnswerLost, AnswerTooLong, NothingWritten, Patience

T = TypeVar("T")

USER_AGENT = f"Beatline/{version('beatline')}"
LONGEST_BODY = 2_000_000
MOST_REDIRECTS = 3
HOST = re.compile(r"[A-Za-z0-9._:-]+")
NO_ADDRESS = "The server's address is not a valid one."
NO_HEADER = "The key or token has characters that it cannot have."
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = {"http": 80, "https": 443}
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Carrier(Protocol):
    async def send(self, request: Request) -> Response:
        """The answer, or NotSent, or Refused, or (only for what creates) Unknown."""
        ...


Heard = Callable[[Request, Response], None]


async def carry(carrier: Carrier, exchange: Exchange[T], longest: float = math.inf, heard: Heard | None = None) -> T:
    """Takes an exchange through to its end; what goes wrong on the way is thrown into it first.

    After `longest` seconds nothing more is asked: TimeoutError. Each single request ends by the carrier's own patience.
    `heard` is told each answer before the exchange is.
    """
    began = time.monotonic()
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
            if time.monotonic() - began > longest:
                raise TimeoutError
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        exchange.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address leads, read once."""

    url: httpx.URL
    origin: Origin
    target: str
    host: str
    """As it stands in the Host header."""


class HttpxCarrier:
    """Carries over connections of our own, guarded: only to the public internet or to what `allow_private` names.

    httpx reads the addresses; what is done with them is in lanes.py and wire.py.
    """

    def __init__(
        self,
        allow_private: frozenset[tuple[str, int]] = frozenset(),
        timeout: float = 10.0,
        connections: int = 500,
        connect_timeout: float = 5.0,
    ) -> None:
        self._guard = Guard(allow_private)
        self._patience = Patience(connect_timeout, timeout, whole=3 * timeout + connect_timeout)
        self._lanes = Lanes(self._guard, connections, LONGEST_BODY)

    async def send(self, request: Request) -> Response:
        response = await self._once(request)
        if response.status not in REDIRECTS:
            return response
        for _ in range(MOST_REDIRECTS):
            follow = _redirected(request, response)
            if follow is None:
                return response
            request = follow
            response = await self._once(request)
        return response

    async def warm(self, address: str, connections: int) -> None:
        """Opens so many connections for what is about to be sent there; whatever fails then, fails again later."""
        try:
            origin = self._checked(_place(address)).origin
            await self._lanes.warm(origin, connections, self._patience.connect)
        except PlatformError:
            return

    async def aclose(self) -> None:
        await self._lanes.aclose()

    async def _once(self, request: Request) -> Response:
        place = self._checked(_place(request.url))
        written = _written(place, request)
        try:
            return await self._lanes.send(place.origin, written, self._patience.with_body(len(written)))
        except NothingWritten as error:
            raise NotSent("The server could not be reached.") from error
        except AnswerTooLong as error:
            raise _lost(request, "The server's answer was too long to read.") from error
        except AnswerLost as error:
            raise _lost(request, "The server's answer was lost.") from error

    def _checked(self, place: Place) -> Place:
        origin = place.origin
        self._guard.check(origin.scheme, origin.host, origin.port)
        return place


@lru_cache(1024)
def _place(address: str) -> Place:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(Refusal.INVALID, NO_ADDRESS) from error
    host = url.raw_host.decode("latin-1")
    if not HOST.fullmatch(host) or not 0 < (url.port or 443) < 65536:
        raise Refused(Refusal.INVALID, NO_ADDRESS)
    if url.userinfo:
        raise Refused(Refusal.FORBIDDEN, "A server's address must not contain a password.")
    origin = Origin(url.scheme, host, url.port or PORTS.get(url.scheme, 0))
    return Place(url, origin, url.raw_path.decode("ascii"), url.netloc.decode("ascii"))


def _written(place: Place, request: Request) -> bytes:
    """The whole request as it goes over the wire."""
    body = request.body or b""
    values = "".join(request.headers.values())
    if not (values.isascii() and values.isprintable()):
        raise Refused(Refusal.INVALID, NO_HEADER)
    # Compressed answers could unfold without end, and what they save is small.
    head = (
        f"{request.method} {place.target} HTTP/1.1\r\nHost: {place.host}\r\nUser-Agent: {USER_AGENT}\r\n"
        "Accept-Encoding: identity\r\n"
    )
    for name, value in request.headers.items():
        head += f"{name}: {value}\r\n"
    if body or request.method in WITH_BODY:
        head += f"Content-Length: {len(body)}\r\n"
    return (head + "\r\n").encode("ascii") + body


def _redirected(request: Request, response: Response) -> Request | None:
    """Where a read goes on; None where it ends. What creates is never sent on to another place."""
    if response.status not in REDIRECTS or request.method != "GET" or "location" not in response.headers:
        return None
    here = _place(request.url).url
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
