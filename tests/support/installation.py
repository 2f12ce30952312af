"""A whole installation as somebody would run it: the command line, processes, and what they said when one fell."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import httpx
from sqlalchemy import make_url

from tests.support import forked
from tests.support.town import ROOT, RunningTown, free_port

T = TypeVar("T")
QUICK = {
    "BEATLINE_POLL_INTERVAL": "0.5", "BEATLINE_DISPATCH_INTERVAL": "0.1", "BEATLINE_DRAIN": "5",
    "BEATLINE_LOG_LEVEL": "WARNING", "BEATLINE_LOOK_AHEAD": "2",
}  # fmt: skip


class Fell(AssertionError):
    """A command or a process ended otherwise than it should; with what it said."""


@dataclass
class Running:
    name: str
    process: asyncio.subprocess.Process
    log: Path
    address: str = ""

    async def ready(self, within: float = 40) -> None:
        """Waits for /readyz, and does not wait for what has fallen."""
        async with httpx.AsyncClient(timeout=2) as client:
            await until(lambda: self._answers(client), within, lambda: f"{self.name} is not ready:\n{self.said()}")

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        if self.process.returncode is not None:
            raise Fell(f"{self.name} ended with {self.process.returncode}:\n{self.said()}")
        with suppress(httpx.HTTPError):
            return (await client.get(f"{self.address}/readyz")).status_code == 200
        return False

    async def stop(self, within: float = 25) -> float:
        """Asks it to leave, expects that it does so with exit code 0, and says how many seconds it took."""
        began = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            self.process.kill()
            raise Fell(f"{self.name} did not stop in {within:.0f} s:\n{self.said()}") from None
        if code:
            raise Fell(f"{self.name} ended with {code}:\n{self.said()}")
        return time.monotonic() - began

    def said(self) -> str:
        return self.log.read_text()[-4000:]


@dataclass
class Installation:
    """`options` come before every command: `--data DIR` for an embedded one."""

    folder: Path
    town: RunningTown
    env: Mapping[str, str]
    options: tuple[str, ...] = ()
    running: list[Running] = field(default_factory=list)

    async def beatline(self, *command: str, given: str = "") -> str:
        """What a command printed; what it complained about when it failed."""
        code, printed, complaint = await forked.beatline((*self.options, *command), self.environment(), given)
        if code:
            raise Fell(f"beatline {' '.join(command)} ended with {code}: {complaint[-2000:]}")
        return printed.strip()

    async def start(self, name: str, *command: str, address: str = "", **env: str) -> Running:
        """A process that stays, with its own log; `address` where it serves."""
        return await self.start_any(name, self.command(*command), address, **env)

    async def serve(self, name: str = "serve", *options: str) -> Running:
        """On a free port; `ready` waits for it."""
        port = free_port()
        env = {"BEATLINE_BASE_URL": f"http://127.0.0.1:{port}"}
        return await self.start(name, "serve", "--port", str(port), *options, address=env["BEATLINE_BASE_URL"], **env)

    async def start_any(self, name: str, command: tuple[str, ...], address: str = "", **env: str) -> Running:
        log = self.folder / f"{name}.log"
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=self.environment() | env, stdout=stream, stderr=stream
            )
        self.running.append(Running(name, process, log, address))
        return self.running[-1]

    async def stop(self) -> dict[str, float]:
        """Everything, all at once, politely; how long each took."""
        stopping, self.running = self.running, []
        took = await asyncio.gather(*(each.stop() for each in stopping))
        return {each.name: seconds for each, seconds in zip(stopping, took, strict=True)}

    def kill(self) -> None:
        """Nothing that was started here is left behind, whatever happened."""
        for each in self.running:
            with suppress(ProcessLookupError):
                each.process.kill()

    def command(self, *command: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "beatline", *self.options, *command)

    def environment(self) -> dict[str, str]:
        """Nothing of ours from outside."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BEATLINE_")}
        host = self.town.url.removeprefix("http://")
        ours = {"BEATLINE_ALLOW_PRIVATE_HOSTS": host, "BEATLINE_PRACTICE_HOSTS": host}
        return kept | {"PYTHONPATH": str(ROOT)} | QUICK | ours | dict(self.env)


@asynccontextmanager
async def embedded(folder: Path, town: RunningTown) -> AsyncIterator[Installation]:
    """SQLite and the queue in the process: nothing but Python."""
    installation = Installation(folder, town, {}, ("--data", str(folder / "data")))
    try:
        await installation.beatline("migrate")
        await (await installation.serve()).ready()
        yield installation
        await installation.stop()
    finally:
        installation.kill()


