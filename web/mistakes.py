"""What somebody can mend in a form, each sentence beside its field."""

from collections.abc import Mapping

from pydantic import ValidationError

from api.core.errors import Conflict, DomainError, Forbidden, Invalid, Stale

CAUGHT = (Invalid, Conflict, Forbidden, Stale, ValidationError)
"""Shown on the form with what was typed; everything else is a page of its own."""
_WORDS = {
    "missing": "Fill this in.",
    "string_too_short": "Fill this in.",
    "too_short": "Choose at least one.",
    "too_long": "These are too many.",
    "string_too_long": "This is too long. Say it in fewer words.",
    "int_parsing": "Write a whole number here.",
    "less_than_equal": "This number is too large.",
    "greater_than_equal": "This number cannot be less than nothing.",
    "date_from_datetime_parsing": "Choose a day.",
    "date_parsing": "Choose a day.",
}


def errors_of(error: Exception, named: Mapping[str, str] | None = None) -> dict[str, str]:
    """Field → sentence; the empty field is the top of the form. `named`: where the form calls a part otherwise."""
    named = named or {}
    if isinstance(error, ValidationError):
        found: dict[str, str] = {}
        for one in error.errors(include_url=False, include_context=False):
            field = str(one["loc"][0]) if one["loc"] else ""
            # A text's length is measured by two kinds of rule; a person fills it in either way.
            kind = f"string_{one['type']}" if isinstance(one["input"], str) else one["type"]
            words = _WORDS.get(kind) or _WORDS.get(one["type"])
            found.setdefault(named.get(field, field), words or _plain(one["msg"]))
        return found
    assert isinstance(error, DomainError)
    field = (error.field or "") if isinstance(error, Invalid) else ""
    return {named.get(field, field): error.sentence}


def _plain(message: str) -> str:
    words = message.removeprefix("Value error, ")
    return f"{words[:1].upper()}{words[1:]}."
