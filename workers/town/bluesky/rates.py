"""So many requests in five minutes, as Bluesky counts them: names in small letters, times in seconds since 1970."""

import json

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.town.bluesky.sky import Sky
from workers.town.limits import WINDOW_MS, Limits

SIGN_IN = "/xrpc/com.atproto.server.createSession"
LIMITED = {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}


class Rates:
    def __init__(self, app: ASGIApp, sky: Sky) -> None:
        self._app, self._sky = app, sky
        self._all, self._sign_ins = Limits(sky.settings.rate_limit), Limits(sky.settings.sign_ins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/xrpc/"):
            await self._app(scope, receive, send)
            return
        who, counted = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"), self._all
        if scope["path"] == SIGN_IN:
            who, receive = await _identifier(receive)
            counted = self._sign_ins
        now = self._sky.now()
        passes, said = counted.take(who, now)
        left = said["X-RateLimit-Remaining"]
        reset = (now // WINDOW_MS + 1) * WINDOW_MS // 1000
        headers = {
            "ratelimit-limit": str(counted.limit),
            "ratelimit-remaining": left,
            "ratelimit-reset": str(reset),
            "ratelimit-policy": f"{counted.limit};w={WINDOW_MS // 1000}",
        }
        if not passes:
            headers["retry-after"] = str(max(1, reset - now // 1000))
            await JSONResponse(LIMITED, 429, headers)(scope, receive, send)
            return
        await self._app(scope, receive, _with(headers, send))


def _with(headers: dict[str, str], send: Send) -> Send:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *raw]
        await send(message)

    return with_headers


async def _identifier(receive: Receive) -> tuple[str, Receive]:
    """Whom somebody signs in as: counted by name. What was read is handed on."""
    message = await receive()
    first = [message]

    async def again() -> Message:
        return first.pop() if first else await receive()

    try:
        return str(json.loads(message.get("body", b"")).get("identifier", "")), again
    except (ValueError, AttributeError):
        return "", again