@asynccontextmanager
async def apart(folder: Path, town: RunningTown, database_url: str, redis_url: str) -> AsyncIterator[Installation]:
    """PostgreSQL, Redis, and each kind of work in a process of its own."""
    async with a_database(database_url) as own:
        installation = Installation(folder, town, servers(folder, own, redis_url))
        try:
            await installation.beatline("migrate")
            served = await installation.serve()
            for queue in ("send", "poll", "slow"):
                await installation.start(f"work-{queue}", "work", "--queues", queue)
            await served.ready()
            yield installation
            await installation.stop()
        finally:
            installation.kill()


def servers(folder: Path, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "BEATLINE_DATABASE_URL": database_url, "BEATLINE_REDIS_URL": redis_url,
        "BEATLINE_DATA_DIR": str(folder / "data"), "BEATLINE_SECRET_KEY": "a key for tests only " * 3,
    }  # fmt: skip


@asynccontextmanager
async def a_database(server_url: str) -> AsyncIterator[str]:
    """An empty one, gone afterwards."""
    url = make_url(server_url)
    name = f"{url.database}_{uuid4().hex[:8]}"
    await _tell(server_url, f'CREATE DATABASE "{name}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        await _tell(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _tell(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def until(
    true: Callable[[], Awaitable[T]], within: float = 15, otherwise: Callable[[], str] = lambda: "It did not happen."
) -> T:
    """Asks again and again until the answer is something, and hands it over."""
    deadline = time.monotonic() + within
    while not (found := await true()):
        if time.monotonic() > deadline:
            raise Fell(otherwise())
        await asyncio.sleep(0.05)
    return found


@dataclass(frozen=True)
class Office:
    """A force that was just set up: one team, one neighbourhood, somebody of the team, its account in the town."""

    api: httpx.AsyncClient
    """As PCSO Alice Marsh."""
    team_id: str
    neighbourhood_id: str
    account_id: str
    handle: str
    password_link: str

    async def get(self, path: str, **query: Any) -> Any:
        return _body(await self.api.get(path, params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        return _body(await self.api.post(path, json=body))

    async def until(self, path: str, true: Callable[[Any], Any], within: float = 15) -> Any:
        """What `true` finds in the answer, as soon as it finds something."""
        seen: list[Any] = [None]

        async def look() -> Any:
            seen[0] = await self.get(path)
            return true(seen[0])

        return await until(look, within, lambda: f"Still {json.dumps(seen[0])[:3000]}")


def _body(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise Fell(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:1000]}")
    return answer.json()


@asynccontextmanager
async def an_office(installation: Installation, address: str, handle: str = "sandfordnorth") -> AsyncIterator[Office]:
    """Set up by the command line, as the README says."""
    beatline = installation.beatline
    await beatline(
        *("force", "add", "--name", "Sandford and Gloucestershire Vale Police", "--short-name", "Sandford"),
        *("--police-uk-id", "sandford-vale"),
    )
    team = json.loads(await beatline("team", "add", "--name", "Sandford North", "--json"))

    async def a_person(email: str, name: str, *role: str) -> tuple[str, str]:
        added = json.loads(await beatline("person", "add", "--email", email, "--name", name, *role, "--json"))
        token = await beatline("token", "create", "--person", email, "--name", "Story", "--all-scopes")
        return token, added["link"]

    (alice, link), (sam, _), connected = await asyncio.gather(
        a_person(
            "alice.marsh@sandfordvale.example", "PCSO Alice Marsh", "--role", "team_member", "--team", "Sandford North"
        ),
        a_person("sam.birch@sandfordvale.example", "Sam Birch", "--role", "admin"),
        beatline(
            *("account", "connect", "mastodon", "--team", "Sandford North", "--instance", installation.town.url),
            *("--token-stdin", "--json"),
            given=installation.town.tokens[handle] + "\n",
        ),
    )
    account = json.loads(connected)
    async with _calling(address, sam) as admin:
        made = _body(
            await admin.post(
                "/neighbourhoods", json={"team_id": team["id"], "police_uk_id": "MQ", "name": "Mill Lane & Quays"}
            )
        )
    async with _calling(address, alice) as api:
        yield Office(api, team["id"], made["id"], account["id"], account["handle"], link)


def _calling(address: str, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    return httpx.AsyncClient(base_url=f"{address}/api/v1", headers=headers, timeout=20)
