"""What a broken connection proves, on real sockets, plain and encrypted."""

import asyncio
import gc
import ssl
import subprocess
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from api.platforms.errors import NotSent, PlatformError, Refusal, Refused, Unknown
from api.platforms.values import Address, Exchange, Platform, Published, Request, Response
from tests.workers.platforms.fake import DRAFT, TOKEN
from tests.workers.platforms.faulty import Faulty, answer, closed_port, faulty, many
from workers.platforms import lanes, mastodon, wire
from workers.platforms.http import USER_AGENT, HttpxCarrier, carry

BODY = b'{"status": "Road closed"}'
LOST_AFTER_WRITING = [
    "reset before reading",
    "reset after reading",
    "close after reading",
    "drop mid-answer",
    "never answer",
    "drip",
    "garbage",
    "too long",
]


def carrier(port: int, timeout: float = 0.15) -> HttpxCarrier:
    return HttpxCarrier(frozenset({("127.0.0.1", port), ("localhost", port)}), timeout=timeout, connect_timeout=0.3)


def create(port: int, scheme: str = "http", host: str = "127.0.0.1") -> Request:
    return Request("POST", f"{scheme}://{host}:{port}/api/v1/statuses", {}, BODY, creates=True)


def read(port: int, scheme: str = "http", host: str = "127.0.0.1", path: str = "/x") -> Request:
    return Request("GET", f"{scheme}://{host}:{port}{path}")


