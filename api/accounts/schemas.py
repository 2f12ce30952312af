"""Accounts and connections on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr

from api.core.shapes import Line, Out, Words
from api.core.wire import Wire
from api.models import AccountState, ConnectionState
from api.platforms.values import Platform


class ConnectIn(Wire):
    """Begin connecting an account: with its server, or where its platform has app passwords, with one of those."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"platform": "mastodon", "instance": "https://town.example", "team_id": None},
                {"platform": "bluesky", "handle": "sandford.example", "app_password": "abcd-efgh-ijkl-mnop"},
            ]
        }
    )

    platform: Platform
    instance: Words = Field(
        "",
        max_length=300,
        description="The server: https://host, or just the host. With an app password: found from the handle.",
    )
    handle: Words | None = Field(None, max_length=300, description="With an app password: whose it is.")
    app_password: SecretStr | None = Field(
        None, max_length=200, description="Made for Beatline alone. Sealed at once, used once, never shown."
    )
    team_id: UUID | None = Field(None, description="The team it belongs to; null: the force's own.")


class RegisterPatch(Wire):
    """What is written down about an account. Only what is sent changes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"recovery_address": "press@sandfordvale.example", "people": []}]}
    )

    owner_id: UUID | None = Field(None, description="Who answers for it.")
    recovery_address: Line | None = Field(None, description="Where the platform sends a lost password.")
    when_owner_leaves: Words | None = Field(None, max_length=2000, description="What happens to it then.")
    people: list[UUID] | None = Field(
        None, max_length=200, description="Who may write as it; an empty list: everybody whose role allows it."
    )


class LimitsOut(Out):
    max_length: int
    url_length: int
    max_media: int
    alt_length: int


class HealthOut(Out):
    """How it is doing, in a word and in a sentence."""

    state: Literal["live", "late", "stopped", "off"]
    words: str
    last_poll_at: datetime | None
    last_sent_at: datetime | None
    token_expires_at: datetime | None
    queued: int = Field(description="Deliveries that have not gone out yet.")
    waits: str | None = Field(description="Why nothing goes out at the moment, and until when.")
    waits_until: datetime | None


class RegisterOut(Out):
    owner_id: UUID | None
    recovery_address: str
    when_owner_leaves: str
    people: list[UUID] = Field(description="Who may write as it; empty: everybody whose role allows it.")


class AccountOut(Out):
    model_config = ConfigDict(json_schema_extra={"examples": [{"handle": "sandfordnorth@town.example"}]})

    id: UUID
    platform: Platform
    handle: str
    name: str
    url: str
    instance: str
    team_id: UUID | None
    state: AccountState
    state_reason: str
    practice: bool = Field(description="Lives in a practice town: nothing here reaches the public.")
    limits: LimitsOut
    health: HealthOut
    register_: RegisterOut = Field(serialization_alias="register")
    etag: str


class ConnectionOut(Out):
    """A try at connecting. Ask again until it is ready, send the person to `authorize_url`, ask until it is done."""

    id: UUID
    state: ConnectionState
    platform: Platform
    instance: str
    team_id: UUID | None
    authorize_url: str | None = None
    account_id: UUID | None
    error: str | None = None
    expires_at: datetime

    @classmethod
    def of(cls, connection: Any) -> "ConnectionOut":
        shown = cls.model_validate(connection, from_attributes=True)
        ready = connection.state is ConnectionState.READY
        return shown.model_copy(
            update={
                "authorize_url": connection.authorize_url if ready else None,
                "error": connection.error or None,
            }
        )
