"""Answers that real Mastodon servers gave, read by our parser. They are fetched, never kept here:

pip download --no-binary :all: --no-deps --no-build-isolation mastodon_py==2.3.3 -d .cache
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from api.platforms.errors import PlatformError
from api.platforms.values import Address, Draft, Picture, Platform, RawItem, Request, Response
from workers.platforms import answers, mastodon
from workers.platforms.mastodon_match import Match, matches
from workers.platforms.mastodon_read import VISIBILITIES, limits

ARCHIVE = Path(".cache/mastodon_py-2.3.3.tar.gz")
SERVER = Address(Platform.MASTODON, "http://localhost:3000", "1", "admin@localhost")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ARCHIVE.exists(), reason="the recordings are not in .cache; see the top of this file"),
]


def interactions() -> Iterator[dict[str, Any]]:
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if "/tests/cassettes/" in member.name and member.name.endswith(".yaml"):
                file = archive.extractfile(member)
                recorded = yaml.load(file, Loader=yaml.CSafeLoader) if file else None
                if isinstance(recorded, dict):
                    yield from recorded.get("interactions", [])


@pytest.fixture(scope="module")
def exchanges() -> list[tuple[Request, Response]]:
    return [(request(entry["request"]), response(entry["response"])) for entry in interactions()]


def as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()


def request(entry: dict[str, Any]) -> Request:
    headers = {name.lower(): str(values[0]) for name, values in entry["headers"].items()}
    return Request(entry["method"], entry["uri"], headers, as_bytes(entry["body"]), creates=entry["method"] == "POST")


def response(entry: dict[str, Any]) -> Response:
    headers = {name.lower(): str(values[0]) for name, values in entry["headers"].items()}
    return Response(entry["status"]["code"], headers, as_bytes(entry["body"].get("string")))


def statuses(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"id", "content", "account", "visibility"} <= set(value):
            yield value
        for child in value.values():
            yield from statuses(child)
    elif isinstance(value, list):
        for child in value:
            yield from statuses(child)


def read(sent: Request, got: Response) -> Any:
    try:
        return answers.read_json(sent, got)
    except PlatformError:
        return None


def test_every_recorded_status_can_be_read(exchanges: list[tuple[Request, Response]]) -> None:
    seen = 0
    for sent, got in exchanges:
        for status in statuses(read(sent, got)):
            message = mastodon.read(SERVER, RawItem(status["id"], status))
            assert "@" in message.author.handle
            assert "<p>" not in message.text
            assert message.visibility == VISIBILITIES[status["visibility"]]
            seen += 1
    assert seen > 100


def test_every_recorded_post_is_recognised_by_what_was_sent(exchanges: list[tuple[Request, Response]]) -> None:
    seen = 0
    for sent, got in exchanges:
        fields = sent_fields(sent)
        made = read(sent, got)
        if (
            not isinstance(made, dict)
            or not fields.get("status")
            or "content" not in made
            or {"scheduled_at", "quoted_status_id"} & set(fields)  # we do neither
        ):
            continue
        draft = Draft(
            key="k",
            text=fields["status"],
            visibility=VISIBILITIES[fields.get("visibility") or made["visibility"]],
            in_reply_to=fields.get("in_reply_to_id"),
            content_warning=fields.get("spoiler_text", ""),
            pictures=tuple(
                Picture(b"", "image/jpeg", each["description"] or "", 1, 1)
                for each in (made["media_attachments"] if {"media_ids", "media_ids[]"} & set(fields) else ())
            ),
        )
        address = Address(Platform.MASTODON, "http://localhost:3000", made["account"]["id"])
        assert matches(address, draft, made) is Match.EXACT, (
            fields,
            made["content"],
            made["visibility"],
            made["spoiler_text"],
        )
        seen += 1
    assert seen > 30


def sent_fields(sent: Request) -> dict[str, str]:
    """What was posted to the list of statuses, from a form or from JSON; anything else is empty."""
    if sent.method != "POST" or urlsplit(sent.url).path != "/api/v1/statuses":
        return {}
    body = (sent.body or b"").decode()
    if body.startswith("{"):
        return {key: str(value) for key, value in json.loads(body).items() if value is not None}
    return {key: values[0] for key, values in parse_qs(body).items()}


def test_every_recorded_error_becomes_one_of_ours(exchanges: list[tuple[Request, Response]]) -> None:
    errors = [answers.error(sent, got) for sent, got in exchanges if got.status >= 400]
    assert errors
    assert all(str(error).endswith(".") for error in errors)


def test_every_recorded_instance_says_its_limits(exchanges: list[tuple[Request, Response]]) -> None:
    said = [
        read(sent, got)
        for sent, got in exchanges
        if urlsplit(sent.url).path.rstrip("/").endswith(("v1/instance", "v2/instance"))
    ]
    found = {limits(instance) for instance in said if isinstance(instance, dict)}
    assert found
    assert all(limit.max_length >= 500 and limit.url_length == 23 for limit in found)
