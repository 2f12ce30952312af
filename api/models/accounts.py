"""Our accounts on platforms, their register, and the secrets that only workers can open."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from api.models.base import Row, Shared, json_column, one_of
from api.platforms.values import Platform


class AccountState(StrEnum):
    ACTIVE = "active"
    NEEDS_RECONNECT = "needs_reconnect"
    """The platform no longer takes our token: nothing goes out, nothing comes in."""
    SUSPENDED = "suspended"
    DISCONNECTED = "disconnected"
    """Taken off by us. Its history stays."""


class Account(Shared, table=True):
    """`team_id` null: the force's own. `instance` is the server's origin."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("platform", "instance", "remote_id"),)

    force_id: UUID = Field(foreign_key="forces.id", index=True)
    team_id: UUID | None = Field(default=None, foreign_key="teams.id", index=True)
    platform: Platform = one_of(Platform)
    instance: str
    remote_id: str
    handle: str
    """name@server, without the first @."""
    name: str
    url: str = ""
    practice: bool = False
    """Lives in a practice town: nothing here reaches the public, no second factor is asked for."""
    state: AccountState = one_of(AccountState, AccountState.ACTIVE)
    state_reason: str = ""
    limits: dict[str, Any] = json_column()
    limits_read_at: datetime | None = None

    owner_id: UUID | None = Field(default=None, foreign_key="people.id")
    recovery_address: str = ""
    when_owner_leaves: str = ""
    connected_by_id: UUID | None = Field(default=None, foreign_key="people.id")
    token_expires_at: datetime | None = None
    token_renew_at: datetime | None = Field(default=None, index=True)
    """From then on it is exchanged for a fresh one, used or not; null: it has no end, or only its person can renew it."""

    last_poll_at: datetime | None = None
    """The last time its feed was read without error."""
    next_poll_at: datetime | None = Field(default=None, index=True)
    poll_lease_until: datetime | None = None
    """Until then one worker reads its feed and no other does."""
    poll_error: str = ""
    poll_failures: int = 0
    last_sent_at: datetime | None = None
    send_after: datetime | None = None
    """Nothing goes out before then: the platform asked us to wait, or could not be reached."""
    send_after_why: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """A sentence for whoever wonders why nothing goes out."""

    @property
    def ends_at(self) -> datetime | None:
        """When our permission ends for good; None: never, or it renews itself before that."""
        return None if self.token_renew_at else self.token_expires_at


class AccountPerson(Row, table=True):
    """Who may write as an account. None listed: everybody whose role in its team allows it."""

    __tablename__ = "account_people"
    __table_args__ = (UniqueConstraint("account_id", "person_id"),)

    account_id: UUID = Field(foreign_key="accounts.id")
    person_id: UUID = Field(foreign_key="people.id", index=True)


class SecretKind(StrEnum):
    ACCESS_TOKEN = "access_token"  # noqa: S105
    CLIENT_SECRET = "client_secret"  # noqa: S105
    CODE = "code"
    VERIFIER = "verifier"
    WEBHOOK = "webhook"
    APP_PASSWORD = "app_password"  # noqa: S105
    """With the handle that it belongs to; only until a worker has signed in with it."""


class Secret(Row, table=True):
    """A sealed box. `holder_id` is the account, app or connection that it belongs to."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("holder_id", "kind"),)

    holder_id: UUID
    kind: SecretKind = one_of(SecretKind)
    key_id: str = Field(index=True)
    box: bytes = Field(repr=False)
    renewing_until: datetime | None = None
    """Until then one worker is exchanging what is inside for something fresh, and no other does."""


class PlatformApp(Row, table=True):
    """Our registration with one instance; its client secret is sealed."""

    __tablename__ = "platform_apps"
    __table_args__ = (UniqueConstraint("platform", "instance", "redirect_uri"),)

    platform: Platform = one_of(Platform)
    instance: str
    redirect_uri: str
    client_id: str


class ConnectionState(StrEnum):
    ASKED = "asked"
    """A worker registers us with the instance."""
    READY = "ready"
    """The person can go to the instance and say yes."""
    ANSWERED = "answered"
    """The code is here; a worker exchanges it."""
    DONE = "done"
    FAILED = "failed"


class Connection(Row, table=True):
    """One try at connecting an account. `state_hash` is what OAuth's state must hash to."""

    __tablename__ = "connections"

    force_id: UUID = Field(foreign_key="forces.id")
    team_id: UUID | None = Field(default=None, foreign_key="teams.id")
    person_id: UUID = Field(foreign_key="people.id")
    platform: Platform = one_of(Platform)
    instance: str
    redirect_uri: str
    state: ConnectionState = one_of(ConnectionState, ConnectionState.ASKED)
    state_hash: str | None = Field(default=None, unique=True, repr=False)
    app_id: UUID | None = Field(default=None, foreign_key="platform_apps.id")
    authorize_url: str = Field(default="", repr=False)
    account_id: UUID | None = Field(default=None, foreign_key="accounts.id")
    error: str = ""
    attempts: int = 0
    expires_at: datetime
