"""What the check promises whatever the rules say: places, levels, a force's own decisions, circumstances."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.policy.check import check
from api.policy.rulebook import rules
from api.policy.values import Context, Kind, Known, Level, Override, Picture

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PLAIN = Context(now=NOW)
STANDARD = tomllib.loads((Path(__file__).parents[3] / "beatline/world/standard_posts.toml").read_text("utf-8"))["posts"]


def found(text: str, context: Context = PLAIN) -> set[str]:
    return {each.rule for each in check(text, context).findings}


def test_places_are_code_points_of_the_text_that_was_sent() -> None:
    text = "👮‍♀️ Café 🚓: ring me on 07700 900123, said Zoë"
    (finding,) = [each for each in check(text, PLAIN).findings if each.rule == "R06"]
    assert text[finding.start : finding.end] == finding.words == "07700 900123"


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_at_all_is_checked_and_every_place_lies_in_it(text: str) -> None:
    for each in check(text, replace(PLAIN, kind=Kind.REPLY)).findings:
        assert 0 <= each.start <= each.end <= len(text)
        assert all((each.message, each.suggestion, each.basis))


def test_the_strictest_finding_is_the_level_of_the_whole() -> None:
    assert check("Hello, everybody.", PLAIN).level is Level.NONE
    assert check("Text my mobile.", PLAIN).level is Level.WARN
    assert check("Text my mobile. OFFICIAL-SENSITIVE", PLAIN).level is Level.BLOCK


@pytest.mark.parametrize("post", STANDARD, ids=lambda post: post["id"])
def test_every_standard_post_passes(post: dict[str, Any]) -> None:
    context = replace(PLAIN, media=(Picture(alt=str(post.get("alt", "A picture"))),))
    for wording, example in (("text", "example"), ("short", "example"), ("welsh", "example_cy")):
        text = str(post.get(wording, ""))
        for field in post.get("fields", []):
            text = text.replace(f"{{{field['name']}}}", str(field.get(example, field.get("example", ""))))
        assert not text or [(each.rule, each.words) for each in check(text, context).findings] == []


def test_what_stands_in_a_pictures_description_counts_and_is_told_not_marked() -> None:
    shown = replace(PLAIN, media=(Picture(alt="Still from dashcam, registration KU19 OBC clear"),))
    findings = [each for each in check("This one got a letter.", shown).findings if each.rule == "R07"]
    assert {(each.start, each.end) for each in findings} == {(0, 0)}
    assert any("KU19 OBC" in each.words for each in findings)


def test_a_force_may_turn_a_rule_off_make_it_stricter_and_add_its_own_paragraph() -> None:
    text = "Text my mobile."
    off = replace(PLAIN, overrides={"R35": Override(off=True)})
    strict = replace(PLAIN, overrides={"R35": Override(level=Level.HOLD, text="5.2 Phones", read_on="2026-11-02")})
    assert "R35" not in found(text, off)
    (finding,) = check(text, strict).findings
    assert (finding.level, finding.policy_text, finding.read_on) == (Level.HOLD, "5.2 Phones", "2026-11-02")


def test_a_forces_own_numbers_links_addresses_and_banned_words_are_known() -> None:
    text = "Ring 01632 960118, or see https://sandfordvale.example/north, my ducks."
    own = Known(numbers=frozenset({"01632960118"}), links=frozenset({"sandfordvale.example"}))
    assert {"R39", "R43"} <= found(text)
    assert not {"R39", "R43"} & found(text, replace(PLAIN, known=own))
    assert "R33" in found(text, replace(PLAIN, known=replace(own, banned=frozenset({"my ducks"}))))


def test_what_a_force_does_on_purpose_is_no_finding_but_an_emergency_is() -> None:
    takes = replace(PLAIN, known=Known(takes_reports=True, announces_speed_checks=True))
    for text, rule in (("Report crime here in the comments.", "R36"), ("Speed checks on the A6 tomorrow.", "R22")):
        assert rule in found(text)
        assert rule not in found(text, takes)
    assert "R36" in found("Break-in happening now? Report it here in the comments.", takes)


def test_what_nobody_has_said_is_no_finding_and_what_was_said_is() -> None:
    assert found("A man has been charged with burglary.") == set()
    charged = replace(PLAIN, replies_open=True)
    assert "R19" in found("A man has been charged with burglary.", charged)
    later = replace(PLAIN, scheduled_for=NOW + timedelta(hours=13))
    assert "R20" in found("Two people are in custody after a collision.", later)
    assert "R20" not in found("Two people are in custody after a collision.", replace(later, scheduled_for=NOW))
    assert "R30" in found("The PCC has funded twenty new officers.", replace(PLAIN, election_window=True))
    assert "R08" in found("At the fair.", replace(PLAIN, media=(Picture(alt="Two people", recognisable=True),)))
    consented = Picture(alt="Two people", recognisable=True, consent=True)
    assert "R08" not in found("At the fair.", replace(PLAIN, media=(consented,)))
    assert "R45" in found("At the fair.", replace(PLAIN, media=(Picture(alt="A fair", others_work=True),)))
    assert "R46" in found("Twice", replace(PLAIN, sent_lately=("twice!",)))
    assert "R46" in found("Long", replace(PLAIN, limit=3, used=4))
    assert "R47" in found("Hello", replace(PLAIN, known=Known(welsh=True), has_welsh=False))
    assert "R48" in found("Hello", replace(PLAIN, paused=True))
    assert "R50" in found("Hello", replace(PLAIN, machine_written=True))


@pytest.mark.parametrize(
    ("text", "due", "over"),
    [
        ("Coffee with your team, Wednesday 2 December, half ten.", "2026-12-02T15:40:00+00:00", True),
        ("Coffee with your team, Wednesday 2 December, half ten.", "2026-12-02T08:00:00+00:00", False),
        ("Thank you to all who came on 14 March.", "2026-03-16T08:30:00+00:00", False),
    ],
)
def test_what_is_over_when_it_goes_out_is_said(text: str, due: str, over: bool) -> None:
    assert ("R43" in found(text, replace(PLAIN, scheduled_for=datetime.fromisoformat(due)))) is over


@pytest.mark.parametrize(
    "text",
    ["Smith Street is closed.", "Knife amnesty bins are at the library.", "Charged your phone?", "Labour Day parade.",
     "Arrest the decline, says the swimming club.", "Polish your lights before winter."],
)  # fmt: skip
def test_names_of_places_days_and_verbs_are_no_people(text: str) -> None:
    assert found(text) == set()


def test_every_rule_says_what_it_is_and_what_to_write() -> None:
    assert set(rules()) == {f"R{number:02}" for number in range(1, 51)}
    for rule in rules().values():
        assert all((rule.title, rule.message, rule.suggestion, rule.basis))
    assert {rule.id for rule in rules().values() if rule.absolute} == {"R26", "R48"}
