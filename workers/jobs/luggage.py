"""What a delivery carries, out of the file store and as its platform takes it, just before it goes out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from api.accounts.queries import limits_of
from api.core.runtime import Runtime
from api.media import pictures
from api.media import queries as media
from api.media.store import store_of
from api.models import Account, Media, MediaKind
from api.outbox.service import Claim
from api.platforms.errors import Refusal, Refused
from api.platforms.values import Draft, Limits, Picture, Video

VIDEOS_AT_ONCE = 2
"""A video stands in memory while it goes up, more than once."""
AT_ONCE = 2
"""Pictures made smaller at the same time: that takes a processor each."""
GONE = "A picture or video of this post is not in our store any more. Add it again and send it as a new post."


class Luggage:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._videos = asyncio.Semaphore(VIDEOS_AT_ONCE)

    @asynccontextmanager
    async def room(self, claim: Claim) -> AsyncIterator[None]:
        """For what it carries, from the store to the platform."""
        rows, _ = await self._rows(claim)
        if not any(row.kind is MediaKind.VIDEO for row in rows):
            yield
            return
        async with self._videos:
            yield

    async def described(self, claim: Claim) -> Draft:
        """With what is said of each and without its bytes: enough to know it again."""
        rows, _ = await self._rows(claim)
        return _with(claim.draft, [_shown(row) for row in rows])

    async def packed(self, claim: Claim) -> Draft:
        """With every byte, made to fit. The same draft gives the same bytes at every attempt."""
        rows, limits = await self._rows(claim)
        if len(rows) < len(claim.media_ids):
            raise Refused(Refusal.INVALID, GONE)
        return _with(claim.draft, [await self._packed(row, limits) for row in rows])

    async def _rows(self, claim: Claim) -> tuple[list[Media], Limits]:
        async with self._runtime.read() as session:
            account = await session.get_one(Account, claim.account_id)
            return await media.named(session, claim.media_ids), limits_of(account)

    async def _packed(self, row: Media, limits: Limits) -> Picture | Video:
        try:
            data = await store_of(self._runtime.settings).read(row.file)
        except FileNotFoundError as error:
            raise Refused(Refusal.INVALID, GONE) from error
        if row.kind is MediaKind.VIDEO:
            return replace(_shown(row), data=data)
        async with self._turns:
            data, kind, width, height = await asyncio.to_thread(
                pictures.fitted, data, row.content_type, limits.image_size, limits.image_pixels
            )
        return Picture(data, kind, row.alt.strip(), width, height, (row.focus_x, row.focus_y))


def unloaded(draft: Draft) -> Draft:
    """Without its bytes: they are up there, and would only fill our memory."""
    bare = tuple(replace(each, data=b"") for each in draft.pictures)
    return replace(draft, pictures=bare, video=replace(draft.video, data=b"") if draft.video else None)


def weight_of(draft: Draft) -> int:
    """In bytes: how long it may take to bring up."""
    return sum(len(picture.data) for picture in draft.pictures) + (len(draft.video.data) if draft.video else 0)


def _shown(row: Media) -> Picture | Video:
    if row.kind is MediaKind.VIDEO:
        return Video(b"", row.content_type, row.alt.strip(), row.width, row.height)
    return Picture(b"", row.content_type, row.alt.strip(), row.width, row.height, (row.focus_x, row.focus_y))


def _with(draft: Draft, carried: list[Picture | Video]) -> Draft:
    found = tuple(each for each in carried if isinstance(each, Picture))
    video = next((each for each in carried if isinstance(each, Video)), None)
    return replace(draft, pictures=found, video=video)
