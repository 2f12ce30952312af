"""Direct messages on Bluesky. There is no server to try this against: shapes are the ones the platform documents."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from api.platforms.errors import NotSent, Refusal, Refused, Unknown
from api.platforms.values import Draft, Request, Response, Stream, Visibility
from tests.workers.platforms.bluesky_fake import HERE, KEY, TOKEN, Server, a_token, no, sent
from tests.workers.platforms.fake import drive, page_of_html, query, reply
from workers.platforms import bluesky

OPEN = a_token("com.atproto.appPassPrivileged")
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
MEMBERS = [{"did": "did:plc:us", "handle": "sandford.example"}, {"did": "did:plc:jo", "handle": "jo.example"}]
CONVO = {"id": "c1", "members": MEMBERS}
ANSWER = Draft(KEY, "We are on our way.", Visibility.DIRECT, "chat:c1/m1")


def message(name: str, minute: int, text: str = "Hello", sender: str = "did:plc:jo") -> dict[str, Any]:
    return {
        "id": name,
        "rev": name,
        "text": text,
        "sender": {"did": sender},
        "sentAt": f"2026-06-01T09:{minute:02}:00Z",
    }


def log(kind: str, what: dict[str, Any]) -> dict[str, Any]:
    return {"$type": f"chat.bsky.convo.defs#{kind}", "convoId": "c1", "message": what}


def test_an_app_password_without_direct_messages_is_not_even_tried() -> None:
    batch = drive(bluesky.poll(HERE, TOKEN, Stream.DIRECT, None), Server())
    assert (batch.items, batch.cursor, batch.more) == ((), None, False)
    assert drive(bluesky.backfill(HERE, TOKEN, Stream.DIRECT, NOW), Server()).items == ()


def test_a_server_that_says_it_is_not_covered_has_no_direct_messages() -> None:
    closed = no("InvalidToken", message="Bad token method")
    batch = drive(bluesky.poll(HERE, OPEN, Stream.DIRECT, "7"), Server(getLog=closed))
    assert (batch.items, batch.cursor) == ((), "7")
    assert drive(bluesky.backfill(HERE, OPEN, Stream.DIRECT, NOW), Server(getLog=closed, listConvos=closed)).items == ()


def test_what_was_said_since_is_read_with_who_said_it() -> None:
    logs = [log("logBeginConvo", {}), log("logCreateMessage", message("m1", 1)), log("logDeleteMessage", {"id": "m0"})]
    server = Server(getLog=reply({"logs": logs, "cursor": "9"}), getConvo=reply({"convo": CONVO}))
    batch = drive(bluesky.poll(HERE, OPEN, Stream.DIRECT, "7"), server)
    assert server.asked[0].headers["Atproto-Proxy"] == "did:web:api.bsky.chat#bsky_chat"
    assert query(server.asked[0]) == {"cursor": "7"}
    assert (batch.cursor, batch.more) == ("9", True)
    said = bluesky.read(HERE, batch.items[0])
    assert (said.remote_id, said.text, said.visibility) == ("chat:c1/m1", "Hello", Visibility.DIRECT)
    assert (said.author.handle, said.ours, said.occurred_at.minute) == ("jo.example", False, 1)


def test_what_we_said_elsewhere_names_whom_we_said_it_to() -> None:
    logs = [log("logCreateMessage", message("m2", 2, sender="did:plc:us"))]
    server = Server(getLog=reply({"logs": logs, "cursor": "9"}), getConvo=reply({"convo": CONVO}))
    said = bluesky.read(HERE, drive(bluesky.poll(HERE, OPEN, Stream.DIRECT, "7"), server).items[0])
    assert (said.ours, said.mentions) == (True, ("jo.example",))


def test_history_is_read_back_to_its_beginning() -> None:
    page = reply({"messages": [message("m3", 3), message("m2", 2), message("m1", 1)], "cursor": "older"})
    group = {"id": "c2", "members": [*MEMBERS, {"did": "did:plc:amy"}]}
    server = Server(
        getLog=reply({"logs": [], "cursor": "5"}), listConvos=reply({"convos": [CONVO, group]}), getMessages=page
    )
    batch = drive(bluesky.backfill(HERE, OPEN, Stream.DIRECT, NOW.replace(minute=2)), server)
    assert [item.remote_id for item in batch.items] == ["chat:c1/m2", "chat:c1/m3"]
    assert batch.cursor == "5"


def test_an_answer_goes_into_its_conversation() -> None:
    server = Server(sendMessage=reply(message("m9", 9, ANSWER.text, "did:plc:us")))
    published = drive(bluesky.publish(HERE, OPEN, ANSWER), server)
    assert published.remote_id == "chat:c1/m9"
    (request,) = server.asked
    assert request.creates
    assert sent(request) == {"convoId": "c1", "message": {"text": ANSWER.text}}


@pytest.mark.parametrize("answer", [page_of_html(502), page_of_html(200), reply({})])
def test_an_answer_that_was_lost_is_in_doubt(answer: Response) -> None:
    with pytest.raises(Unknown):
        drive(bluesky.publish(HERE, OPEN, ANSWER), Server(sendMessage=answer))


def test_a_direct_message_is_never_put_where_everybody_sees_it() -> None:
    with pytest.raises(Refused):
        drive(
            bluesky.publish(HERE, OPEN, replace(ANSWER, in_reply_to="at://did:plc:jo/app.bsky.feed.post/3k")), Server()
        )


def test_a_lost_answer_is_looked_for_among_what_was_said_since() -> None:
    ours = [message(f"m{minute}", minute, ANSWER.text, "did:plc:us") for minute in (9, 5, 1)]
    pages = {"": [ours[0], message("m7", 7, ANSWER.text)], "older": [ours[1], ours[2]]}

    def list_(request: Request) -> Response:
        at = query(request).get("cursor", "")
        return reply({"messages": pages[at], "cursor": "" if at else "older"})

    started = NOW.replace(minute=5)
    found = drive(bluesky.find(HERE, OPEN, ANSWER, started, frozenset()), Server(getMessages=list_))
    assert found is not None
    assert found.remote_id == "chat:c1/m5"
    second = drive(bluesky.find(HERE, OPEN, ANSWER, started, frozenset({"chat:c1/m5"})), Server(getMessages=list_))
    assert second is not None
    assert second.remote_id == "chat:c1/m9"
    other = replace(ANSWER, text="Something else")
    assert drive(bluesky.find(HERE, OPEN, other, started, frozenset()), Server(getMessages=list_)) is None


def test_one_message_by_itself_is_never_called_gone() -> None:
    with pytest.raises(NotSent):
        drive(bluesky.status(HERE, OPEN, "chat:c1/m1"), Server())


def test_around_a_message_is_its_conversation() -> None:
    server = Server(
        getConvo=reply({"convo": CONVO}), getMessages=reply({"messages": [message("m2", 2), message("m1", 1)]})
    )
    items = drive(bluesky.context(HERE, OPEN, "chat:c1/m1"), server)
    assert [item.remote_id for item in items] == ["chat:c1/m1", "chat:c1/m2"]


def test_a_permission_that_was_taken_away_is_not_taken_for_silence() -> None:
    with pytest.raises(Refused) as error:
        drive(bluesky.poll(HERE, OPEN, Stream.DIRECT, "7"), Server(getLog=no("AuthMissing", 401)))
    assert error.value.refusal is Refusal.TOKEN_REVOKED
