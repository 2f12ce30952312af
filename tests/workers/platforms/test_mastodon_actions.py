"""Changing, sharing, liking, and each taken back, on Mastodon and what speaks its language."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from api.platforms.errors import NotSent, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Draft, Edited, Picture, Request, Response
from tests.workers.platforms.fake import TOKEN, TOWN, drive, page_of_html, path, query, reply
from workers.platforms import mastodon

BEFORE = Draft("d-1", "Road closed at Lower Mill Lane.")
AFTER = Draft("d-1", "Lower Mill Lane is open again.", content_warning="roads")
STATUS = {"id": "7", "url": "https://town.example/@us/7", "content": "<p>Road closed at Lower Mill Lane.</p>",
          "created_at": "2026-06-01T09:00:00.000Z", "sensitive": False, "edited_at": None}  # fmt: skip
SHARED = "https://far.example/@force/99"
REPOST = Draft("d-2", "", shares=SHARED)
BEGUN = datetime(2026, 6, 1, 9, tzinfo=UTC)


class Server:
    """Answers by method and path; what was asked is kept."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.asked: list[Request] = []

    def on(self, method: str, where: str, answer: Any) -> "Server":
        self.answers[method, where] = answer
        return self

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answer = self.answers.get((request.method, path(request)), reply({"error": "Record not found"}, 404))
        return answer if isinstance(answer, Response) else reply(answer)

    def bodies(self, method: str) -> list[Any]:
        return [json.loads(each.body or b"") for each in self.asked if each.method == method]


def a_server(source: Any = None, **status: Any) -> Server:
    text = source if source is not None else {"text": BEFORE.text, "spoiler_text": ""}
    return (
        Server()
        .on("GET", "/api/v1/statuses/7", {**STATUS, **status})
        .on("GET", "/api/v1/statuses/7/source", text)
        .on("PUT", "/api/v1/statuses/7", {**STATUS, **status})
    )


def test_new_words_are_put_over_the_ones_we_know() -> None:
    server = a_server()
    assert drive(mastodon.edit(TOWN, TOKEN, "7", AFTER, BEFORE), server) == Edited(AFTER.text, "roads")
    (body,) = server.bodies("PUT")
    assert body == {
        "status": AFTER.text, "spoiler_text": "roads", "sensitive": True, "language": "en", "media_ids": [],
    }  # fmt: skip
    assert all(not request.creates for request in server.asked), "A lost answer to it is asked for again"


def test_its_pictures_stay_and_are_described_anew() -> None:
    server = a_server(media_attachments=[{"id": "11"}, {"id": "12"}], sensitive=True)
    pictures = (Picture(b"", "", "The lane", 0, 0), Picture(b"", "", "The sign", 0, 0))
    drive(mastodon.edit(TOWN, TOKEN, "7", Draft("d-1", "Open.", pictures=pictures), BEFORE), server)
    (body,) = server.bodies("PUT")
    assert body["media_ids"] == ["11", "12"]
    assert body["media_attributes"] == [
        {"id": "11", "description": "The lane"}, {"id": "12", "description": "The sign"},
    ]  # fmt: skip
    assert body["sensitive"] is True


@pytest.mark.parametrize("there", ["Lower Mill Lane is open again.", " Lower Mill Lane is open  again.\n"])
def test_asked_again_after_a_lost_answer_it_is_the_same_change(there: str) -> None:
    server = a_server({"text": there, "spoiler_text": "roads"})
    assert drive(mastodon.edit(TOWN, TOKEN, "7", AFTER, BEFORE), server) == Edited(AFTER.text, "roads")


def test_what_somebody_changed_there_is_left_alone_and_told() -> None:
    server = a_server({"text": "Closed until six", "spoiler_text": ""})
    assert drive(mastodon.edit(TOWN, TOKEN, "7", AFTER, BEFORE), server) == Edited("Closed until six")
    assert server.bodies("PUT") == []


def test_a_server_that_keeps_no_source_shows_whether_it_was_changed() -> None:
    untouched = a_server(reply({"error": "Not found"}, 404))
    assert drive(mastodon.edit(TOWN, TOKEN, "7", AFTER, BEFORE), untouched).text == AFTER.text
    touched = a_server(
        reply({"error": "Not found"}, 404), edited_at="2026-06-01T10:00:00Z", content="<p>Closed until six</p>"
    )
    assert drive(mastodon.edit(TOWN, TOKEN, "7", AFTER, BEFORE), touched).text == "Closed until six"


def test_what_is_gone_cannot_be_changed() -> None:
    with pytest.raises(Refused) as no:
        drive(mastodon.edit(TOWN, TOKEN, "7", AFTER, BEFORE), Server())
    assert no.value.refusal is Refusal.NOT_FOUND


def found(**more: Any) -> dict[str, Any]:
    return {"statuses": [{"id": "x", "url": "https://far.example/other"}, {"id": "55", "uri": SHARED, **more}]}


def test_what_stands_on_another_server_is_looked_up_and_shared() -> None:
    made = {"id": "70", "url": "https://town.example/@us/70", "reblog": {"id": "55"}}
    server = (
        Server().on("GET", "/api/v2/search", found()).on("POST", "/api/v1/statuses/55/reblog", made)
    )  # fmt: skip
    published = drive(mastodon.publish(TOWN, TOKEN, REPOST), server)
    assert (published.remote_id, published.url) == ("70", "https://town.example/@us/70")
    search, act = server.asked
    assert query(search) == {"q": SHARED, "type": "statuses", "resolve": "true", "limit": "5"}
    assert act.creates
    assert not search.creates


