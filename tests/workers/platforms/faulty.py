"""A real server on a real socket that misbehaves as it is told, over plain and encrypted connections."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

OK = b'{"id": "1"}'


def answer(body: bytes = OK, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Faulty:
    """Counts what arrived, so that a test can say what the sender cannot know."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.fault == "reset before reading":
                _reset(writer)
                return
            while request := await _request(reader, slowly=self.fault == "slow reader"):
                self.requests.append(request)
                if not await self._answer(writer):
                    return
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        match self.fault:
            case "reset after reading":
                _reset(writer)
                return False
            case "close after reading":
                return False
            case "drop mid-answer":
                writer.write(answer(b'{"id": "1", "content": "' + b"x" * 100)[:-60])
                await writer.drain()
                return False
            case "never answer":
                await asyncio.sleep(30)
                return False
            case "drip":
                for byte in answer():
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.05)
            case "garbage":
                writer.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
            case "too long":
                writer.write(answer(b'"' + b"x" * 3_000_000 + b'"'))
            case "close after each":
                writer.write(answer())
                await writer.drain()
                return False
            case text if text.startswith("CLOSE "):
                writer.write(text.removeprefix("CLOSE ").encode())
                await writer.drain()
                return False
            case text if text.startswith("HTTP"):
                writer.write(text.encode())
            case _:
                writer.write(answer())
        await writer.drain()
        return True


@asynccontextmanager
async def faulty(fault: str = "", tls: ssl.SSLContext | None = None) -> AsyncIterator[Faulty]:
    behaviour = Faulty(fault)
    server = await asyncio.start_server(behaviour.serve, "127.0.0.1", 0, ssl=tls)
    behaviour.port = server.sockets[0].getsockname()[1]
    try:
        yield behaviour
    finally:
        server.close()


@asynccontextmanager
async def many(*faults: str) -> AsyncIterator[list[Faulty]]:
    running = [faulty(fault) for fault in faults]
    servers = [await each.__aenter__() for each in running]
    try:
        yield servers
    finally:
        for each in running:
            await each.__aexit__(None, None, None)


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST rather than FIN: the other side is told that the connection is broken."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _request(reader: asyncio.StreamReader, *, slowly: bool = False) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    parts, missing = [head], length
    while missing:
        parts.append(await reader.read(min(missing, 500_000)))
        missing -= len(parts[-1])
        await asyncio.sleep(0.01 if slowly else 0)
        if not parts[-1]:
            raise asyncio.IncompleteReadError(b"", missing)
    return b"".join(parts)
