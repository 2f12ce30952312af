"""A post as its platform's readers see it."""

import pytest

from api.models import Account
from api.platforms.facts import FACTS
from api.platforms.values import Platform, Visibility
from api.posts.values import Words
from web.looks import look

TEXT = (
    "See https://www.police.uk/pu/contact-us/a-long-way/ and police.uk, @amy@shire.example @quay.example #Sandford #42."
)


def an_account(platform: Platform) -> Account:
    return Account(
        platform=platform, instance="https://here.example", remote_id="1", handle="a@here.example", name="A",
        limits=FACTS[platform].limits.as_dict(),
    )  # fmt: skip


def words(text: str, warning: str = "", *, as_thread: bool = False) -> Words:
    return Words(text, "en", Visibility.PUBLIC, warning, as_thread)


def marked(platform: Platform, text: str) -> list[tuple[str, str]]:
    (part,) = look(an_account(platform), words(text), "").parts
    return [(piece.kind, piece.text) for piece in part.pieces if piece.kind]


def test_mastodon_shows_the_beginning_of_a_link_and_names_without_their_server() -> None:
    assert marked(Platform.MASTODON, TEXT) == [
        ("link", "police.uk/pu/contact-us/a-long…"),
        ("mention", "@amy"),
        ("mention", "@quay.example"),
        ("tag", "#Sandford"),
    ]


def test_bluesky_shows_what_was_typed_and_knows_links_without_their_beginning() -> None:
    assert marked(Platform.BLUESKY, TEXT) == [
        ("link", "https://www.police.uk/pu/contact-us/a-long-way/"),
        ("link", "police.uk"),
        ("mention", "@quay.example"),
        ("tag", "#Sandford"),
    ]


@pytest.mark.parametrize("platform", list(Platform))
def test_nothing_of_the_words_is_lost_between_the_marks(platform: Platform) -> None:
    plain = "  Two\n\nparagraphs – £5 🌊 (see below)  "
    (part,) = look(an_account(platform), words(plain), "").parts
    assert "".join(piece.text for piece in part.pieces) == plain
    assert part.card == ""


def test_the_card_is_named_after_the_first_link() -> None:
    assert look(an_account(Platform.MASTODON), words(TEXT), "").parts[0].card == "police.uk"
    assert look(an_account(Platform.BLUESKY), words("x"), "See quay.example/a").parts[0].card == "quay.example"


def test_a_warning_stands_before_the_words_or_is_their_first_line() -> None:
    shown = look(an_account(Platform.MASTODON), words("Words", "Injuries"), "")
    assert (shown.warning, shown.parts[0].pieces[0].text) == ("Injuries", "Words")
    shown = look(an_account(Platform.BLUESKY), words("Words", "Injuries"), "")
    assert (shown.warning, shown.parts[0].pieces[0].text) == ("", "Injuries\n\nWords")


def test_what_is_too_long_is_marked_and_as_a_thread_it_is_cut() -> None:
    long = "Mind the gap. " * 40
    assert [part.over for part in look(an_account(Platform.BLUESKY), words(long), "").parts] == [True]
    parts = look(an_account(Platform.BLUESKY), words(long, as_thread=True), "").parts
    assert [part.over for part in parts] == [False, False]
