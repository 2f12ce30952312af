"""Tokens that say themselves whose they are and until when, signed with a key that everybody may know here."""

import base64
import hashlib
import hmac
import json
from typing import Any

KEY = b"jwt-secret"  # the one that Bluesky's own test servers use
ACCESS, RENEWAL = "at+jwt", "refresh+jwt"


def make(kind: str, **claims: Any) -> str:
    head = _segment(json.dumps({"typ": kind, "alg": "HS256"}).encode())
    signed = f"{head}.{_segment(json.dumps(claims).encode())}"
    return f"{signed}.{_segment(_signature(signed))}"


def read(token: str, kind: str = "") -> dict[str, Any] | None:
    """Its claims if it is ours, run out or not."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_segment(_signature(signed)), signature):
        return None
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
    return dict(claims) if kind in ("", head.get("typ")) else None


def _signature(signed: str) -> bytes:
    return hmac.new(KEY, signed.encode(), hashlib.sha256).digest()


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
