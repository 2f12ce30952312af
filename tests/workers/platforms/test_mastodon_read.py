"""Payloads shaped like real ones, read into plain messages."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.platforms.values import Address, Attachment, Limits, Platform, RawItem, Visibility
from tests.workers.platforms.fake import TOWN
from workers.platforms import mastodon
from workers.platforms.mastodon_read import limits

RECORDED = Path(__file__).parent / "recorded"
VILLAGE = Address(Platform.MASTODON, "https://social.village.example", "01F8M", "hartwell@village.example")


def recorded(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return payload


def item(**payload: Any) -> RawItem:
    return RawItem("1", {"id": "1", **payload})


def test_a_mention_reads_as_what_a_person_wrote() -> None:
    payload = recorded("mastodon_mention")
    message = mastodon.read(TOWN, RawItem(payload["id"], payload))
    assert message.text == (
        "@ben@shire.example the lane is under water & two cars are stuck.\n\n"
        "Photo by me, map: https://maps.example/?lane=1&z=15 #flood"
    )
    assert message.author.handle == "amy@shire.example"
    assert message.author.name == "Amy Thornbury 🌊"
    assert message.visibility is Visibility.UNLISTED
    assert message.in_reply_to == "115600000000000090"
    assert message.occurred_at == datetime(2026, 6, 1, 9, 12, 30, 417000, tzinfo=UTC)
    assert message.edited_at == datetime(2026, 6, 1, 9, 15, 2, tzinfo=UTC)
    assert message.mentions == ("hartwell@town.example", "ben@shire.example")
    assert message.attachments == (
        Attachment("image", "https://files.town.example/cache/22.jpg", "A lane under water with two cars"),
        Attachment("unknown", "https://files.shire.example/23.bin"),
    )
    assert not message.ours


def test_a_server_with_ids_of_letters_and_no_display_names_reads_as_well() -> None:
    payload = recorded("gotosocial_direct")
    message = mastodon.read(
        Address(Platform.MASTODON, "https://village.example", "01X", "hartwell@town.example"),
        RawItem(payload["id"], payload),
    )
    assert message.remote_id == "01JZ8Q2B7R3V5X9YAC4DEF6GHJ"
    assert message.text == "noise\n\ncan you come round?\nIt is loud again"
    assert message.visibility is Visibility.DIRECT
    assert message.author.name == "kit"
    assert message.in_reply_to is None


def test_local_handles_are_completed_with_the_name_the_server_uses_in_handles() -> None:
    message = mastodon.read(VILLAGE, item(account={"id": "5", "acct": "kit"}))
    assert message.author.handle == "kit@village.example"
    bare = mastodon.read(Address(Platform.MASTODON, "https://fen.example"), item(account={"acct": "kit"}))
    assert bare.author.handle == "kit@fen.example"


def test_our_own_words_are_known_as_ours() -> None:
    assert mastodon.read(TOWN, item(account={"id": "7"})).ours
    assert not mastodon.read(TOWN, item(account={"id": "8"})).ours
    assert not mastodon.read(Address(Platform.MASTODON, "https://fen.example"), item()).ours


@pytest.mark.parametrize("visibility", ["local", "mutuals_only", "", None, 3])
def test_a_visibility_we_do_not_know_is_treated_as_private(visibility: Any) -> None:
    assert mastodon.read(TOWN, item(visibility=visibility)).visibility is Visibility.DIRECT


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>@hartwell hello</p>", "hello"),
        ("<p>@hartwell@town.example: hello</p>", "hello"),
        ("<p>@HARTWELL @hartwell@town.example hello</p>", "hello"),
        ("<p>@hartwell</p>", ""),
        ("<p>hello @hartwell</p>", "hello @hartwell"),
        ("<p>@hartwell-north hello</p>", "@hartwell-north hello"),
        ("<p>@hartwellian hello</p>", "@hartwellian hello"),
        ("<p>@hartwell@town.example.other hello</p>", "@hartwell@town.example.other hello"),
        ("<p>@hartwell@shire.example hello</p>", "@hartwell@shire.example hello"),
    ],
)
def test_only_our_own_name_at_the_front_is_left_out(content: str, text: str) -> None:
    assert mastodon.read(TOWN, item(content=content)).text == text


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = list(recorded("mastodon_mention"))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JUNK))
def test_whatever_a_server_puts_into_its_fields_can_be_read(changes: dict[str, Any]) -> None:
    message = mastodon.read(TOWN, RawItem("1", {**recorded("mastodon_mention"), **changes}))
    assert message.occurred_at.tzinfo is not None
    assert "\x00" not in message.text


@given(st.sets(st.sampled_from(FIELDS)))
def test_whatever_a_server_leaves_out_can_be_read(left_out: set[str]) -> None:
    payload = {key: value for key, value in recorded("mastodon_mention").items() if key not in left_out}
    assert mastodon.read(TOWN, RawItem("1", payload)).remote_id == "1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mastodon_instance_v2", Limits(500, 23, 4, 1500)),
        ("gotosocial_instance_v2", Limits(5000, 25, 6, 1500)),
        ("pleroma_instance_v1", Limits(5000, 23, 4, 1500)),
    ],
)
def test_limits_are_what_the_instance_says(name: str, expected: Limits) -> None:
    assert limits(recorded(name)) == expected


def test_limits_that_make_no_sense_are_the_usual_ones() -> None:
    said = {"configuration": {"statuses": {"max_characters": "many", "characters_reserved_per_url": 0}}}
    assert limits(said) == Limits()
    assert limits({"configuration": []}) == Limits()
