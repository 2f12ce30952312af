"""Bringing up what a post carries, and knowing the post again by it."""

import json
from dataclasses import replace

import pytest

from api.platforms.errors import NotSent, Refusal, Refused
from api.platforms.values import Draft, Picture, Request, Response, Video
from tests.workers.platforms.fake import DRAFT, TOKEN, TOWN, drive, page_of_html, path, reply
from workers.platforms import mastodon
from workers.platforms.mastodon_match import Match, matches

ROAD = Picture(b"\xff\xd8road", "image/jpeg", "A closed road, ŵ", 640, 480, (0.0, -0.5))
SIGN = Picture(b"\x89PNGsign", "image/png", "", 10, 10)
VIDEO = Video(b"ftypfilm", "video/mp4", "A walk along the river", 640, 480)
MADE = {"id": "9", "url": "https://town.example/@h/9", "created_at": "2026-06-01T09:00:00.000Z"}


class Server:
    def __init__(self, *answers: Response) -> None:
        self.asked: list[Request] = []
        self._answers = list(answers)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return self._answers.pop(0)


def test_pictures_go_up_with_their_words_and_the_post_names_them_in_order() -> None:
    server = Server(reply({"id": "1", "url": "x"}), reply({"id": "2", "url": "x"}), reply(MADE))
    drive(mastodon.publish(TOWN, TOKEN, replace(DRAFT, pictures=(ROAD, SIGN))), server)
    first, second, post = server.asked
    assert [path(first), path(second)] == ["/api/v2/media", "/api/v2/media"]
    assert not first.creates, "brought up twice, it shows nowhere"
    assert 'name="description"\r\n\r\nA closed road, ŵ\r\n'.encode() in (first.body or b"")
    assert b'name="focus"\r\n\r\n0.000,-0.500\r\n' in (first.body or b"")
    assert b"Content-Type: image/jpeg\r\n\r\n\xff\xd8road\r\n--" in (first.body or b"")
    assert b"description" not in (second.body or b"")
    assert json.loads(post.body or b"")["media_ids"] == ["1", "2"]


def test_what_was_brought_up_before_is_not_brought_up_again() -> None:
    server = Server(reply({"id": "1", "url": "x"}))
    brought = drive(mastodon.bring(TOWN, TOKEN, replace(DRAFT, pictures=(ROAD,))), server)
    post = Server(reply(MADE))
    drive(mastodon.publish(TOWN, TOKEN, replace(DRAFT, pictures=(ROAD,), brought=brought)), post)
    assert [path(request) for request in post.asked] == ["/api/v1/statuses"]


def test_a_video_is_waited_for() -> None:
    server = Server(reply({"id": "1", "url": None}, 202), reply({}, 206), reply({"id": "1"}, 206), reply({"id": "1"}))
    with pytest.raises(NotSent):  # an answer without an id says nothing
        drive(mastodon.bring(TOWN, TOKEN, replace(DRAFT, video=VIDEO)), server)
    server = Server(
        reply({"id": "1", "url": None}, 202), reply({"id": "1"}, 206), reply({"id": "1"}, 206), reply({"id": "1"})
    )
    assert drive(mastodon.bring(TOWN, TOKEN, replace(DRAFT, video=VIDEO)), server) == ("1",)
    assert [request.after for request in server.asked] == [0, 0.25, 0.5, 1.0]
    assert b'filename="file.mp4"' in (server.asked[0].body or b"")


def test_what_never_gets_ready_is_a_no_so_that_nothing_waits_behind_it_for_ever() -> None:
    waited = []

    def server(request: Request) -> Response:
        waited.append(request.after)
        return reply({"id": "1", "url": None}, 206 if waited[1:] else 202)

    with pytest.raises(Refused, match="Send it again"):
        drive(mastodon.bring(TOWN, TOKEN, replace(DRAFT, pictures=(ROAD,))), server)
    assert 60 <= sum(waited) < 70


def test_an_older_server_is_asked_the_older_way() -> None:
    server = Server(reply({"error": "Not found"}, 404), reply({"id": "1", "url": "x"}))
    assert drive(mastodon.bring(TOWN, TOKEN, replace(DRAFT, pictures=(SIGN,))), server) == ("1",)
    assert [path(request) for request in server.asked] == ["/api/v2/media", "/api/v1/media"]


def test_a_permission_from_before_there_were_pictures_says_what_to_do() -> None:
    server = Server(reply({"error": "This action is outside the authorized scopes"}, 403))
    with pytest.raises(Refused, match="Connect it again") as no:
        drive(mastodon.bring(TOWN, TOKEN, replace(DRAFT, pictures=(ROAD,))), server)
    assert no.value.refusal is Refusal.SCOPE_MISSING


@pytest.mark.parametrize("answer", [page_of_html(502), page_of_html(200), reply({"error": "x"}, 503)])
def test_a_picture_whose_answer_was_lost_left_no_doubt_behind(answer: Response) -> None:
    with pytest.raises(NotSent):
        drive(mastodon.publish(TOWN, TOKEN, replace(DRAFT, pictures=(ROAD,))), Server(answer))


@pytest.mark.parametrize(
    ("shown", "ours"),
    [
        (["A closed road, ŵ", None], True),
        ([None, None], True),
        (["A closed road, ŵ"], False),
        (["Another road", None], False),
        ([], False),
        (["A closed road, ŵ", None, None], False),
    ],
)
def test_a_post_is_known_by_what_it_carries(shown: list[str | None], ours: bool) -> None:
    status = {
        "id": "1", "account": {"id": TOWN.remote_id}, "content": f"<p>{DRAFT.text}</p>", "visibility": "public",
        "media_attachments": [{"id": "1", "description": words} for words in shown],
    }  # fmt: skip
    draft: Draft = replace(DRAFT, pictures=(replace(ROAD, data=b""), SIGN))
    assert (matches(TOWN, draft, status) is Match.EXACT) is ours
    assert (matches(TOWN, DRAFT, status) is Match.EXACT) is (shown == [])


def test_no_picture_and_none_of_its_words_stand_in_a_repr() -> None:
    assert "closed road" not in repr(replace(DRAFT, pictures=(ROAD,), video=VIDEO))
    assert "river" not in repr(VIDEO)
