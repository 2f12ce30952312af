"""Names of records, chosen by us before anything is sent: the same key is the same name, at every attempt."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

POST = "app.bsky.feed.post"
ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
LENGTH = 13
CLOCK_BITS = 10
SPREAD_BITS = 24  # the moment is blurred by seventeen seconds, so that many keys of one moment stay apart


def tid(microseconds: int, clock: int) -> str:
    """A timestamp identifier: 53 bits of time and 10 that keep two of one moment apart."""
    value = (microseconds & (1 << 53) - 1) << CLOCK_BITS | clock & (1 << CLOCK_BITS) - 1
    return "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(LENGTH)))


def rkey(key: str) -> str:
    """From the key alone. Due times are moved and attempts repeated; the name of what is written never changes.

    A delivery's id begins with the moment it was written, so that the names sort as the posts do.
    """
    chance = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    moment = _milliseconds(key)
    if moment is None:
        return tid(chance >> CLOCK_BITS, chance)
    low = (1 << SPREAD_BITS) - 1
    return tid(moment * 1000 & ~low | chance >> CLOCK_BITS & low, chance)


def _milliseconds(key: str) -> int | None:
    try:
        made = UUID(key)
    except ValueError:
        return None
    return made.int >> 80 if made.version == 7 else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is: whose, of what kind, under which name."""

    repo: str
    collection: str
    rkey: str

    @property
    def uri(self) -> str:
        return f"at://{self.repo}/{self.collection}/{self.rkey}"

    def as_query(self) -> dict[str, str]:
        return {"repo": self.repo, "collection": self.collection, "rkey": self.rkey}


def place(uri: str) -> Place | None:
    """at://whose/kind/name; None for anything else."""
    scheme, _, rest = uri.partition("at://")
    parts = rest.split("/")
    return Place(*parts) if not scheme and len(parts) == 3 and all(parts) else None
