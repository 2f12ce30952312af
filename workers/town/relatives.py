"""Mastodon's relatives: what such servers do otherwise, for as long as its switch is on."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from workers.town.world import Town


class Relatives:
    """Stands in front of the town and answers in its place where a relative would."""

    def __init__(self, app: ASGIApp, town: Town) -> None:
        self._app, self._town = app, town

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
            return
        await JSONResponse({"error": "Refused"}, refused)(scope, receive, send)

    def _refusal(self, scope: Scope) -> int | None:
        switches = self._town.faults.switches
        if scope["path"].startswith("/town/"):
            return None
        if switches.no_v2 and scope["path"].startswith("/api/v2/"):
            return 404
        agent = dict(scope["headers"]).get(b"user-agent", b"").strip()
        return 418 if switches.refuse_empty_user_agent and not agent else None
