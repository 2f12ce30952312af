"""Taking values out of JSON that somebody else wrote: of the kind that is asked for, or as if it were not there."""

from datetime import UTC, datetime
from typing import Any


def child(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def listed(parent: dict[str, Any], key: str) -> list[Any]:
    value = parent.get(key)
    return value if isinstance(value, list) else []


def text_of(parent: dict[str, Any], key: str) -> str:
    """A string, or a number as one: ids are opaque, and some servers send them bare."""
    value = parent.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def link(value: str) -> str:
    """Only what a browser may follow: never javascript:, never a file."""
    return value if value.lower().startswith(("https://", "http://")) else ""


def number(parent: dict[str, Any], key: str, usual: int) -> int:
    value = parent.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else usual


def moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
