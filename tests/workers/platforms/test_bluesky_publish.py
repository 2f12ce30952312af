"""Saying something once on Bluesky, in whatever way the answer goes wrong."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from api.platforms.errors import Expired, NotSent, RateLimited, Refusal, Refused, Unknown
from api.platforms.values import Card, Draft, Picture, Request, Response, Video, Visibility
from tests.workers.platforms.bluesky_fake import DRAFT, HERE, KEPT_AT, TOKEN, Server, no, put, sent, stored
from tests.workers.platforms.fake import drive, page_of_html, query, reply
from workers.platforms import bluesky
from workers.platforms.bluesky_key import rkey

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
OURS = f"at://did:plc:us/app.bsky.feed.post/{rkey(DRAFT.key)}"
THEIRS = "at://did:plc:jo/app.bsky.feed.post/3kparent"
VIDEO = Video(b"video", "video/mp4", "A walk along the river", 640, 480)
PICTURE = Picture(b"\xff\xd8", "image/jpeg", "A flooded lane", 800, 600)


def test_a_post_is_put_under_its_own_name_where_nothing_may_stand() -> None:
    server = Server(putRecord=put)
    published = drive(bluesky.publish(HERE, TOKEN, DRAFT), server)
    assert published.remote_id == OURS
    assert published.url == f"https://bsky.app/profile/did:plc:us/post/{rkey(DRAFT.key)}"
    (request,) = server.asked
    assert request.creates
    assert request.url == f"{KEPT_AT}/xrpc/com.atproto.repo.putRecord"
    (body,) = server.bodies("putRecord")
    assert body["swapRecord"] is None
    assert body["repo"] == "did:plc:us"
    made = datetime.fromisoformat(body["record"].pop("createdAt"))
    assert made == published.created_at
    assert body["record"] == {"$type": "app.bsky.feed.post", "text": DRAFT.text, "langs": ["en"]}


def test_something_of_ours_that_stands_there_already_is_an_earlier_attempt() -> None:
    server = Server(putRecord=no("InvalidSwap"), getRecord=stored(DRAFT.text))
    published = drive(bluesky.publish(HERE, TOKEN, DRAFT), server)
    assert (published.remote_id, published.created_at) == (OURS, NOW)
    assert query(server.asked[-1]) == {
        "repo": "did:plc:us",
        "collection": "app.bsky.feed.post",
        "rkey": rkey(DRAFT.key),
    }


def test_something_else_that_stands_there_is_never_written_over() -> None:
    server = Server(putRecord=no("InvalidSwap"), getRecord=stored("Other words"))
    with pytest.raises(Refused) as error:
        drive(bluesky.publish(HERE, TOKEN, DRAFT), server)
    assert error.value.refusal is Refusal.INVALID
    assert server.methods == ["putRecord", "getRecord"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply({}), Unknown),
        (reply([]), Unknown),
        (reply({"uri": "at://did:plc:us/app.bsky.feed.post/another"}), Unknown),
        (page_of_html(200), Unknown),
        (no("InternalServerError", 500), Unknown),
        (page_of_html(502), Unknown),
        (no("UpstreamTimeout", 504), Unknown),
        (no("ExpiredToken"), Expired),
        (no("InvalidToken"), Expired),
        (no("RateLimitExceeded", 429), RateLimited),
    ],
)
def test_an_answer_is_a_yes_only_when_it_says_so(answer: Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        drive(bluesky.publish(HERE, TOKEN, DRAFT), Server(putRecord=answer))


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (no("AuthMissing", 401), Refusal.TOKEN_REVOKED),
        (no("InvalidToken", message="Bad token method"), Refusal.SCOPE_MISSING),
        (no("InvalidToken", message="Bad token scope"), Refusal.SCOPE_MISSING),
        (no("AccountTakedown", 401), Refusal.SUSPENDED),
        (no("AccountDeactivated"), Refusal.SUSPENDED),
        (no("InvalidRequest", message="Record/text must not be longer than 300 graphemes"), Refusal.INVALID),
        (no("BlobTooLarge"), Refusal.INVALID),
        (page_of_html(413), Refusal.INVALID),
        (no("Forbidden", 403), Refusal.FORBIDDEN),
        (page_of_html(403), Refusal.FORBIDDEN),
    ],
)
def test_a_clear_no_says_which(answer: Response, refusal: Refusal) -> None:
    with pytest.raises(Refused) as error:
        drive(bluesky.publish(HERE, TOKEN, DRAFT), Server(putRecord=answer))
    assert error.value.refusal is refusal


def test_a_reset_time_is_how_long_to_wait() -> None:
    answer = no("RateLimitExceeded", 429, ratelimit_reset="1780304460", date="Mon, 01 Jun 2026 09:00:00 GMT")
    with pytest.raises(RateLimited) as error:
        drive(bluesky.publish(HERE, TOKEN, DRAFT), Server(putRecord=answer))
    assert error.value.retry_after == 60


def test_a_reply_names_both_ends_of_its_thread() -> None:
    root = {"uri": "at://did:plc:us/app.bsky.feed.post/3kroot", "cid": "bafyroot"}
    parent = stored("Which road?", "bafyparent", reply={"root": root, "parent": root})
    server = Server(getRecord=parent, putRecord=put)
    drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, in_reply_to=THEIRS)), server)
    assert query(server.asked[0])["repo"] == "did:plc:jo"
    (body,) = server.bodies("putRecord")
    assert body["record"]["reply"]["root"] == root
    assert body["record"]["reply"]["parent"]["cid"] == "bafyparent"


def test_a_reply_to_the_first_post_has_it_at_both_ends() -> None:
    server = Server(getRecord=stored("Road closed", "bafyfirst"), putRecord=put)
    drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, in_reply_to=THEIRS)), server)
    (body,) = server.bodies("putRecord")
    assert body["record"]["reply"]["root"] == body["record"]["reply"]["parent"]


@pytest.mark.parametrize("answer", [no("RecordNotFound"), no("InvalidRequest", message="Could not find repo")])
def test_an_answer_to_what_is_gone_is_not_sent_as_something_else(answer: Response) -> None:
    server = Server(getRecord=answer)
    with pytest.raises(Refused) as error:
        drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, in_reply_to=THEIRS)), server)
    assert error.value.refusal is Refusal.NOT_FOUND


def test_a_name_is_looked_up_and_one_that_cannot_be_is_left_as_it_is() -> None:
    def resolve(request: Request) -> Response:
        known = query(request)["handle"] == "amy.example"
        return reply({"did": "did:plc:amy"}) if known else no("InvalidRequest", message="Unable to resolve handle")

    server = Server(resolveHandle=resolve, putRecord=put)
    drive(bluesky.publish(HERE, TOKEN, Draft(DRAFT.key, "£ @amy.example @ben.example @amy.example")), server)
    assert server.methods == ["resolveHandle", "resolveHandle", "putRecord"]
    (body,) = server.bodies("putRecord")
    assert [(facet["index"]["byteStart"], facet["features"][0]["did"]) for facet in body["record"]["facets"]] == [
        (3, "did:plc:amy"),
        (29, "did:plc:amy"),
    ]


def test_a_post_goes_out_although_a_name_cannot_be_looked_up_just_now() -> None:
    server = Server(resolveHandle=page_of_html(502), putRecord=put)
    published = drive(bluesky.publish(HERE, TOKEN, Draft(DRAFT.key, "@amy.example: road closed")), server)
    assert published.remote_id == OURS


def test_pictures_go_up_first_and_keep_their_words() -> None:
    blob = {"$type": "blob", "ref": {"$link": "bafypicture"}, "mimeType": "image/jpeg", "size": 2}
    server = Server(uploadBlob=reply({"blob": blob}), putRecord=put)
    drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, pictures=(PICTURE,))), server)
    up = server.asked[0]
    assert (up.body, up.headers["Content-Type"], up.creates) == (PICTURE.data, "image/jpeg", False)
    (body,) = server.bodies("putRecord")
    assert body["record"]["embed"] == {
        "$type": "app.bsky.embed.images",
        "images": [{"image": blob, "alt": "A flooded lane", "aspectRatio": {"width": 800, "height": 600}}],
    }


def test_a_video_goes_up_first_and_keeps_its_words() -> None:
    blob = {"$type": "blob", "ref": {"$link": "bafyfilm"}, "mimeType": "video/mp4", "size": 4}
    server = Server(uploadBlob=reply({"blob": blob}), putRecord=put)
    drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, video=VIDEO)), server)
    assert (server.asked[0].body, server.asked[0].headers["Content-Type"]) == (VIDEO.data, "video/mp4")
    (body,) = server.bodies("putRecord")
    assert body["record"]["embed"] == {
        "$type": "app.bsky.embed.video", "video": blob, "alt": "A walk along the river",
        "aspectRatio": {"width": 640, "height": 480},
    }  # fmt: skip


def test_what_was_brought_up_before_its_time_is_named_as_the_server_named_it() -> None:
    blob = {"$type": "blob", "ref": {"$link": "bafypicture"}, "mimeType": "image/jpeg", "size": 2}
    draft = replace(DRAFT, pictures=(PICTURE, replace(PICTURE, alt="")))
    brought = drive(bluesky.bring(HERE, TOKEN, draft), Server(uploadBlob=reply({"blob": blob})))
    server = Server(putRecord=put)
    bare = tuple(replace(each, data=b"") for each in draft.pictures)
    drive(bluesky.publish(HERE, TOKEN, replace(draft, pictures=bare, brought=brought)), server)
    assert server.methods == ["putRecord"]
    images = server.bodies("putRecord")[0]["record"]["embed"]["images"]
    assert [(each["image"], each["alt"]) for each in images] == [(blob, "A flooded lane"), (blob, "")]


@pytest.mark.parametrize(
    ("embed", "ours"),
    [
        ({"$type": "app.bsky.embed.images", "images": [{"alt": "A flooded lane"}]}, True),
        ({"$type": "app.bsky.embed.images", "images": [{"alt": "Another lane"}]}, False),
        ({"$type": "app.bsky.embed.images", "images": [{"alt": "A flooded lane"}, {"alt": ""}]}, False),
        ({"$type": "app.bsky.embed.video", "alt": "A flooded lane"}, False),
        ({}, False),
    ],
)
def test_a_post_is_known_by_what_it_carries(embed: dict[str, Any], ours: bool) -> None:
    draft = replace(DRAFT, pictures=(replace(PICTURE, data=b""),))
    found = drive(bluesky.find(HERE, TOKEN, draft, NOW, frozenset()), Server(getRecord=stored(DRAFT.text, embed=embed)))
    assert (found is not None) is ours


def test_a_picture_whose_upload_was_lost_leaves_nothing_in_doubt() -> None:
    with pytest.raises(NotSent):
        drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, pictures=(PICTURE,))), Server(uploadBlob=page_of_html(502)))


def test_a_picture_that_is_too_large_is_not_even_sent() -> None:
    large = replace(PICTURE, data=b"x" * 2_000_001)
    with pytest.raises(Refused):
        drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, pictures=(large,))), Server())


def test_a_link_has_the_card_that_we_made_for_it() -> None:
    server = Server(putRecord=put)
    drive(
        bluesky.publish(HERE, TOKEN, replace(DRAFT, card=Card("https://a.example/1", "Roads", "Closed today"))), server
    )
    (body,) = server.bodies("putRecord")
    assert body["record"]["embed"] == {
        "$type": "app.bsky.embed.external",
        "external": {"uri": "https://a.example/1", "title": "Roads", "description": "Closed today"},
    }


def test_what_is_not_for_everybody_is_not_put_where_everybody_sees_it() -> None:
    with pytest.raises(Refused):
        drive(bluesky.publish(HERE, TOKEN, replace(DRAFT, visibility=Visibility.FOLLOWERS)), Server())


def test_what_a_lost_answer_made_is_looked_up_by_its_name() -> None:
    found = drive(bluesky.find(HERE, TOKEN, DRAFT, NOW, frozenset()), Server(getRecord=stored(DRAFT.text)))
    assert found is not None
    assert found.remote_id == OURS
    assert drive(bluesky.find(HERE, TOKEN, DRAFT, NOW, frozenset()), Server(getRecord=no("RecordNotFound"))) is None
    with pytest.raises(NotSent):
        drive(bluesky.find(HERE, TOKEN, DRAFT, NOW, frozenset()), Server(getRecord=page_of_html(502)))


def test_only_what_is_ours_is_deleted_and_twice_is_once() -> None:
    server = Server(deleteRecord=reply({}))
    drive(bluesky.delete(HERE, TOKEN, OURS), server)
    drive(bluesky.delete(HERE, TOKEN, OURS), server)
    assert server.bodies("deleteRecord")[0]["rkey"] == rkey(DRAFT.key)
    for other in (THEIRS, "nonsense", ""):
        with pytest.raises(Refused):
            drive(bluesky.delete(HERE, TOKEN, other), Server())


def test_ours_is_looked_at_on_our_own_server_and_others_where_everybody_looks() -> None:
    item = drive(bluesky.status(HERE, TOKEN, OURS), Server(getRecord=stored("Road closed")))
    assert item is not None
    assert bluesky.read(HERE, item).ours
    assert drive(bluesky.status(HERE, TOKEN, OURS), Server(getRecord=no("RecordNotFound"))) is None
    assert drive(bluesky.status(HERE, TOKEN, THEIRS), Server(getPosts=reply({"posts": []}))) is None
    with pytest.raises(NotSent):
        drive(bluesky.status(HERE, TOKEN, THEIRS), Server(getPosts=page_of_html(502)))


def test_a_thread_is_read_without_what_is_hidden_from_us() -> None:
    def node(name: str, **more: object) -> dict[str, object]:
        return {"post": {"uri": f"at://did:plc:jo/app.bsky.feed.post/{name}"}, **more}

    gone = {"$type": "app.bsky.feed.defs#notFoundPost", "notFound": True}
    thread = node(
        "here", parent=node("up", parent=node("top")), replies=[node("a", replies=[node("b"), gone]), "junk", node("c")]
    )
    items = drive(bluesky.context(HERE, TOKEN, THEIRS), Server(getPostThread=reply({"thread": thread})))
    assert [item.remote_id.rpartition("/")[2] for item in items] == ["top", "up", "a", "b", "c"]
    for answer in (reply({"thread": gone}), no("NotFound")):
        with pytest.raises(Refused) as error:
            drive(bluesky.context(HERE, TOKEN, THEIRS), Server(getPostThread=answer))
        assert error.value.refusal is Refusal.NOT_FOUND


@pytest.mark.parametrize("act", [bluesky.like, bluesky.repost])
def test_pointing_at_a_post_twice_is_pointing_once(act: object) -> None:
    assert callable(act)
    first = drive(act(HERE, TOKEN, DRAFT.key, THEIRS), Server(getRecord=stored("Hello"), putRecord=put))
    again = drive(act(HERE, TOKEN, DRAFT.key, THEIRS), Server(getRecord=stored("Hello"), putRecord=no("InvalidSwap")))
    assert first.remote_id == again.remote_id


def test_no_request_carries_its_token_or_text_in_its_repr_or_address() -> None:
    request = next(bluesky.publish(HERE, TOKEN, DRAFT))
    shown = repr(request) + request.url + repr(TOKEN) + repr(DRAFT)
    assert "Mill Lane" not in shown
    assert "r3fresh" not in shown
    assert "signature" not in shown


def test_a_warning_is_the_first_line_and_puts_pictures_behind_a_veil() -> None:
    blob = {"blob": {"$type": "blob", "ref": {"$link": "bafyblob"}, "mimeType": "image/jpeg", "size": 2}}
    server = Server(uploadBlob=reply(blob), putRecord=put)
    warned = replace(DRAFT, content_warning="Injuries")
    drive(bluesky.publish(HERE, TOKEN, warned), server)
    drive(bluesky.publish(HERE, TOKEN, replace(warned, pictures=(PICTURE,))), server)
    plain, pictured = (body["record"] for body in server.bodies("putRecord"))
    assert plain["text"] == pictured["text"] == f"Injuries\n\n{DRAFT.text}"
    assert "labels" not in plain
    assert pictured["labels"]["values"] == [{"val": "graphic-media"}]


def test_what_was_said_under_a_warning_is_found_by_both() -> None:
    warned = replace(DRAFT, content_warning="Injuries")
    server = Server(getRecord=stored(f"Injuries\n\n{DRAFT.text}"))
    found = drive(bluesky.find(HERE, TOKEN, warned, NOW, frozenset()), server)
    assert found is not None
    assert found.remote_id == OURS
    assert drive(bluesky.find(HERE, TOKEN, DRAFT, NOW, frozenset()), server) is None


def test_each_part_of_a_thread_names_the_first_and_the_one_before_it() -> None:
    """What our own server says of the part before is enough: nothing else has to be remembered."""
    kept: dict[str, dict[str, object]] = {}

    def keep(request: Request) -> Response:
        answer = put(request)
        kept[json.loads(answer.body)["uri"]] = sent(request)["record"]
        return answer

    def look(request: Request) -> Response:
        uri = "at://{repo}/{collection}/{rkey}".format(**query(request))
        return reply({"uri": uri, "cid": f"cid of {uri}", "value": kept[uri]})

    server, before = Server(putRecord=keep, getRecord=look), None
    for number in (1, 2, 3):
        part = replace(DRAFT, key=f"019ab5f0-0000-7000-8000-00000000000{number}", in_reply_to=before)
        before = drive(bluesky.publish(HERE, TOKEN, part), server).remote_id
    first, second, third = kept
    ends = [
        (record["reply"]["root"]["uri"], record["reply"]["parent"]["uri"]) for record in (kept[second], kept[third])
    ]
    assert ends == [(first, first), (first, second)]