async def outcome(request: Request, port: int) -> type[PlatformError] | int:
    ours = carrier(port)
    try:
        return (await ours.send(request)).status
    except PlatformError as error:
        return type(error)
    finally:
        await ours.aclose()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody signed but itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    try:
        subprocess.run([*command, *names, "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the openssl command is not there to make a certificate")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's side; our side is made to trust it, as it would a real authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    return server


async def test_an_answer_is_brought_back_and_the_request_went_out_whole() -> None:
    async with faulty() as server:
        assert await outcome(create(server.port), server.port) == 200
        (request,) = server.requests
        assert request.startswith(b"POST /api/v1/statuses HTTP/1.1\r\n")
        assert request.endswith(b"\r\n\r\n" + BODY)
        assert f"user-agent: {USER_AGENT}".encode() in request.lower().replace(b"beatline", b"Beatline")


async def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    port = closed_port()
    assert await outcome(create(port), port) is NotSent
    assert await outcome(read(port), port) is NotSent


async def test_a_name_that_leads_nowhere_proves_that_nothing_was_sent() -> None:
    ours = HttpxCarrier()
    with pytest.raises(NotSent):
        await ours.send(Request("POST", "https://nowhere.invalid/", {}, BODY, creates=True))


@pytest.mark.parametrize("fault", LOST_AFTER_WRITING)
async def test_a_create_whose_answer_is_lost_is_unknown_and_a_read_is_tried_again(fault: str) -> None:
    async with faulty(fault) as server:
        assert await outcome(create(server.port), server.port) is Unknown
        assert await outcome(read(server.port), server.port) is NotSent


@pytest.mark.parametrize("fault", LOST_AFTER_WRITING)
async def test_it_is_the_same_over_an_encrypted_connection(fault: str, tls: ssl.SSLContext) -> None:
    async with faulty(fault, tls) as server:
        # Reset before reading breaks the handshake or comes after it: either way nobody may say "not sent" wrongly.
        expected = {Unknown, NotSent} if fault == "reset before reading" else {Unknown}
        assert await outcome(create(server.port, "https", "localhost"), server.port) in expected
        assert await outcome(read(server.port, "https", "localhost"), server.port) is NotSent


@pytest.mark.parametrize("fault", LOST_AFTER_WRITING)
def test_it_is_the_same_on_the_loop_that_workers_run_on(fault: str) -> None:
    async def both() -> tuple[object, object]:
        async with faulty(fault) as server:
            return await outcome(create(server.port), server.port), await outcome(read(server.port), server.port)

    assert uvloop.run(both()) == (Unknown, NotSent)


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("fault", [*LOST_AFTER_WRITING, "ok"])
def test_a_connection_that_ended_is_gone_without_the_collector(
    fault: str, runner: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that meets many faults would fill up with them."""
    made: list[weakref.ref[wire.Wire]] = []

    class Watched(wire.Wire):
        def __init__(self, longest_body: int) -> None:
            super().__init__(longest_body)
            made.append(weakref.ref(self))

    async def ended() -> int:
        async with faulty(fault) as server:
            await outcome(create(server.port), server.port)
            await asyncio.sleep(0)  # the loop lets go of the socket
        return sum(each() is not None for each in made)

    monkeypatch.setattr(lanes, "Wire", Watched)
    gc.disable()
    try:
        assert runner(ended()) == 0
    finally:
        gc.enable()
    assert made


async def test_not_sent_is_only_said_when_the_server_saw_nothing() -> None:
    for fault in LOST_AFTER_WRITING:
        async with faulty(fault) as server:
            result = await outcome(create(server.port), server.port)
            assert not (result is NotSent and server.requests)


async def test_an_encrypted_answer_arrives_whole_however_long_it_is(tls: ssl.SSLContext) -> None:
    body = b'"' + b"x" * 1_500_000 + b'"'
    async with faulty(answer(body).decode(), tls) as server:
        ours = carrier(server.port, timeout=5)
        response = await ours.send(read(server.port, "https", "localhost"))
        assert response.body == body
        await ours.aclose()


async def test_a_certificate_for_another_name_is_not_accepted(tls: ssl.SSLContext) -> None:
    async with faulty("", tls) as server:
        assert await outcome(create(server.port, "https", "127.0.0.1"), server.port) is NotSent
        assert server.requests == []


async def test_a_certificate_that_nobody_signed_is_not_accepted(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with faulty("", tls) as server:
        assert await outcome(create(server.port, "https", "localhost"), server.port) is NotSent
        assert server.requests == []


async def test_a_handshake_that_never_ends_proves_that_nothing_was_sent() -> None:
    async with faulty("never answer") as server:
        ours = HttpxCarrier(frozenset({("localhost", server.port)}), connect_timeout=0.2)
        with pytest.raises(NotSent):
            await ours.send(create(server.port, "https", "localhost"))


async def test_connections_are_used_again_and_a_closed_one_is_noticed() -> None:
    async with faulty() as server:
        ours = carrier(server.port)
        for _ in range(5):
            await ours.send(create(server.port))
        assert server.connections == 1
        await ours.aclose()
    async with faulty("close after each") as server:
        ours = carrier(server.port)
        for _ in range(5):
            assert (await ours.send(create(server.port))).status == 200
            await asyncio.sleep(0.01)
        assert server.connections == 5
        await ours.aclose()


async def test_an_idle_connection_is_not_trusted_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "IDLE_FOR", 0.05)
    async with faulty() as server:
        ours = carrier(server.port)
        await ours.send(create(server.port))
        await asyncio.sleep(0.1)
        await ours.send(create(server.port))
        assert server.connections == 2
        await ours.aclose()


ODD = {
    "word that the answer will come": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(), 200),
    "no length, then closed": (b"HTTP/1.1 200 OK\r\n\r\n{}", 200),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200),
    "nothing in it": (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Unknown),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Unknown),
    "a head without end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 400_000 + b"\r\n", Unknown),
}


@pytest.mark.parametrize("kind", ODD)
async def test_odd_answers_are_read_or_are_unknown(kind: str) -> None:
    said, expected = ODD[kind]
    async with faulty(f"CLOSE {said.decode()}") as server:
        assert await outcome(create(server.port), server.port) == expected


async def test_an_answer_to_nobody_ends_the_connection() -> None:
    """What came twice must not be taken for the answer to the next request."""
    async with faulty((answer(b'{"id": "1"}') + answer(b'{"id": "2"}')).decode()) as server:
        ours = carrier(server.port)
        for _ in range(3):
            assert (await ours.send(create(server.port))).body == b'{"id": "1"}'
        assert server.connections == 3
        await ours.aclose()


async def test_a_long_request_that_is_still_being_taken_is_not_given_up() -> None:
    async with faulty("slow reader") as server:
        ours = HttpxCarrier(frozenset({("127.0.0.1", server.port)}), timeout=0.6, connect_timeout=30)
        request = Request("POST", f"http://127.0.0.1:{server.port}/x", {}, b"x" * 8_000_000, creates=True)
        assert (await ours.send(request)).status == 200
        assert len(server.requests[0]) > 8_000_000
        await ours.aclose()


async def test_warm_connections_are_there_when_they_are_needed() -> None:
    async with faulty() as server:
        ours = carrier(server.port)
        await ours.warm(f"http://127.0.0.1:{server.port}", 3)
        assert (server.connections, server.requests) == (3, [])
        await asyncio.gather(*(ours.send(create(server.port)) for _ in range(3)))
        assert server.connections == 3
        await ours.aclose()


async def test_warming_goes_where_sending_may_go_and_says_nothing_of_failures() -> None:
    async with faulty() as server:
        ours = HttpxCarrier()
        for address in (f"http://127.0.0.1:{server.port}", f"https://127.0.0.1:{server.port}", "https://exa mple"):
            await ours.warm(address, 2)
        assert server.connections == 0
        await carrier(server.port).warm(f"http://127.0.0.1:{closed_port()}", 2)
        await ours.aclose()


async def test_when_every_connection_is_busy_waiting_ends_as_not_sent() -> None:
    async with faulty("never answer") as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        ours = HttpxCarrier(allowed, timeout=0.4, connections=1, connect_timeout=0.1)
        first = asyncio.create_task(ours.send(create(server.port)))
        await asyncio.sleep(0.05)
        with pytest.raises(NotSent):
            await ours.send(create(server.port))
        with pytest.raises(Unknown):
            await first


async def test_a_cancelled_send_gives_its_turn_back() -> None:
    async with faulty("never answer") as server:
        allowed = frozenset({("127.0.0.1", server.port)})
        ours = HttpxCarrier(allowed, timeout=20, connections=1)
        for number in range(1, 4):
            task = asyncio.create_task(ours.send(create(server.port)))
            async with asyncio.timeout(10):  # it never comes where the turn was not given back
                while len(server.requests) < number:  # noqa: ASYNC110 - the server is a list, not an event
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_slow_server_does_not_hold_up_another() -> None:
    async with many("never answer", "") as (slow, quick):
        allowed = frozenset({("127.0.0.1", slow.port), ("127.0.0.1", quick.port)})
        ours = HttpxCarrier(allowed, timeout=1.0, connections=2)
        stuck = [asyncio.create_task(ours.send(create(slow.port))) for _ in range(4)]
        await asyncio.sleep(0.05)
        await ours.send(create(quick.port))
        assert not any(task.done() for task in stuck)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        await ours.aclose()


def moved(to: str) -> str:
    return answer(b"", "302 Found", f"Location: {to}").decode()


async def test_a_create_is_never_sent_on_to_another_place() -> None:
    async with faulty() as there, faulty(moved(f"http://127.0.0.1:{there.port}/x")) as here:
        ours = HttpxCarrier(frozenset({("127.0.0.1", here.port), ("127.0.0.1", there.port)}))
        assert (await ours.send(create(here.port))).status == 302
        assert there.requests == []
        await ours.aclose()


async def test_a_read_is_followed_and_our_permission_stays_at_home() -> None:
    async with faulty() as there, faulty(moved(f"http://127.0.0.1:{there.port}/x")) as here:
        ours = HttpxCarrier(frozenset({("127.0.0.1", here.port), ("127.0.0.1", there.port)}))
        assert (await ours.send(read(here.port))).status == 200
        secret = Request("GET", f"http://127.0.0.1:{here.port}/", {"Authorization": "Bearer t0ken"})
        assert (await ours.send(secret)).status == 302
        assert not any(b"t0ken" in request for request in there.requests)
        await ours.aclose()


async def test_a_redirect_into_a_private_network_is_refused() -> None:
    async with faulty() as there, faulty(moved(f"http://127.0.0.1:{there.port}/x")) as here:
        ours = carrier(here.port)
        with pytest.raises(Refused) as no:
            await ours.send(read(here.port))
        assert no.value.refusal is Refusal.FORBIDDEN
        assert there.connections == 0
        await ours.aclose()


async def test_a_read_that_is_sent_round_in_circles_ends() -> None:
    async with faulty(moved("/again")) as server:
        assert await outcome(read(server.port), server.port) == 302
        assert len(server.requests) == 4


async def test_a_header_that_cannot_be_is_refused_before_anything_is_sent() -> None:
    async with faulty() as server:
        ours = carrier(server.port)
        for value in ("Bearer t\u00f8ken", "Bearer a\r\nX-Evil: 1"):
            with pytest.raises(Refused):
                await ours.send(Request("GET", f"http://127.0.0.1:{server.port}/", {"Authorization": value}))
        assert server.requests == []


@pytest.fixture
async def town() -> AsyncIterator[Faulty]:
    made = b'{"id": "01J", "url": "https://town.example/@h/1", "created_at": "2026-06-01T09:00:00Z"}'
    async with faulty(answer(made).decode()) as server:
        yield server


async def test_an_exchange_is_carried_from_end_to_end(town: Faulty) -> None:
    ours = carrier(town.port)
    address = Address(Platform.MASTODON, f"http://127.0.0.1:{town.port}", "7")
    published = await carry(ours, mastodon.publish(address, TOKEN, DRAFT))
    assert isinstance(published, Published)
    assert published.remote_id == "01J"
    assert b"idempotency-key: d-1" in town.requests[0].lower()
    await ours.aclose()


async def test_what_goes_wrong_on_the_way_reaches_the_exchange_first() -> None:
    port = closed_port()
    ours = carrier(port)
    address = Address(Platform.MASTODON, f"http://127.0.0.1:{port}", "7")
    with pytest.raises(NotSent):
        await carry(ours, mastodon.publish(address, TOKEN, DRAFT))


async def test_something_large_may_take_longer_to_bring_up_than_a_line_to_be_answered() -> None:
    """The server takes a picture in small bites; each alone is quick, all together are longer than our patience."""
    body = bytes(range(256)) * 12_000
    arrived = 0

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await reader.readuntil(b"\r\n\r\n")
        while arrived < len(body):
            arrived += len(await reader.read(60_000))
            await asyncio.sleep(0.008)
        writer.write(answer())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(slowly, "127.0.0.1", 0, limit=60_000)
    port = server.sockets[0].getsockname()[1]
    up = Request("POST", f"http://127.0.0.1:{port}/api/v2/media", {}, body)
    assert (await outcome(up, port), arrived) == (200, len(body))
    server.close()


async def test_what_is_being_made_ready_is_asked_for_after_a_while() -> None:
    waited: list[float] = []

    class Counting:
        async def send(self, request: Request) -> Response:
            waited.append(asyncio.get_running_loop().time())
            return Response(200, {}, b"")

    def asking() -> Exchange[int]:
        first = yield Request("GET", "https://town.example/1")
        second = yield Request("GET", "https://town.example/2", after=0.05)
        return first.status + second.status

    assert await carry(Counting(), asking()) == 400
    assert waited[1] - waited[0] >= 0.05
