"""Where files are kept: a folder of this machine, or a bucket of anything that speaks S3. It is ours, like the database.

A file is written whole or not at all, and never changed: its name carries the hash of what is in it.
"""

import asyncio
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from api.core.settings import Settings
from api.media.s3 import S3Store

FOLDER = "media"


class FileStore(Protocol):
    """Names are ours: letters, digits, `-`, `.` and `/`."""

    async def put(self, name: str, file: Path) -> None:
        """Afterwards the whole file is there under that name. Putting it twice changes nothing."""
        ...

    async def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """From `start` on, so many bytes or all. FileNotFoundError when there is no such file."""
        ...

    async def delete(self, name: str) -> None:
        """Gone afterwards, whoever deleted it first."""
        ...


class LocalStore:
    """Files in a folder; the threads that read and write them keep the loop free."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, file: Path) -> None:
        await asyncio.to_thread(self._put, name, file)

    async def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return await asyncio.to_thread(self._read, name, start, length)

    async def delete(self, name: str) -> None:
        await asyncio.to_thread((self._folder / name).unlink, missing_ok=True)

    def _put(self, name: str, file: Path) -> None:
        """Under a name of its own until every byte is on the disk: nobody ever sees half a file."""
        place = self._folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{secrets.token_hex(8)}")
        try:
            with file.open("rb") as source, draft.open("xb") as target:
                while some := source.read(1 << 20):
                    target.write(some)
                target.flush()
                os.fsync(target.fileno())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)

    def _read(self, name: str, start: int, length: int | None) -> bytes:
        with (self._folder / name).open("rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)


def store_of(settings: Settings) -> FileStore:
    """The one that this installation keeps its files in."""
    folder = folder_of(settings)
    if folder is not None:
        return LocalStore(folder)
    return _bucket(settings.media_url, settings.media_key_id.get_secret_value(), settings.media_key.get_secret_value())


def folder_of(settings: Settings) -> Path | None:
    """Where the files lie on this machine; None: in a bucket."""
    if "://" in settings.media_url:
        return None
    return Path(settings.media_url) if settings.media_url else settings.data_dir / FOLDER


@lru_cache(8)
def _bucket(url: str, key_id: str, key: str) -> S3Store:
    """Kept: its connections are, too."""
    return S3Store.at(url, key_id, key)
