"""How each platform is spoken to. A connector asks and reads; a carrier takes it there and back."""

from datetime import datetime
from typing import Protocol

from api.platforms.values import (
    Address,
    App,
    Batch,
    Draft,
    Edited,
    Exchange,
    Identity,
    Incoming,
    Limits,
    Platform,
    Published,
    RawItem,
    Stream,
    Token,
)
from workers.platforms import bluesky, mastodon


class Connector(Protocol):
    """What a platform's module offers. An Exchange yields requests and is sent responses, nothing else."""

    def bring(self, address: Address, token: Token, draft: Draft) -> Exchange[tuple[str, ...]]:
        """Brings up what the draft carries, for `Draft.brought`. Nobody sees anything of it; twice does no harm."""
        ...

    def publish(self, address: Address, token: Token, draft: Draft) -> Exchange[Published]: ...

    def find(
        self, address: Address, token: Token, draft: Draft, started_at: datetime, linked: frozenset[str]
    ) -> Exchange[Published | None]:
        """None: not in a list read back past `started_at`. Lists lag: ask twice before believing it."""
        ...

    def delete(self, address: Address, token: Token, remote_id: str) -> Exchange[None]: ...

    def edit(self, address: Address, token: Token, remote_id: str, draft: Draft, before: Draft) -> Exchange[Edited]:
        """Only over `before`: what somebody changed there themselves is left as it is, and told."""
        ...

    def unshare(self, address: Address, token: Token, remote_id: str) -> Exchange[None]:
        """Takes a repost back; `remote_id` is what publishing it made."""
        ...

    def like(self, address: Address, token: Token, key: str, remote_id: str) -> Exchange[object]:
        """Twice is once. The key is the same for every like and unlike of one message."""
        ...

    def unlike(self, address: Address, token: Token, key: str, remote_id: str) -> Exchange[None]: ...

    def poll(self, address: Address, token: Token, stream: Stream, cursor: str | None) -> Exchange[Batch]: ...

    def backfill(self, address: Address, token: Token, stream: Stream, since: datetime) -> Exchange[Batch]: ...

    def context(self, address: Address, token: Token, remote_id: str) -> Exchange[tuple[RawItem, ...]]: ...

    def status(self, address: Address, token: Token, remote_id: str) -> Exchange[RawItem | None]: ...

    def sighted(self, address: Address, token: Token, url: str) -> Exchange[Published | None]:
        """What stands at an address that a person pasted, if this account wrote it itself."""
        ...

    def read(self, address: Address, item: RawItem) -> Incoming:
        """Pure: the same item always reads the same."""
        ...

    def limits(self, address: Address) -> Exchange[Limits]: ...

    def whoami(self, address: Address, token: Token) -> Exchange[Identity]: ...

    def register_app(self, address: Address, redirect_uri: str) -> Exchange[App]: ...

    def authorize_url(
        self, address: Address, app_client_id: str, redirect_uri: str, state: str, challenge: str
    ) -> str: ...

    def exchange_code(
        self, address: Address, app: App, code: str, redirect_uri: str, verifier: str
    ) -> Exchange[Token]: ...

    def home(self, handle: str) -> Exchange[str]:
        """The server that keeps an account, found from its handle. Where FACTS say `app_password`."""
        ...

    def sign_in(self, address: Address, identifier: str, password: str) -> Exchange[Token]:
        """Where FACTS say `app_password`; elsewhere a person says yes on a page of the platform's."""
        ...

    def refresh(self, address: Address, token: Token) -> Exchange[Token]:
        """A new token for one that ran out (Expired), to be kept before it is used. Refused: connect it again."""
        ...

    def revoke(self, address: Address, app: App, token: Token) -> Exchange[None]: ...


CONNECTORS: dict[Platform, Connector] = {Platform.MASTODON: mastodon, Platform.BLUESKY: bluesky}
