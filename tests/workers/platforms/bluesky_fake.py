"""A Bluesky server made of one function, and what it is usually asked with."""

import base64
import json
from collections.abc import Callable
from typing import Any

from api.platforms.values import Address, Draft, Platform, Request, Response, Token
from tests.workers.platforms.fake import path, reply

HERE = Address(Platform.BLUESKY, "https://social.example", "did:plc:us", "sandford.example")
KEPT_AT = "https://keeper.example"
KEY = "019ab5f0-0000-7000-8000-000000000001"
DRAFT = Draft(KEY, "Road closed at Lower Mill Lane.")


def jwt(scope: str = "com.atproto.appPass", name: str = "access") -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"scope": scope}).encode()).decode().rstrip("=")
    return f"{name}.{claims}.signature"


def a_token(scope: str = "com.atproto.appPass") -> Token:
    return Token(json.dumps({"access": jwt(scope), "refresh": "r3fresh", "host": KEPT_AT}))


TOKEN = a_token()


def no(name: str, status: int = 400, message: str = "", **headers: str) -> Response:
    return reply({"error": name, "message": message}, status, **headers)


def method(request: Request) -> str:
    return path(request).removeprefix("/xrpc/")


def sent(request: Request) -> Any:
    return json.loads(request.body or b"null")


Answer = Callable[[Request], Response] | Response


class Server:
    """Answers by method; what was asked is kept. Asking for anything else is an error of the test."""

    def __init__(self, **answers: Answer) -> None:
        self._answers, self.asked = answers, list[Request]()

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answer = self._answers[method(request).rpartition(".")[2]]
        return answer if isinstance(answer, Response) else answer(request)

    def bodies(self, name: str) -> list[Any]:
        return [sent(request) for request in self.asked if method(request).endswith(name)]

    @property
    def methods(self) -> list[str]:
        return [method(request).rpartition(".")[2] for request in self.asked]


def put(request: Request) -> Response:
    """As the server does where nothing stands yet."""
    body = sent(request)
    return reply({"uri": f"at://{body['repo']}/{body['collection']}/{body['rkey']}", "cid": "bafyput"})


def stored(text: str, cid: str = "bafystored", **more: Any) -> Response:
    value = {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-06-01T09:00:00.000Z", **more}
    return reply({"uri": "at://did:plc:us/app.bsky.feed.post/3k", "cid": cid, "value": value})
