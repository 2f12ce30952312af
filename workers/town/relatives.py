"""Stands in front of the town and turns its answers into those of a relative of Mastodon's."""

import json
from email.utils import formatdate
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.town.likenesses import likeness
from workers.town.mischief import PAGE
from workers.town.switches import Switches
from workers.town.world import Town

Headers = list[tuple[bytes, bytes]]


class Relatives:
    def __init__(self, app: ASGIApp, town: Town) -> None:
        self._app, self._town = app, town

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        switches = self._town.faults.switches
        if scope["type"] != "http" or scope["path"].startswith("/town/") or switches == Switches():
            await self._app(scope, receive, send)
            return
        refused = _refusal(scope, switches)
        if refused is not None:
            answer = _Turned(scope, switches, self._town.now(), send)
            await refused(scope, receive, answer.take)
            return
        await self._app(scope, receive, _Turned(scope, switches, self._town.now(), send).take)


def _refusal(scope: Scope, switches: Switches) -> JSONResponse | None:
    if scope["path"].startswith("/api/v2/"):
        if switches.v2_is_a_page:
            return JSONResponse("", 200, {"content-type": "text/html"})
        if switches.no_v2:
            return JSONResponse({"error": "Not Found"}, 404)
    agent = dict(scope["headers"]).get(b"user-agent", b"").strip()
    return JSONResponse({"error": "Who are you?"}, 418) if switches.refuse_empty_user_agent and not agent else None


class _Turned:
    """Keeps an answer until it is whole, and sends what a relative would have said."""

    def __init__(self, scope: Scope, switches: Switches, now_ms: int, send: Send) -> None:
        self._scope, self._switches, self._now_ms, self._send = scope, switches, now_ms, send
        self._start: Message = {}
        self._body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._go()
        elif "content-length" in {name.decode() for name, _ in self._start["headers"]}:
            # Cut short on purpose: what was promised is not kept.
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": self._body, "more_body": True})

    async def _go(self) -> None:
        status, headers = self._start["status"], _headers(self._start["headers"], self._switches, self._now_ms)
        body, kind = self._body, dict(headers).get(b"content-type", b"")
        if status >= 400:
            body, kind = _error(body, kind, self._switches)
        elif status < 300 and body and kind.startswith(b"application/json"):
            if self._makes():
                status = self._switches.created
            body = json.dumps(likeness(self._scope["path"], json.loads(body), self._switches)).encode()
        elif self._switches.v2_is_a_page and self._scope["path"].startswith("/api/v2/"):
            body = PAGE
        changed = (b"content-type", b"content-length")
        headers = [each for each in headers if each[0] not in changed]
        headers += [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def _makes(self) -> bool:
        return (self._scope["method"], self._scope["path"]) == ("POST", "/api/v1/statuses")


def _headers(headers: Headers, switches: Switches, now_ms: int) -> Headers:
    counted = [each for each in headers if each[0].startswith(b"x-ratelimit")]
    others = [each for each in headers if not each[0].startswith(b"x-ratelimit")]
    if switches.clock_behind:
        others.append((b"date", formatdate(now_ms / 1000 - switches.clock_behind, usegmt=True).encode()))
    if switches.limit_headers == "none":
        return others
    if switches.limit_headers != "usual" and counted:
        back = now_ms + 60_000 if switches.limit_headers == "milliseconds" else now_ms // 1000 + 60
        counted = [*counted[:-1], (b"x-ratelimit-reset", str(back).encode())]
    return others + counted


def _error(body: bytes, kind: bytes, switches: Switches) -> tuple[bytes, bytes]:
    as_json = b"application/json"
    try:
        said: Any = json.loads(body)
    except ValueError:
        return body, kind
    match switches.errors:
        case "html":
            return PAGE, b"text/html"
        case "empty":
            return b"", b"text/plain"
        case "nested":
            return json.dumps({"errors": {"base": {"detail": said}}}).encode(), as_json
        case "list":
            return json.dumps([said]).encode(), as_json
    return body, kind
