"""Sharing, liking and taking back on Bluesky: each a record of our own under a name that we chose."""

from datetime import UTC, datetime

import pytest

from api.platforms.errors import Refused
from api.platforms.values import Draft
from tests.workers.platforms.bluesky_fake import DRAFT, HERE, KEY, TOKEN, Server, no, put, stored
from tests.workers.platforms.fake import drive, reply
from workers.platforms import bluesky

BEGUN = datetime(2026, 6, 1, 9, tzinfo=UTC)
THEIRS = "at://did:plc:force/app.bsky.feed.post/3kforce"


def test_a_repost_goes_out_under_our_own_name_and_is_found_by_it() -> None:
    draft = Draft(KEY, "", shares=THEIRS)
    server = Server(getRecord=stored("theirs"), putRecord=put)
    published = drive(bluesky.publish(HERE, TOKEN, draft), server)
    (body,) = server.bodies("putRecord")
    assert (body["collection"], body["swapRecord"]) == ("app.bsky.feed.repost", None)
    kept = {"subject": {"uri": THEIRS, "cid": "c"}, "createdAt": "2026-06-01T09:00:00.000Z"}
    answer = reply({"uri": published.remote_id, "cid": "c", "value": kept})
    found = drive(bluesky.find(HERE, TOKEN, draft, BEGUN, frozenset()), Server(getRecord=answer))
    assert found is not None
    assert found.remote_id == published.remote_id
    other = reply({"uri": published.remote_id, "cid": "c", "value": {"subject": {"uri": "at://x/y/z"}}})
    assert drive(bluesky.find(HERE, TOKEN, draft, BEGUN, frozenset()), Server(getRecord=other)) is None
    nothing = no("RecordNotFound")
    assert drive(bluesky.find(HERE, TOKEN, draft, BEGUN, frozenset()), Server(getRecord=nothing)) is None


def test_a_repost_and_a_like_are_taken_back_by_their_names() -> None:
    server = Server(getRecord=stored("theirs"), putRecord=put, deleteRecord=reply({}))
    shared = drive(bluesky.publish(HERE, TOKEN, Draft(KEY, "", shares=THEIRS)), server)
    liked = drive(bluesky.like(HERE, TOKEN, KEY, THEIRS), server)
    drive(bluesky.unshare(HERE, TOKEN, shared.remote_id), server)
    drive(bluesky.unlike(HERE, TOKEN, KEY, THEIRS), server)
    gone = [f"at://{each['repo']}/{each['collection']}/{each['rkey']}" for each in server.bodies("deleteRecord")]
    assert gone == [shared.remote_id, liked.remote_id]


def test_what_is_out_is_never_written_over() -> None:
    with pytest.raises(Refused, match="Take it down and write it again"):
        drive(bluesky.edit(HERE, TOKEN, THEIRS, DRAFT, DRAFT), Server())


def test_a_private_word_is_not_liked() -> None:
    with pytest.raises(Refused, match="cannot be liked"):
        drive(bluesky.like(HERE, TOKEN, KEY, "chat:convo/message"), Server())
