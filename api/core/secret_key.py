"""The installation's own secret, from the settings or made once in the data folder, and keys for single purposes."""

import hashlib
import os
import secrets
from functools import lru_cache
from pathlib import Path

from api.core.settings import Settings

FILE = "secret.key"


def key_for(settings: Settings, purpose: str) -> bytes:
    """32 bytes. Keys of two purposes have nothing to do with one another."""
    root = settings.secret_key.encode() if settings.secret_key else _from_folder(settings.data_dir)
    return hashlib.blake2b(purpose.encode(), key=hashlib.sha256(root).digest(), digest_size=32).digest()


@lru_cache(maxsize=8)
def _from_folder(folder: Path) -> bytes:
    path = folder / FILE
    if not path.exists():
        _make(path)
    return path.read_bytes().strip()


def _make(path: Path) -> None:
    """Two processes that start at once end up with one key: the file appears whole, and only the first stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_hex(32).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
