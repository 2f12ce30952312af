"""Taking a file in: piece by piece, cleaned in a thread, put in the store; at no moment is half of it anywhere.

The row is written first, as something that is over already. If anything fails after that, the sweep finds the row and
clears file and row away; only a row whose file is whole is ever shown.
"""

import asyncio
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID
from weakref import WeakKeyDictionary

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.runtime import Runtime
from api.media import pictures, queries, videos
from api.media.store import store_of
from api.media.values import Cleaned, FileTooLarge, Unusable, Words
from api.models import Media, Team, Viewer

AT_ONCE = 2
"""Pictures cleaned at the same time: each may need some 200 MB for a moment."""
PIECE = 1 << 20
NOTHING = "There is no file, or nothing in it. Choose a picture or a video."
WEBM = "This video is a WebM. Save it as MP4: that can be cleaned of what its camera noted, and is taken everywhere."

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Received:
    """`digest`: of the file exactly as it came."""

    media_id: UUID
    digest: str


async def receive(runtime: Runtime, viewer: Viewer, team_id: UUID, file: BinaryIO, words: Words) -> Received:
    """In the store afterwards; `service.keep` then makes it one to be seen."""
    async with runtime.read() as session:
        team = await queries.get_team(session, viewer, team_id)
    access.require(viewer, Action.DRAFT, team.id)
    with tempfile.TemporaryDirectory(prefix="beatline-") as folder:
        came, kept = Path(folder) / "came", Path(folder) / "kept"
        async with _turn():
            digest = await asyncio.to_thread(_copy, file, came, runtime.settings.upload_limit)
            cleaned = await asyncio.to_thread(_clean, came, kept)
            sha256 = await asyncio.to_thread(_hash, kept)
        media = _row(viewer, team, cleaned, words, sha256, kept.stat().st_size)
        async with runtime.unit_of_work() as session:
            session.add(media)
        await store_of(runtime.settings).put(media.file, kept)
    return Received(media.id, digest)


def _clean(came: Path, kept: Path) -> Cleaned:
    """By its first bytes, never by its name or by what the sender calls it."""
    with came.open("rb") as file:
        head = file.read(16)
    if not head:
        raise Unusable(NOTHING)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        raise Unusable(WEBM)
    kind = videos.looks_like_one(head)
    if kind is None or head[8:12] in pictures.PICTURE_BRANDS:
        return pictures.clean(came, kept)
    return videos.clean(came, kept, kind)


def _copy(file: BinaryIO, to: Path, limit: int) -> str:
    size, digest = 0, hashlib.sha256()
    file.seek(0)
    with to.open("wb") as target:
        while some := file.read(PIECE):
            size += len(some)
            if size > limit:
                raise FileTooLarge(f"This file is larger than {limit // 1_000_000} MB. Make it shorter or smaller.")
            digest.update(some)
            target.write(some)
    return digest.hexdigest()


def _hash(kept: Path) -> str:
    with kept.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _row(viewer: Viewer, team: Team, cleaned: Cleaned, words: Words, sha256: str, size: int) -> Media:
    media = Media(
        force_id=team.force_id, team_id=team.id, uploaded_by_id=viewer.person_id, kind=cleaned.kind,
        content_type=cleaned.content_type, file="", sha256=sha256, size=size, width=cleaned.width,
        height=cleaned.height, seconds=cleaned.seconds, alt=words.alt, no_alt_reason=words.no_alt_reason,
        focus_x=words.focus[0], focus_y=words.focus[1], kept_until=now(),
    )  # fmt: skip
    # The hash says what is in it; the id keeps two uploads of one picture apart, so that each can go by itself.
    media.file = f"{media.force_id}/{sha256[:2]}/{sha256}-{media.id.hex}.{cleaned.suffix}"
    return media


def _turn() -> asyncio.Semaphore:
    """One of a few: photos are large when they are unfolded."""
    loop = asyncio.get_running_loop()
    return _turns.setdefault(loop, asyncio.Semaphore(AT_ONCE))
