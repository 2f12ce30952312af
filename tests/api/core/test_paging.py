"""Cursors are opaque and come from strangers."""

import base64
import json
from datetime import UTC, datetime

import pytest

from api.core.errors import Invalid
from api.core.ids import new_id
from api.core.paging import decode, encode


def test_a_cursor_comes_back_as_it_was() -> None:
    at, row_id = datetime(2026, 11, 24, 10, 47, tzinfo=UTC), new_id()
    assert decode(encode(at, row_id)) == (at, row_id)


@pytest.mark.parametrize(
    "inside",
    [
        [], {}, None, 5, ["2026-11-24T10:47:00+00:00", 5], [5, new_id().hex], ["2026-11-24T10:47:00", new_id().hex],
        ["0001-01-01T00:00:00+14:00", new_id().hex], ["9999-12-31T23:59:59-14:00", new_id().hex],
    ],
)  # fmt: skip
def test_a_cursor_of_somebody_elses_making_is_refused(inside: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode()
    with pytest.raises(Invalid, match="not one of ours"):
        decode(cursor)


@pytest.mark.parametrize("cursor", ["", "x", "é", "%%%", "a" * 400])
def test_noise_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="not one of ours"):
        decode(cursor)
