"""Where we may connect to: the public internet, and what the operator names. Hosts are typed by people."""

import asyncio
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from api.platforms.errors import Refusal, Refused

IPAddress = IPv4Address | IPv6Address
KEPT_FOR = 30.0

CARRIER_NAT = ip_network("100.64.0.0/10")
OLD_RELAYS = ip_network("192.88.99.0/24")
GLOBAL_V6 = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")


class NoSuchHost(OSError):
    """The name leads nowhere; it may again later."""


def is_public(address: IPAddress) -> bool:
    """Whether anybody on the internet could reach it; addresses inside addresses are looked at too."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address not in OLD_RELAYS and _not_nat(address)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        return is_public(address.sixtofour)
    if address.teredo is not None:
        return False
    return address in GLOBAL_V6 and address.is_global and not address.is_multicast


def _not_nat(address: IPv4Address) -> bool:
    return address not in CARRIER_NAT and not address.is_reserved


@dataclass(slots=True)
class Guard:
    """Turns a host into addresses that were checked; whoever connects uses these and asks no second time."""

    allow_private: frozenset[tuple[str, int]] = frozenset()
    _known: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = field(default_factory=dict)

    def allows(self, host: str, port: int) -> bool:
        return (host.lower().strip("[]").rstrip("."), port) in self.allow_private

    def check(self, scheme: str, host: str, port: int) -> None:
        """Before anything else: which addresses we speak to at all."""
        if scheme not in ("http", "https") or not host:
            raise Refused(Refusal.FORBIDDEN, "Only https addresses can be used.")
        if scheme == "http" and not self.allows(host, port):
            raise Refused(Refusal.FORBIDDEN, "The server is not reached over https, so nothing was sent.")

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Checked addresses of a host. One forbidden address among them refuses the whole name."""
        kept = self._known.get((host, port))
        if kept and kept[0] > time.monotonic():
            return kept[1]
        addresses = await lookup(host, port)
        if not self.allows(host, port) and not all(is_public(ip_address(address)) for address in addresses):
            raise Refused(Refusal.FORBIDDEN, "The server's name leads into a private network, so nothing was sent.")
        self._keep(host, port, addresses)
        return addresses

    def _keep(self, host: str, port: int, addresses: tuple[str, ...]) -> None:
        now = time.monotonic()
        for old in [key for key, (until, _) in self._known.items() if until <= now]:
            del self._known[old]
        self._known[host, port] = (now + KEPT_FOR, addresses)


async def lookup(host: str, port: int) -> tuple[str, ...]:
    """The system's resolver, so that odd spellings (decimal, hex, short) are read as a connection would."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoSuchHost("The server's name could not be found.") from error
    return _unique(str(entry[4][0]) for entry in found)


def _unique(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(addresses))
