"""Every setting, from the environment (prefix BEATLINE_) or from a file in /run/secrets. docs/settings.md lists them."""

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url

_SECRETS = Path(os.environ.get("BEATLINE_SECRETS_DIR", "/run/secrets"))
SECRETS = _SECRETS if _SECRETS.is_dir() else None
HTMX = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"
HTMX_SRI = "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"


class Settings(BaseSettings):
    """What an installation may decide. Times are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="BEATLINE_", extra="ignore", frozen=True, secrets_dir=SECRETS)

    data_dir: Path = Field(Path(".data"), description="Folder for the SQLite database and the keys.")
    database_url: str = Field(
        "", description="sqlite:///path or postgresql://…; empty: beatline.db in the data folder."
    )
    database_password: str = Field(
        "", repr=False, description="The database's password, if it does not stand in the address."
    )
    redis_url: str = Field("memory://", description="redis://… or memory:// (one process only).")
    base_url: str = Field(
        "http://127.0.0.1:8000", description="Where people reach this installation; OAuth returns here."
    )
    services: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="Which REST services this process serves, by comma; empty: all."
    )

    secret_key: str = Field(
        "",
        description="Seals second-factor secrets and signs cookies; empty: made once in the data folder.",
        repr=False,
    )
    secure_cookies: bool | None = Field(
        None, description="Send cookies over HTTPS only; unset: when base_url is https."
    )
    session_days: float = Field(14, gt=0, description="Days until somebody must sign in again.")
    session_idle_hours: float = Field(12, gt=0, description="Hours without a request that end a session.")
    set_password_hours: float = Field(72, gt=0, description="Hours for which a set-password link works.")
    password_hashes: int = Field(2, ge=1, description="Passwords hashed at once; each takes 64 MiB.")

    htmx_url: str = Field(HTMX, description="Where browsers load htmx from; a path serves your own copy.")
    htmx_sri: str = Field(HTMX_SRI, description="The hash browsers demand of it.")
    htmx_file: Path | None = Field(None, description="Your own copy of htmx, served at /static/htmx.js.")

    body_limit: int = Field(1_000_000, gt=0, description="Largest request body, in bytes.")
    upload_limit: int = Field(100_000_000, gt=0, description="Largest picture or video somebody may add, in bytes.")
    media_url: str = Field(
        "",
        description="Where pictures and videos are kept: a folder, or s3://bucket/prefix?endpoint=…&region=…; "
        "empty: media in the data folder.",
    )
    media_key_id: SecretStr = Field(
        SecretStr(""), description="The bucket's access key; empty: whatever the machine itself may do."
    )
    media_key: SecretStr = Field(SecretStr(""), description="The secret that goes with it.")
    idempotency_hours: float = Field(24, gt=0, description="Hours for which an Idempotency-Key is kept.")
    metrics_port: int = Field(0, ge=0, description="Private port for Prometheus /metrics; 0: none.")
    metrics_host: str = Field("127.0.0.1", description="Address the metrics port listens on.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(True, description="Log JSON lines; false: words for a terminal.")
    trusted_proxies: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="Addresses of proxies whose X-Forwarded-For is believed, by comma."
    )

    look_ahead: float = Field(5, ge=0, description="How long before its time a delivery is claimed.")
    lease: float = Field(10, gt=0, description="How long a worker may be silent before its deliveries are taken over.")
    claim_batch: int = Field(500, ge=1, description="Deliveries claimed at once.")
    in_flight: int = Field(500, ge=1, description="Requests a sending worker has open at once.")
    dispatch_interval: float = Field(0.5, gt=0, description="How often a sending worker looks for due rows.")
    read_back_wait: float = Field(
        30, ge=0, description="After giving up on an answer, wait before the list that decides."
    )
    read_back_tries: int = Field(20, ge=1, description="Failed read-backs before a person is asked.")
    retry_limit: int = Field(30, ge=1, description="Attempts that did not reach the platform before giving up.")
    drain: float = Field(20, ge=0, description="When a worker is stopped, how long it waits for what it is sending.")
    useful_hours: float = Field(
        2, gt=0, description="Hours after its time for which a post without an end is still worth sending."
    )
    request_timeout: float = Field(10, gt=0, description="How long a platform may take to answer.")
    connections: int = Field(500, ge=1, description="Connections a worker may have open.")

    poll_interval: float = Field(15, gt=0, description="How often an account's feed is read.")
    stale_after: float = Field(180, gt=0, description="A feed not read for this long is shown as stopped.")
    backfill_days: float = Field(30, ge=0, description="Days of history read at the first connection.")
    watch_days: float = Field(14, ge=0, description="Days for which replies to our own posts are looked for.")
    arrival_days: float = Field(14, gt=0, description="Days for which what arrived is kept as it came.")
    sweep_interval: float = Field(60, gt=0, description="How often old rows are cleared away.")

    alert_interval: float = Field(15, gt=0, description="How often workers look for what people must be told of.")
    alert_feed_after: float = Field(600, gt=0, description="A feed not read for this long is told to people.")
    alert_days_before: float = Field(7, ge=0, description="Days before a permission ends from which people are told.")
    smtp_url: str = Field(
        "",
        repr=False,
        description="Where e-mails are handed over: smtp://host:587 (encrypted where offered), smtp+starttls://user@host "
        "(encrypted or not at all), smtps://user@host; empty: no e-mails.",
    )
    smtp_password: str = Field("", repr=False, description="Its password, if it does not stand in the address.")
    mail_from: str = Field("", description="The sender of e-mails; empty: beatline@ the host of base_url.")

    allow_private_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="host:port pairs on private addresses that workers may reach, by comma."
    )
    practice_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="host:port of practice towns: their accounts need no second factor."
    )
    public_key_file: Path | None = Field(
        None, description="Where api and web read the public key; empty: vault.pub in the folder of the keys."
    )
    keys_dir: Path | None = Field(None, description="Folder of the workers' keys; empty: keys in the data folder.")
    clock_skew_ms: float = Field(500, gt=0, description="Skew against the database at which doctor fails.")

    @field_validator("services", "allow_private_hosts", "practice_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @cached_property
    def database(self) -> str:
        url = make_url(self.database_url or f"sqlite:///{(self.data_dir / 'beatline.db').absolute()}")
        if self.database_password:
            url = url.set(password=self.database_password)
        return url.render_as_string(hide_password=False)

    @property
    def embedded(self) -> bool:
        """One process, nothing installed: the queue lives in memory."""
        return self.redis_url.startswith("memory:")

    @property
    def cookies_secure(self) -> bool:
        return self.base_url.startswith("https:") if self.secure_cookies is None else self.secure_cookies

    @property
    def keys(self) -> Path:
        return self.keys_dir or self.data_dir / "keys"

    @property
    def public_key(self) -> Path:
        return self.public_key_file or self.keys / "vault.pub"

    @property
    def private_hosts(self) -> frozenset[tuple[str, int]]:
        pairs = (entry.rpartition(":") for entry in self.allow_private_hosts)
        return frozenset((host.strip("[]"), int(port)) for host, _, port in pairs)
