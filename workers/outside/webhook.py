"""Calling another system: what is said, and the signature by which it knows that it is us."""

import hashlib
import hmac
from dataclasses import dataclass, field

from api.platforms.errors import NotSent
from api.platforms.values import Exchange, Request


@dataclass(frozen=True, slots=True)
class Signed:
    """One call. `key` is the same on every attempt, so that what arrives twice is known as one."""

    key: str
    url: str = field(repr=False)
    body: bytes
    timestamp: int
    secret: bytes = field(repr=False)

    @property
    def signature(self) -> str:
        return sign(self.secret, self.timestamp, self.body)


def sign(secret: bytes, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a full stop and the body: an old call cannot be played again as a new one."""
    return hmac.new(secret, str(timestamp).encode() + b"." + body, hashlib.sha256).hexdigest()


def call(signed: Signed) -> Exchange[None]:
    """Any 2xx is a yes. Redirects are not followed: the address is the one that an administrator registered."""
    response = yield Request(
        "POST",
        signed.url,
        {
            "Content-Type": "application/json",
            "Beatline-Call": signed.key,
            "Beatline-Timestamp": str(signed.timestamp),
            "Beatline-Signature": f"sha256={signed.signature}",
        },
        signed.body,
    )
    if not 200 <= response.status < 300:
        raise NotSent(f"The address answered {response.status}.")
