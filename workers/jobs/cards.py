"""Cards for links, asked for while a delivery waits for its time, where its platform does not ask by itself.

A card is never worth a post: whatever goes wrong, it goes out without one, and soon.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from api.core.log import log
from api.outbox import service as outbox
from api.outbox.service import Claim
from api.platforms.errors import PlatformError
from api.platforms.facts import FACTS
from api.platforms.marks import Kind, marks
from api.platforms.values import Card, Draft, Exchange, Visibility
from workers.context import Context
from workers.platforms import cards
from workers.platforms.http import carry

T = TypeVar("T")
WITHIN = 2.0
"""Seconds that a page has to say what it is, and its picture to come: so late may a post be that cannot wait."""
MOST = 500
"""Asked for and not used yet; what is forgotten is asked for again."""


class Cards:
    """`look` asks ahead; `on` hands over what was found, or asks now."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked: dict[UUID, asyncio.Task[Card | None]] = {}

    def look(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            if claim.id not in self._asked and (asks := self._asks(claim)):
                self._asked[claim.id] = asyncio.create_task(asks)
        while len(self._asked) > MOST:
            self._asked.pop(next(iter(self._asked))).cancel()

    async def on(self, claim: Claim) -> Draft:
        """The draft with its card."""
        self.look([claim])
        asked = self._asked.pop(claim.id, None)
        if asked is None:
            return claim.draft
        return replace(claim.draft, card=await asked)

    async def close(self) -> None:
        """What is still asked for is not waited for."""
        asked = list(self._asked.values())
        self._asked.clear()
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    def _asks(self, claim: Claim) -> Coroutine[None, None, Card | None] | None:
        """What has to be asked for it. A card that was kept has its picture fetched once more."""
        if (card := claim.draft.card) is not None:
            return self._pictured(card) if card.image else None
        url = _wanted(claim)
        return self._new(claim.id, url) if url else None

    async def _new(self, delivery_id: UUID, url: str) -> Card | None:
        card = await self._carried(cards.card(url), None)
        if not await self._kept(delivery_id, card):
            return None
        return await self._pictured(card) if card and card.image else card

    async def _pictured(self, card: Card) -> Card:
        return await self._carried(cards.with_picture(card), card)

    async def _carried(self, exchange: Exchange[T], otherwise: T) -> T:
        try:
            async with asyncio.timeout(WITHIN):
                return await carry(self._context.carrier, exchange)
        except (PlatformError, TimeoutError):
            return otherwise
        except Exception:  # pages are made by strangers, and must never keep a post from going out
            log.exception("card broke")
            return otherwise

    async def _kept(self, delivery_id: UUID, card: Card | None) -> bool:
        try:
            async with self._context.runtime.unit_of_work() as session:
                await outbox.keep_card(session, delivery_id, card)
        except Exception:  # without a card it goes out all the same
            log.exception("card not kept")
            return False
        return True


def _wanted(claim: Claim) -> str:
    """The address of its first link, if a card for it has to come from us and was not asked for yet."""
    if FACTS[claim.address.platform].makes_cards or claim.card_sought or claim.media_ids or claim.draft.shares:
        return ""
    if claim.draft.visibility is Visibility.DIRECT:
        return ""
    found = marks(claim.address.platform, claim.draft.text)
    return next((mark.value for mark in found if mark.kind is Kind.LINK), "")
