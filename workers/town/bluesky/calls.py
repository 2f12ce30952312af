"""What every call needs: who asks, with which words, and how an answer or a refusal is written."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workers.town.bluesky import tokens
from workers.town.bluesky.sky import PRIVILEGED, WHOLE, Sky

BEHIND = "did:web:api.bsky.chat#bsky_chat"


class XrpcError(Exception):
    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": name, "message": message}


def wrong(message: str, name: str = "InvalidRequest") -> XrpcError:
    return XrpcError(400, name, message)


async def refuse(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, XrpcError)
    return JSONResponse(problem.body, problem.status)


@dataclass
class Call:
    request: Request
    sky: Sky

    @cached_property
    def did(self) -> str:
        """Whoever asks, with a token that is good."""
        return str(self.claims["sub"])

    @cached_property
    def claims(self) -> dict[str, Any]:
        if not self.bearer:
            raise XrpcError(401, "AuthMissing", "Authentication Required")
        claims = tokens.read(self.bearer, tokens.ACCESS)
        if claims is None:
            raise wrong("Token could not be verified", "InvalidToken")
        account = self.sky.find(claims["sub"])
        if account is None or claims["iat"] * 1000 < account["ended_ms"]:
            raise wrong("Token could not be verified", "InvalidToken")
        if claims["exp"] * 1000 <= self.sky.now():
            raise wrong("Token has expired", "ExpiredToken")
        return claims

    @property
    def bearer(self) -> str:
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def privileged(self) -> None:
        """Direct messages are behind another server, and not every app password opens them."""
        if self.request.headers.get("atproto-proxy") != BEHIND:
            raise XrpcError(501, "MethodNotImplemented", "Method Not Implemented")
        if self.claims["scope"] not in (PRIVILEGED, WHOLE):
            raise wrong("Bad token method", "InvalidToken")

    def asked(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def needed(self, name: str) -> str:
        if not self.asked(name):
            raise wrong(f'Error: Params must have the property "{name}"')
        return self.asked(name)

    def limit(self, most: int = 100) -> int:
        asked = self.asked("limit") or "50"
        if not asked.isdigit() or not 1 <= int(asked) <= most:
            raise wrong(f"Error: limit can not be greater than {most}")
        return int(asked)

    async def body(self, *needed: str) -> dict[str, Any]:
        try:
            body = await self.request.json()
        except ValueError as problem:
            raise wrong("Unable to parse request body") from problem
        if not isinstance(body, dict):
            raise wrong("Input must be an object")
        missing = next((name for name in needed if name not in body), None)
        if missing is not None:
            raise wrong(f'Input must have the property "{missing}"')
        return body


Handler = Callable[[Call], Awaitable[Any]]
