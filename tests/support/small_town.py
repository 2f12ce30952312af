"""A platform in this process that speaks enough of Mastodon to send to and to read back from, and fails when told."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from api.core.clock import Clock, clock
from api.platforms.errors import NotSent, Unknown
from api.platforms.values import Request, Response

Fault = str
"""refused: no connection · lost_before, lost_after: the answer is lost · 500_before, 500_after · 429 · 401 · 422 · slow"""


@dataclass
class Status:
    id: str
    account: str
    text: str
    key: str
    visibility: str
    in_reply_to: str | None
    at: datetime
    spoiler: str = ""
    media: tuple[str, ...] = ()
    """The words of each picture."""


@dataclass
class SmallTown:
    """`fault` is asked for each request; `calls` tells what was asked, in order."""

    fault: Callable[[Request], Fault | None] = lambda _: None
    latency: float = 0.0
    idempotent: bool = True
    list_lag: float = 0.0
    retry_after: float = 0.2
    clock: Clock = clock
    statuses: list[Status] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    media: list[bytes] = field(default_factory=list)
    """Each picture with its form, as it came."""
    watch: Callable[[int], None] = lambda _: None
    """Told how many requests are open, at each new one."""
    _open: int = 0

    async def send(self, request: Request) -> Response:
        self._open += 1
        self.watch(self._open)
        try:
            return await self._answer(request)
        finally:
            self._open -= 1

    async def _answer(self, request: Request) -> Response:
        fault = self.fault(request)
        self.calls.append((request.method, fault or ""))
        if fault == "refused":
            raise NotSent("The server could not be reached.")
        if self.latency or fault == "slow":
            await asyncio.sleep(self.latency + (0.3 if fault == "slow" else 0))
        refused = self._refusal(fault)
        if refused is not None:
            return refused
        if fault == "lost_before":
            raise self._lost(request)
        answer = self._done(request)
        if fault == "lost_after":
            raise self._lost(request)
        return Response(500, {}, b"broken") if fault == "500_after" else answer

    def _done(self, request: Request) -> Response:
        if request.url.endswith("/api/v2/media"):
            self.media.append(request.body or b"")
            return _json({"id": str(len(self.media)), "url": "https://town.example/media/1"})
        return self._create(request) if request.method == "POST" else self._read(request)

    def texts(self, account: str) -> list[str]:
        return [status.text for status in self.statuses if status.account == account]

    def _refusal(self, fault: Fault | None) -> Response | None:
        match fault:
            case "429":
                return _json({"error": "Too many requests"}, 429, {"retry-after": str(self.retry_after)})
            case "401":
                return _json({"error": "The access token was revoked"}, 401)
            case "422":
                return _json({"error": "Validation failed: Text can't be blank"}, 422)
            case "500_before":
                return Response(500, {}, b"broken")
        return None

    def _create(self, request: Request) -> Response:
        body = json.loads(request.body or b"{}")
        account = request.headers["Authorization"].removeprefix("Bearer token-")
        key = request.headers["Idempotency-Key"]
        known = next((s for s in self.statuses if s.key == key), None) if self.idempotent else None
        if known is None:
            known = Status(
                str(1000 + len(self.statuses)), account, body["status"], key, body["visibility"],
                body.get("in_reply_to_id"), self.clock.now(), body.get("spoiler_text", ""),
                tuple(map(self._words_of, body.get("media_ids", ()))),
            )  # fmt: skip
            self.statuses.append(known)
        return _json(_shape(known))

    def _words_of(self, media_id: str) -> str:
        found = re.search(rb'name="description"\r\n\r\n(.*?)\r\n--', self.media[int(media_id) - 1], re.DOTALL)
        return found[1].decode() if found else ""

    def _read(self, request: Request) -> Response:
        _, found, name = urlsplit(request.url).path.partition("/api/v1/statuses/")
        if not found:
            return self._list(request)
        known = next((status for status in self.statuses if status.id == name), None)
        return _json(_shape(known)) if known else _json({"error": "Record not found"}, 404)

    def _list(self, request: Request) -> Response:
        url = urlsplit(request.url)
        account, query = url.path.split("/")[4], parse_qs(url.query)
        before = int(query["max_id"][0]) if "max_id" in query else 1 << 60
        seen_from = self.clock.now() - timedelta(seconds=self.list_lag)
        page = [s for s in self.statuses if s.account == account and int(s.id) < before and s.at <= seen_from]
        return _json([_shape(status) for status in reversed(page[-int(query["limit"][0]) :])])

    def _lost(self, request: Request) -> Exception:
        sentence = "The server's answer was lost."
        return Unknown(sentence) if request.creates else NotSent(sentence)


def _shape(status: Status) -> dict[str, Any]:
    return {
        "id": status.id,
        "url": f"https://town.example/@{status.account}/{status.id}",
        "created_at": status.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "content": f"<p>{status.text}</p>",
        "visibility": status.visibility,
        "spoiler_text": status.spoiler,
        "in_reply_to_id": status.in_reply_to,
        "account": {"id": status.account},
        "media_attachments": [{"id": "1", "description": words or None} for words in status.media],
    }


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, {"content-type": "application/json"} | (headers or {}), json.dumps(value).encode())
