"""Sessions: opened with an app password, renewed before anybody notices, ended when they are not wanted."""

import json

import pytest

from api.platforms.errors import Expired, NotSent, Refusal, Refused
from api.platforms.facts import FACTS
from api.platforms.values import App, Platform, Request, Response, Token
from tests.workers.platforms.bluesky_fake import HERE, TOKEN, Server, jwt, no, sent
from tests.workers.platforms.fake import drive, page_of_html, reply
from workers.platforms import bluesky

DOCUMENT = {"service": [{"id": "#other"}, {"id": "#atproto_pds", "serviceEndpoint": "https://keeper.example/"}]}
OPENED = {
    "did": "did:plc:us",
    "handle": "sandford.example",
    "accessJwt": jwt(),
    "refreshJwt": "fresh",
    "didDoc": DOCUMENT,
}
APP = App("", "")


def held(token: Token) -> dict[str, str]:
    said = json.loads(token.secret)
    assert isinstance(said, dict)
    return said


def test_an_app_password_opens_a_session_and_is_not_kept() -> None:
    server = Server(createSession=reply(OPENED))
    token = drive(bluesky.sign_in(HERE, "@sandford.example", "abcd-efgh"), server)
    assert server.asked[0].url == "https://social.example/xrpc/com.atproto.server.createSession"
    assert sent(server.asked[0]) == {"identifier": "sandford.example", "password": "abcd-efgh"}
    assert held(token) == {"access": jwt(), "refresh": "fresh", "host": "https://keeper.example"}
    assert token.scopes == ("com.atproto.appPass",)


@pytest.mark.parametrize(
    ("answer", "refusal", "words"),
    [
        (no("AuthenticationRequired", 401, "Invalid identifier or password"), Refusal.TOKEN_REVOKED, "did not take"),
        (no("AuthFactorTokenRequired", 401), Refusal.INVALID, "Use an app password"),
        (no("AccountTakedown", 401), Refusal.SUSPENDED, "disabled"),
        (reply({**OPENED, "active": False, "status": "suspended"}), Refusal.SUSPENDED, "disabled"),
    ],
)
def test_a_sign_in_that_is_refused_says_what_to_do(answer: Response, refusal: Refusal, words: str) -> None:
    with pytest.raises(Refused, match=words) as error:
        drive(bluesky.sign_in(HERE, "sandford.example", "wrong"), Server(createSession=answer))
    assert error.value.refusal is refusal


def test_a_session_is_renewed_with_the_token_that_is_for_that() -> None:
    server = Server(refreshSession=reply({**OPENED, "accessJwt": jwt(name="new"), "didDoc": None}))
    token = drive(bluesky.refresh(HERE, TOKEN), server)
    (request,) = server.asked
    assert request.headers["Authorization"] == "Bearer r3fresh"
    assert request.body is None
    assert not request.creates
    assert held(token) == {"access": jwt(name="new"), "refresh": "fresh", "host": "https://keeper.example"}


@pytest.mark.parametrize("answer", [no("ExpiredToken"), no("InvalidToken"), no("AuthMissing", 401)])
def test_a_session_that_cannot_be_renewed_is_over(answer: Response) -> None:
    with pytest.raises(Refused) as error:
        drive(bluesky.refresh(HERE, TOKEN), Server(refreshSession=answer))
    assert error.value.refusal is Refusal.TOKEN_REVOKED


@pytest.mark.parametrize("answer", [page_of_html(502), page_of_html(200), reply({}), no("InternalServerError", 500)])
def test_trouble_on_the_way_ends_no_session(answer: Response) -> None:
    with pytest.raises(NotSent) as error:
        drive(bluesky.refresh(HERE, TOKEN), Server(refreshSession=answer))
    assert not isinstance(error.value, Expired)


def test_who_it_is_is_told_with_a_name_where_there_is_one() -> None:
    me = reply({"did": "did:plc:us", "handle": "sandford.example", "active": True})
    profile = reply({"did": "did:plc:us", "displayName": "Sandford North  Police"})
    identity = drive(bluesky.whoami(HERE, TOKEN), Server(getSession=me, getProfile=profile))
    assert (identity.remote_id, identity.handle, identity.name) == (
        "did:plc:us",
        "sandford.example",
        "Sandford North Police",
    )
    nameless = drive(bluesky.whoami(HERE, TOKEN), Server(getSession=me, getProfile=page_of_html(502)))
    assert nameless.name == "sandford.example"


def test_leaving_twice_is_leaving_once() -> None:
    server = Server(deleteSession=Response(200, {}, b""))
    drive(bluesky.revoke(HERE, APP, TOKEN), server)
    assert server.asked[0].headers["Authorization"] == "Bearer r3fresh"
    drive(bluesky.revoke(HERE, APP, TOKEN), Server(deleteSession=no("ExpiredToken")))


@pytest.mark.parametrize("secret", ["", "abc", "[]", "{}", '{"access": 1.5}'])
def test_what_is_no_session_of_ours_has_to_be_connected_again(secret: str) -> None:
    with pytest.raises(Refused) as error:
        drive(bluesky.whoami(HERE, Token(secret)), Server())
    assert error.value.refusal is Refusal.TOKEN_REVOKED


def test_there_is_no_page_to_say_yes_on() -> None:
    with pytest.raises(Refused):
        bluesky.register_app(HERE, "https://beatline.example")
    with pytest.raises(Refused):
        bluesky.authorize_url(HERE, "", "", "", "")
    with pytest.raises(Refused):
        bluesky.exchange_code(HERE, APP, "", "", "")


def test_limits_are_the_same_everywhere() -> None:
    def nobody(request: Request) -> Response:
        raise AssertionError("asked a server")

    assert drive(bluesky.limits(HERE), nobody) == FACTS[Platform.BLUESKY].limits
