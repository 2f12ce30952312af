"""Teams and neighbourhoods on the wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictFloat, StringConstraints

from api.core.wire import Wire
from api.models import Neighbourhood, Team

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
PoliceUkId = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$"),
    Field(description="The neighbourhood's id at data.police.uk; unique in its force only, and case matters."),
]  # fmt: skip
Latitude = Annotated[StrictFloat, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[StrictFloat, Field(ge=-180, le=180, allow_inf_nan=False)]
Boundary = Annotated[
    list[tuple[Latitude, Longitude]],
    Field(min_length=3, max_length=5000, description="One ring of [latitude, longitude], as data.police.uk gives it."),
]
_MILL_LANE: list[JsonValue] = [[51.8642, -2.2431], [51.8655, -2.2388], [51.8619, -2.2379]]


class TeamIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Sandford North"}]})

    name: Name


class TeamOut(BaseModel):
    id: UUID
    name: str

    @classmethod
    def of(cls, team: Team) -> "TeamOut":
        return cls(id=team.id, name=team.name)


class NeighbourhoodIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "team_id": "01939f3a-7c00-7000-8000-000000000001",
                    "police_uk_id": "MQ",
                    "name": "Mill Lane & Quays",
                    "about": "Old mill, new flats, cobbles, one goose",
                    "boundary": _MILL_LANE,
                }
            ]
        }
    )

    team_id: UUID
    police_uk_id: PoliceUkId
    name: Name
    about: Annotated[str, StringConstraints(max_length=2000)] = ""
    boundary: Boundary | None = None


class NeighbourhoodPatch(Wire):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Mill Lane and the Quays"}]})

    team_id: UUID | None = None
    name: Name | None = None
    about: Annotated[str, StringConstraints(max_length=2000)] | None = None
    boundary: Boundary | None = None


class NeighbourhoodBrief(BaseModel):
    id: UUID
    name: str
    police_uk_id: str
    team_id: UUID
    about: str
    etag: str

    @classmethod
    def of(cls, row: Neighbourhood) -> "NeighbourhoodBrief":
        return cls.model_validate(_shown(row))


class NeighbourhoodOut(NeighbourhoodBrief):
    boundary: list[Annotated[list[float], Field(min_length=2, max_length=2)]]

    @classmethod
    def of(cls, row: Neighbourhood) -> "NeighbourhoodOut":
        return cls.model_validate(_shown(row) | {"boundary": row.boundary})


def _shown(row: Neighbourhood) -> dict[str, Any]:
    return {name: getattr(row, name) for name in NeighbourhoodBrief.model_fields}