def test_an_older_server_is_asked_in_the_older_way() -> None:
    server = (
        Server()
        .on("GET", "/api/v2/search", page_of_html(404))
        .on("GET", "/api/v1/search", found())
        .on("POST", "/api/v1/statuses/55/reblog", {"id": "70"})
    )
    assert drive(mastodon.publish(TOWN, TOKEN, REPOST), server).remote_id == "70"


def test_what_stands_on_our_own_server_needs_no_search() -> None:
    draft = Draft("d-2", "", shares="https://town.example/@force/99")
    server = (
        Server()
        .on("GET", "/api/v1/statuses/99", {"id": "99", "url": draft.shares})
        .on("POST", "/api/v1/statuses/99/reblog", {"id": "70"})
    )
    assert drive(mastodon.publish(TOWN, TOKEN, draft), server).remote_id == "70"


@pytest.mark.parametrize("answer", [{"statuses": []}, {}, [], {"statuses": [{"id": "1", "url": "https://x.example"}]}])
def test_what_the_server_cannot_find_is_refused_with_another_way(answer: Any) -> None:
    server = Server().on("GET", "/api/v2/search", answer).on("GET", "/api/v1/search", answer)
    with pytest.raises(Refused, match="as a link"):
        drive(mastodon.publish(TOWN, TOKEN, REPOST), server)
    assert server.bodies("POST") == []


@pytest.mark.parametrize("answer", [reply({}), reply([]), page_of_html(200), page_of_html(502), reply("x")])
def test_a_share_whose_answer_says_nothing_is_in_doubt(answer: Response) -> None:
    server = Server().on("GET", "/api/v2/search", found()).on("POST", "/api/v1/statuses/55/reblog", answer)
    with pytest.raises(Unknown):
        drive(mastodon.publish(TOWN, TOKEN, REPOST), server)


def in_list(*statuses: dict[str, Any], reblogged: bool | None = True) -> Server:
    original = {"id": "55", "uri": SHARED} | ({} if reblogged is None else {"reblogged": reblogged})
    return (
        Server()
        .on("GET", "/api/v2/search", found())
        .on("GET", "/api/v1/statuses/55", original)
        .on("GET", "/api/v1/accounts/7/statuses", list(statuses))
    )


def a_repost(number: str, of: str = "55", at: str = "2026-06-01T09:00:01Z") -> dict[str, Any]:
    return {"id": number, "created_at": at, "reblog": {"id": of}}


@pytest.mark.parametrize("says", [True, None])
def test_a_lost_share_is_found_in_our_own_list(says: bool | None) -> None:
    server = in_list(a_repost("71", of="9"), {"id": "72"}, a_repost("70"), reblogged=says)
    read_back = drive(mastodon.find(TOWN, TOKEN, REPOST, BEGUN, frozenset()), server)
    assert read_back is not None
    assert read_back.remote_id == "70"


def test_what_another_delivery_became_is_not_it() -> None:
    server = in_list()
    pages = [[a_repost("70")], []]

    def answer(request: Request) -> Response:
        return reply(pages.pop(0)) if "accounts" in path(request) else server(request)

    assert drive(mastodon.find(TOWN, TOKEN, REPOST, BEGUN, frozenset({"70"})), answer) is None


def test_the_original_says_that_we_do_not_share_it() -> None:
    server = in_list(a_repost("70"), reblogged=False)
    assert drive(mastodon.find(TOWN, TOKEN, REPOST, BEGUN, frozenset()), server) is None
    assert not [each for each in server.asked if "accounts" in path(each)]


def test_a_repost_of_what_is_gone_is_gone() -> None:
    server = Server().on("GET", "/api/v2/search", {"statuses": []}).on("GET", "/api/v1/search", {"statuses": []})
    assert drive(mastodon.find(TOWN, TOKEN, REPOST, BEGUN, frozenset()), server) is None


def test_a_list_that_repeats_itself_is_no_proof() -> None:
    server = in_list(a_repost("71", of="9"))
    with pytest.raises(Unknown):
        drive(mastodon.find(TOWN, TOKEN, REPOST, BEGUN, frozenset()), server)


def test_a_share_is_taken_back_through_its_original() -> None:
    server = (
        Server()
        .on("GET", "/api/v1/statuses/70", a_repost("70"))
        .on("POST", "/api/v1/statuses/55/unreblog", {"id": "55"})
    )
    drive(mastodon.unshare(TOWN, TOKEN, "70"), server)
    assert [(each.method, path(each)) for each in server.asked][-1] == ("POST", "/api/v1/statuses/55/unreblog")


def test_a_share_that_is_gone_already_is_taken_back() -> None:
    drive(mastodon.unshare(TOWN, TOKEN, "70"), Server())
    with pytest.raises(NotSent):
        drive(mastodon.unshare(TOWN, TOKEN, "70"), lambda request: page_of_html(404))


@pytest.mark.parametrize(("act", "verb"), [(mastodon.like, "favourite"), (mastodon.unlike, "unfavourite")])
def test_liking_names_the_message_and_may_be_repeated(act: Any, verb: str) -> None:
    server = Server().on("POST", f"/api/v1/statuses/9%2F1/{verb}", {"id": "9/1"})
    drive(act(TOWN, TOKEN, "key", "9/1"), server)
    (request,) = server.asked
    assert not request.creates


def test_what_is_gone_is_liked_by_nobody() -> None:
    drive(mastodon.unlike(TOWN, TOKEN, "key", "9"), Server())
    with pytest.raises(Refused):
        drive(mastodon.like(TOWN, TOKEN, "key", "9"), Server())


def test_being_asked_to_wait_is_no_refusal() -> None:
    with pytest.raises(RateLimited):
        drive(mastodon.like(TOWN, TOKEN, "k", "9"), lambda _: reply({"error": "x"}, 429, retry_after="7"))
