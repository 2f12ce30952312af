"""People, what they may do, and how they prove who they are."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlmodel import Field

from api.models.base import MaybeJson, Row, Shared, json_column, one_of


class Role(StrEnum):
    """What somebody is in a team, or, without a team, in the whole force."""

    CONTRIBUTOR = "contributor"
    TEAM_MEMBER = "team_member"
    SUPERVISOR = "supervisor"
    COMMS = "comms"
    CONTACT_DESK = "contact_desk"
    RECORDS = "records"
    ADMIN = "admin"


class Person(Shared, table=True):
    """`email` is lower case. Nobody is deleted: a leaver is inactive, so that what they did keeps its name."""

    __tablename__ = "people"

    force_id: UUID = Field(foreign_key="forces.id", index=True)
    email: str = Field(unique=True)
    name: str
    """As colleagues say it, with the rank: PCSO Ash Okafor."""
    active: bool = True
    password_hash: str | None = Field(default=None, repr=False)
    totp_secret: bytes | None = Field(default=None, repr=False)
    totp_confirmed_at: datetime | None = None
    totp_last_step: int = 0
    """The last code's time step: a code works once."""
    feed_token_hash: str | None = Field(default=None, repr=False)
    no_mail: list[str] | None = Field(default=None, sa_column=Column(MaybeJson, nullable=True))
    """The kinds of alert that they want no e-mail about."""


class Membership(Row, table=True):
    """One role of one person, in one team or (team_id null) in the whole force."""

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_team", "person_id", "role", "team_id", unique=True,
            sqlite_where=text("team_id IS NOT NULL"), postgresql_where=text("team_id IS NOT NULL"),
        ),
        Index(
            "uq_memberships_force", "person_id", "role", unique=True,
            sqlite_where=text("team_id IS NULL"), postgresql_where=text("team_id IS NULL"),
        ),
    )  # fmt: skip

    person_id: UUID = Field(foreign_key="people.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id", index=True)
    role: Role = one_of(Role)


class SignIn(Row, table=True):
    """A browser that somebody signed in with. The cookie's secret is not here, only its hash."""

    __tablename__ = "sign_ins"

    person_id: UUID = Field(foreign_key="people.id", index=True)
    token_hash: str = Field(unique=True, repr=False)
    device: str = ""
    """Browser and system in a few words, for the list of sessions."""
    last_seen_at: datetime
    expires_at: datetime
    second_factor_at: datetime | None = None
    ended_at: datetime | None = None


class SetPasswordLink(Row, table=True):
    """Works once and not for long."""

    __tablename__ = "set_password_links"

    person_id: UUID = Field(foreign_key="people.id", index=True)
    token_hash: str = Field(unique=True, repr=False)
    expires_at: datetime
    used_at: datetime | None = None


class Throttle(Row, table=True):
    """Failed sign-ins of one client against one name. The key is a keyed hash: no address stands here."""

    __tablename__ = "throttles"
    __table_args__ = (UniqueConstraint("key"),)

    key: str
    failures: int = 0
    last_failure_at: datetime
    blocked_until: datetime | None = None


class ApiToken(Row, table=True):
    """Another system's key. It acts in the name of a person and can do no more than they."""

    __tablename__ = "api_tokens"

    force_id: UUID = Field(foreign_key="forces.id", index=True)
    person_id: UUID = Field(foreign_key="people.id", index=True)
    name: str
    token_hash: str = Field(unique=True, repr=False)
    scopes: list[str] = json_column(list)
    expires_at: datetime
    last_used_at: datetime | None = None
    ended_at: datetime | None = None


class IdempotencyKey(Row, table=True):
    """What a POST with an Idempotency-Key answered, stored in the same transaction as what it did."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("owner", "route", "key"),)

    owner: str
    """The token's or the person's id."""
    route: str
    key: str
    body_hash: str
    status: int
    headers: dict[str, str] = json_column()
    body: str = Field(repr=False)
    expires_at: datetime = Field(index=True)
