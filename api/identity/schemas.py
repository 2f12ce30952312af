"""People, roles, tokens and sessions on the wire."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.core.clock import now
from api.core.wire import Wire
from api.models import ApiToken, Membership, Person, Role, SignIn

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(description="As colleagues say it, with the rank."),
]  # fmt: skip
Email = Annotated[str, StringConstraints(min_length=3, max_length=254), Field(description="Their work address.")]
_SUPERVISOR = {"role": "supervisor", "team_id": "01939f3a-7c00-7000-8000-000000000001"}


class RoleIn(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [dict(_SUPERVISOR)]})

    role: Role
    team_id: UUID | None = Field(None, description="In which team; null: in the whole force.")


class PersonIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "nadia.malik@sandfordvale.example",
                    "name": "Sgt Nadia Malik",
                    "roles": [dict(_SUPERVISOR)],
                }
            ]
        }
    )

    email: Email
    name: Name
    roles: list[RoleIn] = Field(default_factory=list, max_length=50)


class PersonPatch(Wire):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Insp. Nadia Malik"}, {"active": False}]})

    email: Email | None = None
    name: Name | None = None
    active: bool | None = Field(None, strict=True, description="false: their sessions and tokens end at once.")


class RoleOut(BaseModel):
    id: UUID
    role: Role
    team_id: UUID | None

    @classmethod
    def of(cls, row: Membership) -> "RoleOut":
        return cls(id=row.id, role=row.role, team_id=row.team_id)


class PersonOut(BaseModel):
    id: UUID
    name: str
    email: str
    active: bool
    has_password: bool
    second_factor: bool = Field(description="They have set up a second step: needed for real accounts.")
    roles: list[RoleOut]
    etag: str

    @classmethod
    def of(cls, person: Person, memberships: tuple[Membership, ...]) -> "PersonOut":
        return cls(
            id=person.id,
            name=person.name,
            email=person.email,
            active=person.active,
            has_password=person.password_hash is not None,
            second_factor=person.totp_confirmed_at is not None,
            roles=[RoleOut.of(row) for row in memberships],
            etag=person.etag,
        )


class LinkOut(BaseModel):
    """Shown once."""

    secret: str
    url: str = Field(description="Give it to the person themselves, by a way that only they read.")
    expires_at: datetime


class ForceBrief(BaseModel):
    id: UUID
    name: str


class TeamBrief(BaseModel):
    id: UUID
    name: str


class PlaceBrief(BaseModel):
    id: UUID
    name: str
    police_uk_id: str
    team_id: UUID


class MyRole(BaseModel):
    role: Role
    team_id: UUID | None


class MyPerson(BaseModel):
    id: UUID
    name: str
    email: str


class MeOut(BaseModel):
    person: MyPerson
    force: ForceBrief
    roles: list[MyRole]
    scopes: list[str] | None = Field(description="What the token may do; null for a person in a browser.")
    second_factor: bool = Field(description="Whether real accounts may be used; practice accounts always may.")
    teams: list[TeamBrief]
    neighbourhoods: list[PlaceBrief]


def _ninety_days() -> datetime:
    return now() + timedelta(days=90)


class TokenIn(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Command and control", "scopes": ["inbox:read"]}],
        }
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    scopes: list[Annotated[str, StringConstraints(max_length=50)]] = Field(min_length=1, max_length=50)
    expires_at: AwareDatetime = Field(
        default_factory=_ninety_days, description="A year from now at the latest; left out: in 90 days."
    )


class TokenOut(BaseModel):
    id: UUID
    person_id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: ApiToken) -> "TokenOut":
        return cls.model_validate(row, from_attributes=True)


class NewTokenOut(TokenOut):
    secret: str = Field(description="Shown this once.")

    @classmethod
    def with_secret(cls, row: ApiToken, secret: str) -> "NewTokenOut":
        return cls(**TokenOut.of(row).model_dump(), secret=secret)


class SessionOut(BaseModel):
    id: UUID
    device: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    this_one: bool

    @classmethod
    def of(cls, row: SignIn, current: UUID | None) -> "SessionOut":
        return cls(
            id=row.id,
            device=row.device,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            this_one=row.id == current,
        )
