"""From a standard post and what was filled in to the words that go out."""

import re
from collections.abc import Mapping
from functools import partial

from api.core.errors import Invalid
from api.models import StandardPost
from api.platforms.text import graphemes

FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def fill(standard_post: StandardPost, values: Mapping[str, str], *, short: bool = False) -> str:
    """The text with every field filled in; what is missing, too long or not one of the choices is refused by name."""
    template = standard_post.short if short and standard_post.short else standard_post.text
    fields = {field["name"]: field for field in standard_post.fields}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise Invalid(f"This standard post has no field called {', '.join(unknown)}.", "values")
    checked = {name: _checked(fields.get(name, {}), name, values.get(name, "")) for name in names_in(template)}
    return FIELD.sub(lambda found: checked[found[1]], template)


def names_in(text: str) -> list[str]:
    """The fields in a text that nobody has filled in yet, in their order."""
    return list(dict.fromkeys(FIELD.findall(text)))


def fits(standard_post: StandardPost, text: str) -> bool:
    """Whether a text is this standard post with its fields filled in and nothing else changed."""
    fields = {field["name"]: field for field in standard_post.fields}
    return any(
        re.fullmatch(_pattern(template, fields), text, re.DOTALL)
        for template in (standard_post.text, standard_post.short)
        if template
    )


def _pattern(template: str, fields: Mapping[str, Mapping[str, object]]) -> str:
    seen: set[str] = set()
    return "".join(map(partial(_piece, fields, seen), re.split(r"(\{[a-z][a-z0-9_]*\})", template)))


def _piece(fields: Mapping[str, Mapping[str, object]], seen: set[str], piece: str) -> str:
    found = FIELD.fullmatch(piece)
    if not found:
        return re.escape(piece)
    name = found[1]
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>.{{1,{fields.get(name, {}).get('max', 80)}}})"


def _checked(field: Mapping[str, object], name: str, value: str) -> str:
    value, label = value.strip(), str(field.get("label", name))
    most, choices = field.get("max", 80), field.get("choices") or []
    if not value:
        raise Invalid(f"Fill in: {label}.", f"values.{name}")
    if isinstance(most, int) and graphemes(value) > most:
        raise Invalid(f"{label}: {graphemes(value) - most} characters too many ({most} at most).", f"values.{name}")
    if isinstance(choices, list) and choices and value not in choices:
        raise Invalid(f"{label}: choose one of {'; '.join(map(str, choices))}.", f"values.{name}")
    if field.get("type") == "link" and not re.fullmatch(r"https://[^\s{}]+", value):
        raise Invalid(f"{label}: a link starts with https://.", f"values.{name}")
    if names_in(value):
        raise Invalid(f"{label}: write words, not another field.", f"values.{name}")
    return value
