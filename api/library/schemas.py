"""Standard posts on the wire."""

from typing import Any
from uuid import UUID

from pydantic import Field

from api.core.shapes import Out
from api.models import StandardPost


class FieldOut(Out):
    """One thing to fill in. `max` counts characters; `choices`, when there are any, are the only values."""

    name: str
    label: str
    type: str = "text"
    max: int = 80
    example: str = ""
    choices: list[str] = Field(default_factory=list)


class StandardPostOut(Out):
    """`{name}` in a text is a field. Locked: only the fields may change."""

    id: UUID
    slug: str
    title: str
    category: str
    text: str
    short: str
    fields: list[FieldOut]
    locked: bool
    etag: str
    details: dict[str, Any]

    @classmethod
    def of(cls, standard_post: StandardPost) -> "StandardPostOut":
        return cls.model_validate(standard_post)
