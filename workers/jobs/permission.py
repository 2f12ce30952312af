"""Asking a platform as one of our accounts. A token that ran out is renewed: by one, and kept before it is used."""

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from api.accounts import secrets
from api.accounts import service as accounts
from api.core.clock import now
from api.core.sealing import Sealed
from api.models import SecretKind
from api.platforms.errors import Expired, NotSent, PlatformError, Refusal, Refused
from api.platforms.values import Address, Exchange, Token
from workers.context import Context
from workers.platforms.http import carry

T = TypeVar("T")

TRIES = 3
LEASE = timedelta(seconds=30)
LOOK_EVERY = 0.1
PATIENCE = 10.0
TAKEN_AWAY = "The server no longer accepts our permission for this account. Connect it again."
BEING_RENEWED = "Our permission for this account is just being renewed."

Question = Callable[[Token], Exchange[T]]
"""An exchange from its beginning: it is put again when the token ran out on the way."""


class Permission:
    """What we hold for one account. `sealed` is what was last seen of it; `longest` ends an exchange of many requests."""

    def __init__(
        self,
        context: Context,
        account_id: UUID,
        address: Address,
        sealed: Sealed,
        opened: Callable[[Sealed], Token] | None = None,
        longest: float = math.inf,
    ) -> None:
        self.sealed = sealed
        self._context, self._account_id, self._address = context, account_id, address
        self._opened = opened or self._open
        self._heard = context.patience.listener(account_id, address)
        self._longest = longest

    async def ask(self, question: Question[T]) -> T:
        """The answer. Expired means that nothing was done, so that asking again does nothing twice."""
        for _ in range(TRIES):
            token = self._opened(self.sealed)
            try:
                return await carry(self._context.carrier, question(token), self._longest, self._heard)
            except Expired:
                self.sealed = await self._renewed()
        raise Refused(Refusal.TOKEN_REVOKED, TAKEN_AWAY)

    async def renew(self) -> None:
        """Ahead of its end, whether anybody uses it or not."""
        self.sealed = await self._renewed()

    async def _renewed(self) -> Sealed:
        """Another box than the one that ran out: our own, or whoever's was quicker."""
        ends_at = asyncio.get_running_loop().time() + PATIENCE
        while (other := await self._other()) is None:
            if await self._my_turn():
                return await self._renew()
            if asyncio.get_running_loop().time() > ends_at:
                raise NotSent(BEING_RENEWED, retry_after=1.0)
            await asyncio.sleep(LOOK_EVERY)
        return other

    async def _other(self) -> Sealed | None:
        async with self._context.runtime.read() as session:
            secret = await secrets.get(session, self._account_id, SecretKind.ACCESS_TOKEN)
        if secret is None:
            raise Refused(Refusal.TOKEN_REVOKED, TAKEN_AWAY)
        return Sealed(secret.key_id, secret.box) if secret.box != self.sealed.box else None

    async def _my_turn(self) -> bool:
        async with self._context.runtime.unit_of_work() as session:
            return await secrets.begin_renewal(session, self._account_id, self.sealed.box, now(), now() + LEASE)

    async def _renew(self) -> Sealed:
        """No transaction waits for the platform. Who dies here leaves a lease that runs out."""
        connector = self._context.connectors[self._address.platform]
        try:
            token = await carry(self._context.carrier, connector.refresh(self._address, self._opened(self.sealed)))
        except PlatformError:
            async with self._context.runtime.unit_of_work() as session:
                await secrets.end_renewal(session, self._account_id, self.sealed.box)
            raise
        fresh = self._context.vault.sealer.seal(token.secret.encode())
        async with self._context.runtime.unit_of_work() as session:
            kept = await secrets.keep_renewed(session, self._account_id, self.sealed.box, fresh)
            if kept:
                await accounts.note_token(session, self._account_id, token)
        # Not kept: the account was connected again meanwhile, or its box was closed with a new key.
        return fresh if kept else await self._other() or self.sealed

    def _open(self, sealed: Sealed) -> Token:
        return Token(self._context.vault.open(sealed.key_id, sealed.box).decode())
