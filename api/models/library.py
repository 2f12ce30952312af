"""Standard posts: what is written once and used again."""

from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from api.models.base import Shared, json_column


class StandardPost(Shared, table=True):
    """`fields` are what is filled in: [{name, label, max, example}]. Locked: only they may change."""

    __tablename__ = "standard_posts"
    __table_args__ = (UniqueConstraint("force_id", "slug"),)

    force_id: UUID = Field(foreign_key="forces.id")
    slug: str
    title: str
    category: str
    text: str
    short: str = ""
    fields: list[Any] = json_column(list)
    locked: bool = False
    details: dict[str, Any] = json_column()
    """Source, season, alt text and the like, as they came."""
