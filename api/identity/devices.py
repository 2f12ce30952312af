"""What we make of a browser: a few words for a list, its network, and the cookie that says it has been here before."""

import base64
import hmac
import ipaddress
import json
from dataclasses import dataclass
from uuid import UUID

from api.identity import secret

REMEMBERED = 8
"""People remembered on one device: a desk's shared computer."""
_BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"),
    ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def in_words(user_agent: str) -> str:
    """Firefox on Windows. Nothing of what was sent is kept, only words of ours."""
    browser = next((words for sign, words in _BROWSERS if sign in user_agent), "A browser")
    system = next((words for sign, words in _SYSTEMS if sign in user_agent), "a device we do not know")
    return f"{browser} on {system}"


def network_of(address: str) -> str:
    """The part of an address that one household, office or phone mast shares."""
    try:
        host = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(host, ipaddress.IPv6Address):
        host = host.ipv4_mapped or host
    bits = 24 if host.version == 4 else 56
    return str(ipaddress.ip_network(f"{host}/{bits}", strict=False))


@dataclass(frozen=True, slots=True)
class Device:
    """`people` are keyed hashes of those who have signed in on it: the cookie names nobody."""

    id: str
    people: tuple[str, ...] = ()

    def knows(self, key: bytes, person_id: UUID) -> bool:
        return any(hmac.compare_digest(mark, _mark(key, self.id, person_id)) for mark in self.people)

    def with_(self, key: bytes, person_id: UUID) -> "Device":
        mark = _mark(key, self.id, person_id)
        return Device(self.id, (mark, *(other for other in self.people if other != mark))[:REMEMBERED])

    def signed(self, key: bytes) -> str:
        body = base64.urlsafe_b64encode(json.dumps([self.id, *self.people]).encode()).decode().rstrip("=")
        return f"{body}.{secret.keyed(key, 'device', body)}"


def read(key: bytes, cookie: str) -> Device:
    """The device of a cookie that we signed; a new one for everything else."""
    body, _, signature = cookie.partition(".")
    signed = signature.isascii() and hmac.compare_digest(signature, secret.keyed(key, "device", body))
    if not body or not signed:
        return Device(secret.fresh())
    device_id, *people = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return Device(device_id, tuple(people))


def _mark(key: bytes, device_id: str, person_id: UUID) -> str:
    return secret.keyed(key, "knows", device_id, person_id.hex)[:32]
