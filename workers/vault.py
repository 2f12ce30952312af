"""The private keys: only workers import this, so only workers can open what was sealed at the door."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from api.core.sealing import Sealed, Sealer, fingerprint

PUBLIC_FILE = "vault.pub"
PRIVATE_FILES = "vault-*.key"


class CannotOpen(Exception):
    """The key is not here, or the box was changed on the way."""


class Vault:
    """Opens what any of its keys closed; closes with the current one. Its repr shows no key."""

    def __init__(self, private_keys: Iterable[bytes], current: str = "") -> None:
        keys = [PrivateKey(secret) for secret in private_keys]
        self._keys = {fingerprint(bytes(key.public_key)): key for key in keys}
        self.current = current or next(iter(self._keys))
        if self.current not in self._keys:
            raise CannotOpen(f"The private key {self.current} is not in this vault.")

    def __repr__(self) -> str:
        return f"Vault({', '.join(sorted(self._keys))}; current {self.current})"

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(self._keys)

    @property
    def sealer(self) -> Sealer:
        return Sealer(bytes(self._keys[self.current].public_key))

    def open(self, key_id: str, sealed: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise CannotOpen(f"The private key {key_id} is not in this vault.")
        try:
            return SealedBox(key).decrypt(sealed)
        except (CryptoError, ValueError, TypeError) as error:
            raise CannotOpen(f"The box is not one that key {key_id} closed.") from error

    def reseal(self, key_id: str, sealed: bytes) -> Sealed:
        """The same secret under the current key: what a rotation does to each row."""
        return self.sealer.seal(self.open(key_id, sealed))


@dataclass(frozen=True, slots=True)
class Keyring:
    """The folder the keys live in: private files for workers, `vault.pub` for everybody else."""

    folder: Path

    def load(self) -> Vault:
        current = Sealer.from_file(self.folder / PUBLIC_FILE).key_id
        files = sorted(self.folder.glob(PRIVATE_FILES))
        return Vault((bytes.fromhex(file.read_text().strip()) for file in files), current)

    def load_or_generate(self) -> Vault:
        if not (self.folder / PUBLIC_FILE).exists():
            self.rotate()
        return self.load()

    def rotate(self) -> str:
        """A new pair becomes current; the old ones stay until everything is sealed again."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        key = PrivateKey.generate()
        key_id = fingerprint(bytes(key.public_key))
        # The private half is on disk before anybody can seal with the public half.
        self._write(f"vault-{key_id}.key", bytes(key).hex(), 0o600)
        self._write(PUBLIC_FILE, bytes(key.public_key).hex(), 0o644)
        return key_id

    def retire(self, key_id: str) -> None:
        """Forgets an old key, for ever. Ask only when nothing is sealed with it any more."""
        if key_id == Sealer.from_file(self.folder / PUBLIC_FILE).key_id:
            raise CannotOpen(f"The key {key_id} is the current one: rotate before you retire it.")
        (self.folder / f"vault-{key_id}.key").unlink(missing_ok=True)

    def _write(self, name: str, text: str, mode: int) -> None:
        """Whole or not at all, and on the disk when this returns."""
        draft = self.folder / f".{name}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / name)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


class LiveVault(Vault):
    """A keyring's vault that notices when the keys are turned: nobody has to restart a worker for it."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._load()

    @property
    def sealer(self) -> Sealer:
        return Sealer.from_file(self._ring.folder / PUBLIC_FILE)

    def open(self, key_id: str, sealed: bytes) -> bytes:
        if key_id not in self.key_ids:
            self._load()
        return super().open(key_id, sealed)

    def _load(self) -> None:
        loaded = self._ring.load()
        self._keys, self.current = loaded._keys, loaded.current
