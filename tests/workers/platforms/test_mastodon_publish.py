"""Saying something once, taking it back, and looking at it again."""

import json
from datetime import UTC, datetime

import pytest

from api.platforms.errors import NotSent, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Draft, Request, Response, Visibility
from tests.workers.platforms.fake import DRAFT, TOKEN, TOWN, drive, page_of_html, path, reply
from workers.platforms import mastodon

MADE = {
    "id": "01JABCDEF",
    "url": "https://town.example/@hartwell/1",
    "created_at": "2026-06-01T09:00:00.000Z",
}


def test_a_post_goes_out_with_its_key_and_comes_back_with_its_address() -> None:
    sent: list[Request] = []

    def server(request: Request) -> Response:
        sent.append(request)
        return reply(MADE)

    published = drive(mastodon.publish(TOWN, TOKEN, DRAFT), server)
    assert published.remote_id == "01JABCDEF"
    assert published.url == "https://town.example/@hartwell/1"
    assert published.created_at == datetime(2026, 6, 1, 9, tzinfo=UTC)
    (request,) = sent
    assert request.creates
    assert request.method == "POST"
    assert request.url == "https://town.example/api/v1/statuses"
    assert request.headers["Idempotency-Key"] == "d-1"
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert json.loads(request.body or b"") == {"status": DRAFT.text, "visibility": "public", "language": "en"}


def test_a_reply_keeps_its_thread_visibility_language_and_warning() -> None:
    draft = Draft("d-2", "@amy@shire.example Diolch ŵ 🌊", Visibility.DIRECT, "01JX", "cy", "flood")
    bodies = []

    def server(request: Request) -> Response:
        bodies.append(json.loads(request.body or b""))
        return reply(MADE)

    drive(mastodon.publish(TOWN, TOKEN, draft), server)
    assert bodies == [
        {
            "status": "@amy@shire.example Diolch ŵ 🌊",
            "visibility": "direct",
            "in_reply_to_id": "01JX",
            "language": "cy",
            "spoiler_text": "flood",
            "sensitive": True,
        }
    ]


@pytest.mark.parametrize(
    "response",
    [
        reply({}),
        reply([]),
        reply({"id": None}),
        reply({"id": ""}),
        reply("x"),
        page_of_html(200),
        page_of_html(502),
    ],
)
def test_an_answer_without_an_id_leaves_it_unknown(response: Response) -> None:
    with pytest.raises(Unknown):
        drive(mastodon.publish(TOWN, TOKEN, DRAFT), lambda request: response)


def test_a_numeric_id_is_kept_as_letters() -> None:
    published = drive(mastodon.publish(TOWN, TOKEN, DRAFT), lambda request: reply({**MADE, "id": 9007199254740993}))
    assert published.remote_id == "9007199254740993"


def test_being_asked_to_wait_is_not_a_refusal() -> None:
    with pytest.raises(RateLimited) as wait:
        drive(mastodon.publish(TOWN, TOKEN, DRAFT), lambda request: reply({"error": "x"}, 429, retry_after="7"))
    assert wait.value.retry_after == 7


def test_deleting_twice_is_deleting_once() -> None:
    methods = []

    def gone(request: Request) -> Response:
        methods.append((request.method, path(request)))
        return reply({"error": "Record not found"}, 404)

    drive(mastodon.delete(TOWN, TOKEN, "01J/..%2f"), gone)
    assert methods == [("DELETE", "/api/v1/statuses/01J%2F..%252f")]


def test_a_proxy_in_the_way_is_no_proof_of_a_deletion() -> None:
    with pytest.raises(NotSent):
        drive(mastodon.delete(TOWN, TOKEN, "1"), lambda request: page_of_html(404))


def test_what_the_server_calls_gone_is_gone_and_what_it_hides_is_not() -> None:
    assert drive(mastodon.status(TOWN, TOKEN, "1"), lambda request: reply({"error": "Record not found"}, 404)) is None
    with pytest.raises(NotSent):
        drive(mastodon.status(TOWN, TOKEN, "1"), lambda request: page_of_html(404))
    with pytest.raises(Refused) as no:
        drive(mastodon.status(TOWN, TOKEN, "1"), lambda request: reply({"error": "revoked"}, 401))
    assert no.value.refusal is Refusal.TOKEN_REVOKED


def test_a_thread_is_what_came_before_and_after() -> None:
    said = {"ancestors": [{"id": "1"}, "junk", {"no": "id"}], "descendants": [{"id": "3"}]}
    items = drive(mastodon.context(TOWN, TOKEN, "2"), lambda request: reply(said))
    assert [item.remote_id for item in items] == ["1", "3"]


def test_no_request_carries_its_token_or_text_in_its_repr_or_address() -> None:
    request = next(mastodon.publish(TOWN, TOKEN, DRAFT))
    assert "t0ken" not in repr(request) + request.url + repr(TOKEN)
    assert "Lower Mill" not in repr(request) + repr(DRAFT)
