"""What each kind of answer means, to a create and to a read."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from api.platforms.errors import NotSent, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Request, Response
from tests.workers.platforms.fake import page_of_html, reply
from workers.platforms import answers

CREATE = Request("POST", "https://town.example/api/v1/statuses", creates=True)
READ = Request("GET", "https://town.example/api/v1/notifications")
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 520])
def test_a_server_error_on_a_create_is_unknown_and_on_a_read_is_tried_again(status: int) -> None:
    for response in (reply({"error": "x"}, status), page_of_html(status)):
        assert type(answers.error(CREATE, response)) is Unknown
        assert type(answers.error(READ, response)) is NotSent


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": "1"', b"\xff\xfe", b"[" * 100_000, b'{"n": NaN}'])
def test_a_success_nobody_can_read_is_unknown_to_a_create_and_tried_again_by_a_read(body: bytes) -> None:
    with pytest.raises(Unknown):
        answers.read_json(CREATE, Response(200, {}, body))
    with pytest.raises(NotSent):
        answers.read_json(READ, Response(200, {}, body))


@pytest.mark.parametrize(
    ("status", "said", "refusal"),
    [
        (401, "The access token is invalid", Refusal.TOKEN_REVOKED),
        (401, "The access token was revoked", Refusal.TOKEN_REVOKED),
        (403, "This action is outside the authorized scopes", Refusal.SCOPE_MISSING),
        (403, "Your login is currently disabled", Refusal.SUSPENDED),
        (403, "Your login is currently pending approval", Refusal.SUSPENDED),
        (403, "This action is not allowed", Refusal.FORBIDDEN),
        (404, "Record not found", Refusal.NOT_FOUND),
        (410, "Gone", Refusal.NOT_FOUND),
        (422, "Validation failed: Text character limit of 500 exceeded", Refusal.INVALID),
        (400, "Bad request", Refusal.INVALID),
        (418, "I'm a teapot", Refusal.INVALID),
    ],
)
def test_a_clear_no_says_what_to_do_about_it(status: int, said: str, refusal: Refusal) -> None:
    for request in (CREATE, READ):
        error = answers.error(request, reply({"error": said}, status))
        assert isinstance(error, Refused)
        assert error.refusal is refusal


def test_too_long_is_said_in_so_many_words() -> None:
    error = answers.error(CREATE, reply({"error": "Validation failed: Text character limit of 500 exceeded"}, 422))
    assert str(error) == "The server says that it is too long."


def test_a_sentence_never_repeats_what_the_server_said() -> None:
    for status in (400, 401, 403, 404, 422):
        error = answers.error(CREATE, reply({"error": "Morgan Ellery of 3 Mill Lane exceeded the scope"}, status))
        assert "Ellery" not in str(error)


@pytest.mark.parametrize(("status", "refusal"), [(413, Refusal.INVALID), (403, Refusal.FORBIDDEN)])
def test_a_proxy_that_refuses_a_create_refuses_it(status: int, refusal: Refusal) -> None:
    error = answers.error(CREATE, page_of_html(status))
    assert isinstance(error, Refused)
    assert error.refusal is refusal


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_proxy_cannot_say_that_a_token_is_revoked_or_a_post_is_gone(status: int) -> None:
    assert type(answers.error(READ, page_of_html(status))) is NotSent
    create = answers.error(CREATE, page_of_html(status))
    assert isinstance(create, Refused)
    assert create.refusal not in (Refusal.TOKEN_REVOKED, Refusal.NOT_FOUND)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirected_create_is_a_clear_no(status: int) -> None:
    assert isinstance(answers.error(CREATE, page_of_html(status, location="https://b.example/")), Refused)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "30"}, 30),
        ({"retry_after": format_datetime(later(90), usegmt=True)}, 90),
        ({"x_ratelimit_reset": later(120).isoformat().replace("+00:00", "Z")}, 120),
        ({"x_ratelimit_reset": "2026-06-01T09:02:00.123456Z"}, 120.123456),
        ({"x_ratelimit_reset": str(int(later(60).timestamp()))}, 60),
        ({"retry_after": "-5"}, 0),
        ({"retry_after": "999999999"}, 24 * 3600),
        ({"retry_after": "soon", "x_ratelimit_reset": "45"}, 45),
        ({"retry_after": "nan"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_read_in_each_style_by_the_servers_own_clock(headers: dict[str, str], wait: float | None) -> None:
    date = format_datetime(NOW, usegmt=True)
    for request in (CREATE, READ):
        error = answers.error(request, reply({"error": "Too many requests"}, 429, date=date, **headers))
        assert isinstance(error, RateLimited)
        assert error.retry_after == (None if wait is None else pytest.approx(wait))


def test_what_a_database_cannot_hold_is_taken_out() -> None:
    body = b'{"a\\u0000": "x\\u0000y", "b": ["\\ud83d", {"c": "\\ud83d\\ude00"}], "d": 1}'
    assert answers.parse(body) == {"a": "xy", "b": ["?", {"c": "\U0001f600"}], "d": 1}
