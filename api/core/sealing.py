"""Boxes that anybody can close and only workers can open (X25519 sealed boxes)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nacl.public import PublicKey, SealedBox

from api.core.errors import Conflict


def fingerprint(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Sealed:
    """`key_id` says which private key opens it."""

    key_id: str
    box: bytes


class Seals(Protocol):
    """Whatever can close a box."""

    def seal(self, secret: bytes) -> Sealed: ...


def at_hand(sealer: Seals | None) -> Seals:
    """Nothing that is secret is taken in where it could not be sealed at once."""
    if sealer is None:
        raise Conflict("This installation has no key to seal with yet. Start a worker, then connect again.")
    return sealer


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


@dataclass(frozen=True, slots=True)
class SealerFile:
    """Reads the public key each time: after the keys were turned, nothing more is closed with the old one."""

    path: Path

    def seal(self, secret: bytes) -> Sealed:
        return Sealer.from_file(self.path).seal(secret)
