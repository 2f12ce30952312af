"""Secrets that we hand out once and keep only as hashes."""

import hashlib
import hmac
import secrets


def fresh(prefix: str = "") -> str:
    """256 bits from the operating system: nothing that could be guessed, so a plain hash of it is enough."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def keyed(key: bytes, *parts: str) -> str:
    """A name for parts that nobody without the key can turn back or make; parts cannot run into each other."""
    message = "".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()
