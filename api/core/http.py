"""The edge of every application: request ids, problem JSON, body limits, security headers, access log, metrics."""

import re
import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.core.errors import DomainError, TooLarge, TooMany
from api.core.ids import new_id
from api.core.log import log, request_id, set_request_id
from api.core.metrics import REQUESTS

PROBLEM = "application/problem+json"
_OWN_ID = re.compile(r"[\w.-]{8,64}\Z")
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """RFC 9457. `request_id` is what a person quotes when they ask for help."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id()}
    return JSONResponse(body | more, status, dict(headers or {}), PROBLEM)


def fell() -> Response:
    """A bug: nothing was saved."""
    return problem(
        500,
        "Something broke",
        "This is our mistake, not yours. Nothing was changed. Try again, or quote the request id.",
    )


def retry_header(error: DomainError) -> dict[str, str]:
    return {"Retry-After": str(max(1, round(error.retry_after)))} if isinstance(error, TooMany) else {}


def answer_problems(app: FastAPI) -> None:
    """Everything that goes wrong in this app is answered as problem JSON."""

    @app.exception_handler(DomainError)
    async def _domain(_: Request, error: DomainError) -> Response:
        headers = retry_header(error)
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return problem(error.status, error.title, error.sentence, headers, **error.more)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        # What was sent is left out of the answer: it may hold what somebody wrote.
        errors = [
            {"field": ".".join(str(part) for part in each["loc"][1:]), "message": each["msg"]}
            for each in error.errors()
        ]
        first = f"{errors[0]['field'] or 'The body'}: {errors[0]['message']}." if errors else "It could not be read."
        return problem(422, "Something needs changing", first, errors=errors)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        detail = "There is nothing at this address." if error.status_code == 404 else str(error.detail)
        return problem(error.status_code, str(error.detail), detail, error.headers)

    @app.exception_handler(Exception)
    async def _bug(_: Request, __: Exception) -> Response:
        return fell()


class Edge:
    """Outermost layer: names the request, bounds its body, sets headers, writes one log line and one measurement."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit: int,
        csp: str = NOTHING,
        hsts: bool = False,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        """`larger`: where files come in, by the beginning of the path, and how much may come there."""
        self.app, self.body_limit, self.larger = app, body_limit, dict(larger or {})
        self.headers = SECURITY | {"Content-Security-Policy": csp}
        if hsts:
            self.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent_id = Headers(scope=scope).get("x-request-id", "")
        set_request_id(sent_id if _OWN_ID.match(sent_id) else new_id().hex)
        started, status, begun = time.perf_counter(), 500, False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id()
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._bounded(scope, receive, send_with_headers)
        except TooLarge as error:
            if not begun:
                await problem(413, error.title, error.sentence)(scope, receive, send_with_headers)
        except Exception:
            log.exception("failed", method=scope["method"], route=route_of(scope))
            # Answered by the app's own handler (500), or before it could: not raised further, since the server
            # would log the exception's text. Cut off in the middle: the connection has to break.
            if not begun:
                await fell()(scope, receive, send_with_headers)
            elif status != 500:
                raise
        finally:
            self._note(scope, status, time.perf_counter() - started)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = next((more for path, more in self.larger.items() if scope["path"].startswith(path)), self.body_limit)
        length = Headers(scope=scope).get("content-length", "0")
        too_large = TooLarge(f"What was sent is larger than {limit:,} bytes. Send less at once.")
        if not length.isdecimal() or int(length) > limit:
            raise too_large
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, too_large.sentence)  # the one kind that FastAPI lets through
            return message

        await self.app(scope, receive_bounded, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        REQUESTS.labels(scope["method"], route, status).observe(seconds)
        if not route.startswith(("/healthz", "/readyz", "/static")):
            log.info("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1))


def route_of(scope: Scope) -> str:
    """The pattern, not the address: ids and what people typed stay out of logs and measurements."""
    return getattr(scope.get("route"), "path", "") or "unmatched"
