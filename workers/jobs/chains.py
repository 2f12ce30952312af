"""The order of each account: one delivery at a time, in the order they are due."""

import heapq
from bisect import insort
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from api.outbox.service import Claim
from workers.jobs.shares_of_lanes import Shares

Head = tuple[datetime, datetime, int, UUID]
"""When it may go, its order, its account."""


class Chains:
    """Claims of one worker, a chain for each account; only the head of a chain that rests may go out."""

    def __init__(self, shares: Shares | None = None) -> None:
        self._shares = shares
        self._aside: dict[str, list[Head]] = {}
        """Heads whose server has its share of the lanes already."""
        self._waiting: dict[UUID, list[Claim]] = {}
        self._busy: set[UUID] = set()
        self._heads: list[Head] = []

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
            head = heapq.heappop(self._heads)
            account = head[3]
            server = self._waiting[account][0].address.instance
            if self._shares is not None and not self._shares.begin(server):
                heapq.heappush(self._aside.setdefault(server, []), head)
                continue
            taken.append(self._waiting[account].pop(0))
            self._busy.add(account)
        return taken

    def ended(self, server: str) -> None:
        """A lane to it is free again: two who stood aside for want of one may try, should its share have grown."""
        if self._shares is not None:
            self._shares.end(server)
        aside, back = self._aside.get(server, []), 0
        while aside and back < 2:
            head = heapq.heappop(aside)
            if self._stands(head):
                heapq.heappush(self._heads, head)
                back += 1

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

    def crowded(self, more_than: int) -> dict[str, int]:
        """Servers whose lanes are full and for which so many wait here: how many."""
        waiting = {server: 0 for server, aside in self._aside.items() if aside}
        if not waiting:
            return {}
        for chain in self._waiting.values():
            if chain and (server := chain[0].address.instance) in waiting:
                waiting[server] += len(chain)
        return {server: number for server, number in waiting.items() if number > more_than}

    def all(self) -> list[Claim]:
        return [claim for chain in self._waiting.values() for claim in chain]

    def _offer(self, account: UUID) -> None:
        if account not in self._busy:
            head = self._waiting[account][0]
            heapq.heappush(self._heads, (head.ready_at, *head.order, account))

    def _forget_stale(self) -> None:
        """Offers of heads that were overtaken, taken or dropped meanwhile."""
        while self._heads and not self._stands(self._heads[0]):
            heapq.heappop(self._heads)

    def _stands(self, head: Head) -> bool:
        _, due_at, delivery, account = head
        chain = self._waiting.get(account)
        if not chain or account in self._busy:
            return False
        return chain[0].order == (due_at, delivery)
