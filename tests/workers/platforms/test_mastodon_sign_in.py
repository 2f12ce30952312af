"""Connecting an account, step by step, and what can go wrong at each."""

from urllib.parse import parse_qs, urlsplit

import pytest

from api.platforms.errors import NotSent, Refusal, Refused
from api.platforms.values import App, Limits, Request, Response
from tests.workers.platforms.fake import TOKEN, TOWN, drive, page_of_html, path, reply
from tests.workers.platforms.test_mastodon_read import recorded
from workers.platforms import mastodon

BACK = "https://beatline.force.example/accounts/callback"
APP = App("client", "hush")


def form(request: Request) -> dict[str, list[str]]:
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return parse_qs((request.body or b"").decode())


def test_an_app_is_registered_with_what_it_needs_and_no_more() -> None:
    def server(request: Request) -> Response:
        assert path(request) == "/api/v1/apps"
        assert b"write:statuses" in (request.body or b"")
        assert b"follow" not in (request.body or b"")
        return reply({"client_id": "client", "client_secret": "hush"})

    assert drive(mastodon.register_app(TOWN, BACK), server) == APP
    assert "hush" not in repr(APP)


def test_an_app_without_a_secret_is_no_app() -> None:
    with pytest.raises(NotSent):
        drive(mastodon.register_app(TOWN, BACK), lambda request: reply({"client_id": "client"}))


def test_the_page_to_sign_in_on_is_told_where_to_come_back() -> None:
    url = mastodon.authorize_url(TOWN, "client", BACK, "st&te", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith("https://town.example/oauth/authorize?")
    assert asked["redirect_uri"] == [BACK]
    assert asked["state"] == ["st&te"]
    assert asked["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
    assert asked["code_challenge_method"] == ["S256"]


def test_a_code_becomes_a_token() -> None:
    def server(request: Request) -> Response:
        sent = form(request)
        assert sent["code"] == ["c0de"]
        assert sent["code_verifier"] == ["verifier"]
        assert sent["client_secret"] == ["hush"]
        return reply({"access_token": "t1", "token_type": "Bearer", "scope": "read:accounts write:statuses"})

    token = drive(mastodon.exchange_code(TOWN, APP, "c0de", BACK, "verifier"), server)
    assert token.secret == "t1"
    assert token.scopes == ("read:accounts", "write:statuses")


@pytest.mark.parametrize("status", [400, 401])
def test_a_code_that_was_used_or_is_old_asks_to_start_again(status: int) -> None:
    with pytest.raises(Refused) as no:
        drive(
            mastodon.exchange_code(TOWN, APP, "old", BACK, "v"),
            lambda request: reply({"error": "invalid_grant"}, status),
        )
    assert no.value.refusal is Refusal.INVALID
    assert "again" in str(no.value)


def test_who_we_are_is_said_with_the_servers_name_in_handles() -> None:
    def server(request: Request) -> Response:
        if path(request) == "/api/v2/instance":
            assert "Authorization" not in request.headers
            return reply(recorded("mastodon_instance_v2") | {"domain": "Handles.example"})
        return reply({"id": "7", "username": "hartwell", "acct": "hartwell", "url": "https://town.example/@hartwell"})

    identity = drive(mastodon.whoami(TOWN, TOKEN), server)
    assert (identity.remote_id, identity.handle, identity.name) == (
        "7",
        "hartwell@handles.example",
        "hartwell",
    )


def test_who_we_are_is_known_even_when_the_server_does_not_describe_itself() -> None:
    def server(request: Request) -> Response:
        if "instance" in path(request):
            return page_of_html(502)
        return reply({"id": "7", "username": "hartwell"})

    assert drive(mastodon.whoami(TOWN, TOKEN), server).handle == "hartwell@town.example"


def test_a_token_that_no_longer_works_says_so() -> None:
    with pytest.raises(Refused) as no:
        drive(mastodon.whoami(TOWN, TOKEN), lambda request: reply({"error": "The access token is invalid"}, 401))
    assert no.value.refusal is Refusal.TOKEN_REVOKED


@pytest.mark.parametrize("unknown", [reply({"error": "Not found"}, 404), page_of_html(404)])
def test_an_older_server_is_asked_the_older_way(unknown: Response) -> None:
    def server(request: Request) -> Response:
        if path(request) == "/api/v2/instance":
            return unknown
        return reply(recorded("pleroma_instance_v1"))

    assert drive(mastodon.limits(TOWN), server) == Limits(max_length=5000)


@pytest.mark.parametrize("response", [reply({}), reply({"error": "unknown token"}, 404), reply({"error": "x"}, 401)])
def test_permission_that_is_gone_already_is_given_back(response: Response) -> None:
    assert drive(mastodon.revoke(TOWN, APP, TOKEN), lambda request: response) is None


def test_the_token_to_revoke_is_in_the_body_not_in_the_address() -> None:
    request = next(mastodon.revoke(TOWN, APP, TOKEN))
    assert "t0ken" not in request.url
    assert form(request)["token"] == ["t0ken"]
