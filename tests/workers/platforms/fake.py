"""A platform made of one function: tests step an exchange through it without any network."""

import json
from collections.abc import Callable, Generator
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from api.platforms.values import Address, Draft, Platform, Request, Response, Token, Visibility

T = TypeVar("T")

TOWN = Address(Platform.MASTODON, "https://town.example", "7", "hartwell@town.example")
TOKEN = Token("t0ken")
DRAFT = Draft(key="d-1", text="Road closed at Lower Mill Lane.", visibility=Visibility.PUBLIC)


def drive(exchange: Generator[Request, Response, T], answer: Callable[[Request], Response]) -> T:
    """Steps an exchange to its end; an exception that `answer` raises is thrown into it."""
    try:
        request = next(exchange)
        while True:
            try:
                response = answer(request)
            except Exception as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


def reply(body: Any = None, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **named}, json.dumps(body).encode())


def page_of_html(status: int, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "text/html", **named}, b"<html><h1>Sorry</h1></html>")


def query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url).query))


def path(request: Request) -> str:
    return urlsplit(request.url).path
