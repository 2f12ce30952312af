"""Which server somebody means, from what they typed: an origin and nothing more."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from api.core.errors import Invalid

Host = tuple[str, int]
_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_EXAMPLE = "Type the server's address, such as town.example."


def origin(typed: str, private: frozenset[Host]) -> str:
    """`https://host` or `https://host:port`. Plain http only for a host that this installation allows by name."""
    parts = _split(typed)
    host, port = _host(parts), _port(parts)
    named = (host, port or _PORTS[parts.scheme]) in private
    if parts.scheme == "http" and not named:
        raise _refused("That server is not reached over https, so its passwords would travel in the open.")
    if not named and not _is_name(host):
        raise _refused(f"That is not the name of a server. {_EXAMPLE}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def is_practice(instance: str, practice_hosts: frozenset[str]) -> bool:
    """Whether an origin is one of the practice towns named in the settings as host:port."""
    parts = urlsplit(instance)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, 0)}" in practice_hosts


def _split(typed: str) -> SplitResult:
    text = typed.strip()
    if not text or len(text) > 300 or any(ord(letter) < 33 or letter in '\\<>"' for letter in text):
        raise _refused(_EXAMPLE)
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError as error:
        raise _refused(_EXAMPLE) from error
    if parts.scheme not in _PORTS:
        raise _refused("Only https addresses can be used.")
    if parts.username is not None or parts.password is not None or "@" in text:
        raise _refused(f"Leave out the @ and any name or password. {_EXAMPLE}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refused(f"Leave out everything after the server's name. {_EXAMPLE}")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise _refused(_EXAMPLE)
    try:
        return host if ":" in host else host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise _refused(f"That is not the name of a server. {_EXAMPLE}") from error


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError as error:
        raise _refused("The number after the colon is not a port.") from error
    if port == 0:
        raise _refused("The number after the colon is not a port.")
    return port


def _is_name(host: str) -> bool:
    """A name with a dot. Numbers, however they are spelled, are addresses: they have no certificate of their own."""
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        return False
    return not _is_number(host) and labels[-1][0].isalpha()


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, "instance")
