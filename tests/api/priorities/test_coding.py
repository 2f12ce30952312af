"""What an answer seems to name: readable patterns, never the last word."""

import pytest

from api.models import Issue
from api.priorities.coding import PATTERNS, suggest, words_for

SAID = [
    ("1 speeding on mill lane 2 speeding on mill lane 3 parking by the school", [Issue.SPEEDING, Issue.PARKING]),
    ("Dog mess on the green, and never see a bobby", [Issue.DOGS, Issue.PATROLS]),
    ("Mopeds racing round the estate at night", [Issue.E_SCOOTERS, Issue.SPEEDING]),
    ("my shed was broken into again", [Issue.BURGLARY]),
    ("drug dealing in the alley", [Issue.DRUGS]),
    ("nothing for the kids to do, so they hang about", [Issue.YOUTH]),
    ("Fly tipping behind the shops. Mattresses!", [Issue.FLY_TIPPING]),
    ("a man followed home two girls from the station", [Issue.VAWG]),
    ("scam texts", [Issue.FRAUD]),
    ("graffiti on the bus shelter", [Issue.GRAFFITI]),
    ("hare coursing on Coombe farm", [Issue.RURAL]),
    ("street lights out on Weir Road", [Issue.OTHER]),
]


@pytest.mark.parametrize(("text", "issues"), SAID)
def test_plain_words_suggest_their_issue(text: str, issues: list[Issue]) -> None:
    assert list(suggest(text)) == issues


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You lot are wonderful",
        "no idea",
        "Rovers need a left back",
        "no speeding round here",
        "I'm not bothered about parking",
    ],
)
def test_nothing_is_suggested_where_nothing_is_named(text: str) -> None:
    assert suggest(text) == ()


def test_no_more_than_three_are_suggested_in_the_order_they_are_named() -> None:
    assert suggest("noise, dogs, litter, parking, drugs") == (Issue.NOISE, Issue.DOGS, Issue.FLY_TIPPING)


def test_every_issue_has_words_and_says_which_it_found() -> None:
    assert set(PATTERNS) == set(Issue)
    assert words_for(Issue.PARKING, "Parking on the zigzags, and blocking drives") == ("Parking on", "blocking")


def test_a_long_text_is_read_in_no_time() -> None:
    assert suggest("never see a " * 1600) == ()
