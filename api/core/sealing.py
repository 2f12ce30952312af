"""Boxes that anybody can close and only workers can open (X25519 sealed boxes)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nacl.public import PublicKey, SealedBox


def fingerprint(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Sealed:
    """`key_id` says which private key opens it."""

    key_id: str
    box: bytes


@dataclass(frozen=True, slots=True)
class Sealer:
    """Holds a public key only: what api and web have."""

    public_key: bytes

    @property
    def key_id(self) -> str:
        return fingerprint(self.public_key)

    def seal(self, secret: bytes) -> Sealed:
        return Sealed(self.key_id, SealedBox(PublicKey(self.public_key)).encrypt(secret))

    @classmethod
    def from_file(cls, path: Path) -> "Sealer":
        return cls(bytes.fromhex(path.read_text().strip()))
