"""Forces, their neighbourhoods and the teams that look after them."""

from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from api.models.base import Shared, json_column


class Force(Shared, table=True):
    """`police_uk_id` is the force's id at data.police.uk, such as avon-and-somerset."""

    __tablename__ = "forces"

    name: str
    short_name: str
    police_uk_id: str = Field(unique=True)
    timezone: str = "Europe/London"
    keep_days: int = 365
    """Days for which a message is kept unless somebody decides otherwise: no message is without an end."""
    useful_hours: float | None = None
    """Overrides the installation's useful_hours."""


class Team(Shared, table=True):
    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("force_id", "name"),)

    force_id: UUID = Field(foreign_key="forces.id")
    name: str


class Neighbourhood(Shared, table=True):
    """`police_uk_id` is unique in its force only. `boundary` is one ring of [latitude, longitude]."""

    __tablename__ = "neighbourhoods"
    __table_args__ = (UniqueConstraint("force_id", "police_uk_id"),)

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID = Field(foreign_key="teams.id", index=True)
    police_uk_id: str
    name: str
    about: str = ""
    boundary: list[Any] = json_column(list)
