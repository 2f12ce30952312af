"""The order of each account: one delivery at a time, in the order they are due."""

import heapq
from bisect import insort
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from api.outbox.service import Claim


class Chains:
    """Claims of one worker, a chain for each account; only the head of a chain that rests may go out."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, list[Claim]] = {}
        self._busy: set[UUID] = set()
        self._heads: list[tuple[datetime, datetime, UUID, UUID]] = []

    def __len__(self) -> int:
        return sum(len(chain) for chain in self._waiting.values())

    def add(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            chain = self._waiting.setdefault(claim.account_id, [])
            insort(chain, claim, key=lambda each: each.order)
            if chain[0] is claim:
                self._offer(claim.account_id)

    def next_at(self) -> datetime | None:
        """When the next head may go out."""
        self._forget_stale()
        return self._heads[0][0] if self._heads else None

    def soon(self, until: datetime) -> list[Claim]:
        """The next of each account, where it may go out until then."""
        if (at := self.next_at()) is None or at > until:
            return []
        return [chain[0] for chain in self._waiting.values() if chain and chain[0].ready_at <= until]

    def take(self, until: datetime, most: int) -> list[Claim]:
        """Heads that may go out until then; their accounts are busy from now on."""
        taken: list[Claim] = []
        while len(taken) < most and (at := self.next_at()) is not None and at <= until:
            account = heapq.heappop(self._heads)[3]
            taken.append(self._waiting[account].pop(0))
            self._busy.add(account)
        return taken

    def rest(self, account: UUID) -> None:
        """Its answer is here: the next of its chain may go."""
        self._busy.discard(account)
        if self._waiting.get(account):
            self._offer(account)
        else:
            self._waiting.pop(account, None)

    def empty(self, account: UUID) -> list[Claim]:
        """Takes the whole chain of an account away."""
        return self._waiting.pop(account, [])

    def drop(self, ids: set[UUID]) -> None:
        """Forgets claims that are no longer ours."""
        for account, chain in list(self._waiting.items()):
            kept = [claim for claim in chain if claim.id not in ids]
            if len(kept) != len(chain):
                self._waiting[account] = kept
                self.rest(account) if account not in self._busy else None

    def all(self) -> list[Claim]:
        return [claim for chain in self._waiting.values() for claim in chain]

    def _offer(self, account: UUID) -> None:
        if account not in self._busy:
            head = self._waiting[account][0]
            heapq.heappush(self._heads, (head.ready_at, *head.order, account))

    def _forget_stale(self) -> None:
        """Offers of heads that were overtaken, taken or dropped meanwhile."""
        while self._heads:
            _, _, delivery_id, account = self._heads[0]
            chain = self._waiting.get(account)
            if account not in self._busy and chain and chain[0].id == delivery_id:
                return
            heapq.heappop(self._heads)
