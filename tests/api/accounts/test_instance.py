"""Which server somebody means."""

import pytest

from api.accounts.instance import is_practice, origin
from api.core.errors import Invalid

PRIVATE = frozenset({("127.0.0.1", 8001), ("mastodon.internal", 443)})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("town.example", "https://town.example"),
        ("  Town.Example/ ", "https://town.example"),
        ("https://town.example:443/", "https://town.example"),
        ("https://town.example:8443", "https://town.example:8443"),
        ("town.example.", "https://town.example"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("https://mastodon.internal", "https://mastodon.internal"),
    ],
)
def test_a_server_is_an_origin_and_nothing_more(typed: str, meant: str) -> None:
    assert origin(typed, PRIVATE) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "ftp://town.example", "javascript:alert(1)", "town.example/@sandfordnorth", "@sandfordnorth@town.example",
        "https://sam:secret@town.example", "town.example?x=1", "town.example#x", "http://town.example",
        "http://127.0.0.1:8002", "https://127.0.0.1", "https://2130706433", "https://0x7f.1", "https://[::1]",
        "localhost", "https://localhost:8001", "town..example", "-town.example", "town.example:0", "town.example:99999",
        "town.example:x", "to wn.example", "town.example\\@evil.example", "town.example\x00", "a" * 301, "https://",
        "https://169.254.169.254", "http://[fe80::1%25eth0]", "https://[not-an-address]",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_words_for_the_form(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        origin(typed, PRIVATE)
    assert refused.value.field == "instance"
    assert refused.value.sentence.endswith(".")


def test_a_practice_town_is_known_by_its_host_and_port() -> None:
    hosts = frozenset({"127.0.0.1:8001", "town.example:443"})
    assert is_practice("http://127.0.0.1:8001", hosts)
    assert is_practice("https://town.example", hosts)
    assert not is_practice("http://127.0.0.1:8002", hosts)
    assert not is_practice("https://town.example:8001", hosts)
