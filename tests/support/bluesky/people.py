"""People on a network of Bluesky's kind, as tests let them speak."""

import asyncio
import base64
import hashlib
import hmac
import json
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from api.core.ids import new_id
from api.platforms.errors import Unknown
from api.platforms.values import (
    Draft,
    Exchange,
    Incoming,
    Request,
    Response,
    Stream,
    Token,
)
from tests.support.bluesky import Somebody
from workers.platforms import bluesky
from workers.platforms.http import Carrier, carry

T = TypeVar("T")

UNTIL_SHOWN = 15.0


@dataclass
class Person:
    """Somebody on the network, with a session of an app password and the words they say."""

    who: Somebody
    token: Token
    carrier: Carrier

    @property
    def handle(self) -> str:
        return self.who.address.handle

    async def ask(self, exchange: Exchange[T]) -> T:
        return await carry(self.carrier, exchange)

    async def say(self, text: str, answering: str | None = None, **more: Any) -> str:
        draft = Draft(str(new_id()), text, in_reply_to=answering, **more)
        return (await self.ask(bluesky.publish(self.who.address, self.token, draft))).remote_id

    async def say_and_wait(self, text: str) -> str:
        uri = await self.say(text)
        await self.seen(uri)
        return uri

    async def seen(self, uri: str) -> None:
        """By everybody. An answer that their servers come across before it is never told of."""
        async with asyncio.timeout(UNTIL_SHOWN):
            while not await self._everybody_sees(uri):  # noqa: ASYNC110 - another server's time
                await asyncio.sleep(0.1)

    async def _everybody_sees(self, uri: str) -> bool:
        somebody_else = replace(self.who.address, remote_id="did:plc:nobody")
        return await self.ask(bluesky.status(somebody_else, self.token, uri)) is not None

    async def record(self, uri: str) -> dict[str, Any]:
        """As the server holds it."""
        item = await self.ask(bluesky.status(self.who.address, self.token, uri))
        assert item is not None
        record = item.payload["record"]
        assert isinstance(record, dict)
        return record

    async def new(self, cursor: str | None = None) -> tuple[list[Incoming], str | None]:
        batch = await self.ask(bluesky.poll(self.who.address, self.token, Stream.MENTIONS, cursor))
        return [bluesky.read(self.who.address, item) for item in batch.items], batch.cursor

    async def shown(self, count: int) -> list[Incoming]:
        """Notifications are some time behind."""
        async with asyncio.timeout(UNTIL_SHOWN):
            while len((await self.new())[0]) < count:  # noqa: ASYNC110 - another server's time
                await asyncio.sleep(0.2)
        return (await self.new())[0]


Arrive = Callable[[str], Any]
"""Somebody joins the network: their name, and they are awaited."""


class Losing:
    """A carrier that loses the answer of whatever creates something."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def send(self, request: Request) -> Response:
        response = await self._carrier.send(request)
        if request.creates:
            raise Unknown("The server's answer was lost.")
        return response


def run_out(token: Token) -> Token:
    """The same session with an access token whose time is over: the servers' signing key is known here."""
    held = json.loads(token.secret)
    head, claims, _ = held["access"].split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"exp": int(time.time()) - 60}
    signed = f"{head}.{_segment(json.dumps(said).encode())}"
    signature = _segment(hmac.new(b"jwt-secret", signed.encode(), hashlib.sha256).digest())
    return replace(token, secret=json.dumps({**held, "access": f"{signed}.{signature}"}))


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def a_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    lines = b"".join(b"\x00" + b"\x20\x40\x80" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
