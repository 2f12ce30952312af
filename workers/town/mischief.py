"""Stands in front of the town and does what the faults say to each request."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.town.faults import AFTER, Asked, Faults, LimitStyle, Rule
from workers.town.limits import iso

PAGE = b"<!doctype html><html lang=en><title>Bad gateway</title><h1>Something broke</h1></html>"


class HungUpError(ConnectionResetError):
    """Only met by callers without a real connection, such as tests inside one process."""


class Place(Protocol):
    """What mischief has to know of the server that it stands in front of."""

    @property
    def faults(self) -> Faults[Any]: ...

    def now(self) -> int: ...

    def who(self, bearer: str) -> str: ...


@dataclass(frozen=True)
class Words:
    """How a platform says what goes wrong. Refusals are a status and a body."""

    limited: str = '{"error":"Too many requests"}'
    expired: tuple[int, str] = (401, '{"error":"The access token expired"}')
    revoked: tuple[int, str] = (401, '{"error":"The access token was revoked"}')
    limit_header: str = "X-RateLimit"
    limit_style: LimitStyle = "iso"


class Mischief:
    def __init__(self, app: ASGIApp, place: Place, words: Words | None = None) -> None:
        self._app, self._place, self._words = app, place, words or Words()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/town/"):
            await self._app(scope, receive, send)
            return
        body = b""
        if self._place.faults.want_words:
            heard = await _whole(receive)
            body, receive = b"".join(part.get("body", b"") for part in heard), _once_more(heard, receive)
        rule = self._place.faults.strike(Asked(scope["method"], scope["path"], self._asker(scope), body))
        if rule is None:
            await self._app(scope, receive, send)
            return
        try:
            await (self._after if rule.kind in AFTER else self._before)(rule, scope, receive, send)
        except asyncio.CancelledError:
            if (drop := scope.get("state", {}).get("drop")) is not None:
                drop(False)  # the town is leaving: no answer is truer than an invented 500
            raise

    def _asker(self, scope: Scope) -> Callable[[], str]:
        said = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        return lambda: self._place.who(said.partition(" ")[2].strip())

    async def _before(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        match rule.kind:
            case "reset":
                await _drop(scope, receive, hard=True)
            case "slow_before":
                heard = await _whole(receive)
                await asyncio.sleep(rule.seconds)
                await self._app(scope, _once_more(heard, receive), send)
            case "rate_limited":
                headers = _limit_headers(rule, self._words, self._place.now())
                await _answer(send, 429, self._words.limited.encode(), headers=headers)
            case "html":
                await _answer(send, 200, PAGE, "text/html")
            case "redirect":
                await _answer(send, 302, b"", headers={"Location": rule.location})
            case "token_expired":
                await _answer(send, self._words.expired[0], self._words.expired[1].encode())
            case "token_revoked":
                await _answer(send, self._words.revoked[0], self._words.revoked[1].encode())
            case _:
                await _answer(send, rule.status, PAGE, "text/html")

    async def _after(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        match rule.kind:
            case "lost_answer":
                await _drop(scope, receive)
            case "error_after":
                await _answer(send, rule.status, PAGE, "text/html")
            case "slow_after":
                await asyncio.sleep(rule.seconds)
                for message in kept:
                    await send(message)
            case _:
                await _cut(kept, scope, receive, send)


def _limit_headers(rule: Rule, words: Words, now_ms: int) -> dict[str, str]:
    back_ms, name = now_ms + int(rule.seconds * 1000), words.limit_header
    counted = {f"{name}-Limit": "300", f"{name}-Remaining": "0"}
    match words.limit_style if rule.style == "usual" else rule.style:
        case "iso":
            return counted | {f"{name}-Reset": iso(back_ms)}
        case "epoch":
            return counted | {f"{name}-Reset": str(back_ms // 1000)}
        case "seconds":
            return {"Retry-After": str(int(rule.seconds))}
        case "date":
            return {"Retry-After": formatdate(back_ms / 1000, usegmt=True)}
    return {}


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    kind: str = "application/json",
    headers: dict[str, str] | None = None,
) -> None:
    named = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))} | (headers or {})
    raw = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive) -> list[Message]:
    """Everything that was asked: it is done in the end, even if nobody waits for it any more."""
    heard = [await receive()]
    while heard[-1].get("more_body"):
        heard.append(await receive())
    return heard


def _once_more(heard: list[Message], receive: Receive) -> Receive:
    async def again() -> Message:
        return heard.pop(0) if heard else await receive()

    return again


async def _drop(scope: Scope, receive: Receive, *, hard: bool = False) -> None:
    """Closes the socket without a byte of answer; hard sends a reset instead of a goodbye."""
    drop: Any = scope.get("state", {}).get("drop")
    if drop is None:
        raise HungUpError("The practice town dropped the connection.")
    drop(hard)
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(kept: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in kept[1:]) or json.dumps({}).encode()
    await send(kept[0])
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await _drop(scope, receive)
