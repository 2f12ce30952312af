"""Hosts are typed by people: none of them leads into a private network."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from api.platforms.errors import NotSent, Refusal, Refused
from api.platforms.values import Request
from tests.workers.platforms.faulty import faulty
from workers.platforms import guard
from workers.platforms.guard import Guard, is_public
from workers.platforms.http import HttpxCarrier

PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1.1.1.1",
    "100::1",
    "5f00::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "172.32.0.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_in_every_form_are_known(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_let_through(address: str) -> None:
    assert is_public(ip_address(address))


async def refusal(url: str, carrier: HttpxCarrier | None = None) -> Refusal:
    with pytest.raises(Refused) as no:
        await (carrier or HttpxCarrier()).send(Request("GET", url))
    assert url not in str(no.value)
    return no.value.refusal


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "169.254.169.254",
        "10.0.0.8:8443",
        "[fe80::1]",
    ],
)
async def test_a_private_host_is_refused_however_it_is_spelt(host: str) -> None:
    assert await refusal(f"https://{host}/api/v2/instance") in (Refusal.FORBIDDEN, Refusal.INVALID)


def resolver(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """The system's resolver, replaced; each lookup takes the next round, the last one stays."""
    asked: list[str] = []
    answers = list(rounds)

    async def getaddrinfo(self: Any, host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00::1", "64:ff9b::7f00:1"])
async def test_a_name_that_leads_into_a_private_network_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver(monkeypatch, [address])
    assert await refusal("https://town.example/") is Refusal.FORBIDDEN


async def test_one_private_address_among_public_ones_refuses_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver(monkeypatch, ["93.184.216.34", "127.0.0.1"])
    assert await refusal("https://town.example/") is Refusal.FORBIDDEN


async def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes its mind between the check and the connection gains nothing."""
    asked = resolver(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    connected: list[str] = []

    async def create_connection(_: Any, host: str, port: int, **kwargs: Any) -> Any:
        connected.append(host)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", create_connection)
    with pytest.raises(NotSent):
        await HttpxCarrier().send(Request("GET", "https://town.example/"))
    assert connected == ["93.184.216.34"]
    assert asked == ["town.example"]


@pytest.mark.parametrize(
    "url",
    [
        "http://town.example/",
        "ftp://town.example/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "//town.example/",
        "https:///x",
        "https://user:word@town.example/",
        "https://town.example:99999/",
        "https://exa mple/",
        "https://[::1/",
    ],
)
async def test_only_https_to_a_plain_host_is_spoken(url: str) -> None:
    assert await refusal(url) in (Refusal.FORBIDDEN, Refusal.INVALID)


async def test_a_host_the_operator_names_is_let_through_at_its_port_only() -> None:
    async with faulty() as server, faulty() as other:
        carrier = HttpxCarrier(frozenset({("127.0.0.1", server.port)}))
        response = await carrier.send(Request("GET", f"http://127.0.0.1:{server.port}/"))
        assert response.status == 200
        assert await refusal(f"http://127.0.0.1:{other.port}/", carrier) is Refusal.FORBIDDEN
        assert await refusal(f"https://127.0.0.1:{other.port}/", carrier) is Refusal.FORBIDDEN
        assert other.connections == 0
        await carrier.aclose()


async def test_a_name_is_looked_up_once_for_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch, ["93.184.216.34"])
    ours = Guard()
    for _ in range(3):
        assert await ours.resolve("town.example", 443) == ("93.184.216.34",)
    assert asked == ["town.example"]
    monkeypatch.setattr(guard, "KEPT_FOR", -1.0)
    await ours.resolve("shire.example", 443)
    await ours.resolve("shire.example", 443)
    assert asked == ["town.example", "shire.example", "shire.example"]
