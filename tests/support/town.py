"""The practice town as a real process on a real socket."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
FORCE = ("sandfordvale", "sandfordnorth", "ashcombevillages", "wexleypolice", "wexleytown")
KEY = "trainer"
TLS = ssl.create_default_context()  # never used here, but making one for each client takes longer than most tests


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningTown:
    """A town that can be spoken to, broken, stopped and started again at the same address."""

    module = "workers.town"
    usual: Mapping[str, object] = {"scenario": "empty", "pace": "still"}

    def __init__(self, folder: Path, options: Mapping[str, object], people: tuple[str, ...] = FORCE) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = KEY
        self.tokens = {handle: f"token-{handle}" for handle in people}
        self.data = folder / "town.sqlite3"
        self._tokens_file = folder / "tokens.json"
        self._tokens_file.write_text(json.dumps(self.tokens))
        self._options = {**self.usual, "data": self.data, **options}
        self._client = httpx.AsyncClient(base_url=self.url, headers={"X-Town-Key": KEY}, timeout=20, verify=TLS)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._options.items()]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", self.module, "--port", str(self.port), "--key", KEY),
            *("--tokens-file", str(self._tokens_file), *options),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        ready = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert ready.startswith(b"Practice town: "), "The practice town did not start."

    async def stop(self) -> None:
        """Leaves politely."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """Falls over in the middle of whatever it was doing."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()

    async def close(self) -> None:
        await self._client.aclose()
        await self.kill()

    def client(self, handle: str = "sandfordnorth") -> httpx.AsyncClient:
        """Speaks the Mastodon API as this account; the caller closes it."""
        headers = {"Authorization": f"Bearer {self.tokens[handle]}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=TLS)

    async def control(self, method: str, path: str, **more: Any) -> Any:
        answer = await self._client.request(method, f"/town{path}", **more)
        answer.raise_for_status()
        return answer.json()

    async def say(self, who: str, text: str, **more: Any) -> dict[str, Any]:
        """A resident writes: in_reply_to_id, visibility, to, language."""
        said: dict[str, Any] = await self.control("POST", "/say", json={"who": who, "text": text, **more})
        return said

    async def edit(self, status_id: str, text: str) -> None:
        await self.control("PUT", f"/statuses/{status_id}", json={"text": text})

    async def delete(self, status_id: str) -> None:
        await self.control("DELETE", f"/statuses/{status_id}")

    async def posts(self, account: str | None = None, source: str | None = None) -> list[dict[str, Any]]:
        """Everything that was ever committed, oldest first, doubled and deleted ones too."""
        wanted = {"account": account, "source": source}
        params = {name: value for name, value in wanted.items() if value}
        found: list[dict[str, Any]] = await self.control("GET", "/statuses", params=params)
        return found

    async def shares(self, account: str) -> list[dict[str, Any]]:
        """What it only passed on, each time that it did."""
        found: list[dict[str, Any]] = await self.control(
            "GET", "/statuses", params={"account": account, "shares": "yes"}
        )
        return found

    async def faults(self, *rules: Mapping[str, object], **switches: object) -> None:
        """Replaces all faults; without arguments everything works again."""
        await self.control("PUT", "/faults", json={"rules": list(rules), "switches": switches})

    async def faults_of(self, account: str, *rules: Mapping[str, object]) -> None:
        """Replaces those that strike this account only; everybody else's go on as they were."""
        await self.control("PUT", "/faults", json={"rules": list(rules)}, params={"account": account})

    async def revoke(self, account: str) -> None:
        await self.control("POST", "/revoke", json={"account": account})

    async def reset(self) -> None:
        await self.control("POST", "/reset")


@contextlib.asynccontextmanager
async def running_town(people: tuple[str, ...] = FORCE, **options: object) -> AsyncIterator[RunningTown]:
    """Options are those of the command line: scenario, pace, seed, speed, rate_limit, data…"""
    with tempfile.TemporaryDirectory() as folder:
        town = RunningTown(Path(folder), options, people)
        try:
            await town.start()
            yield town
        finally:
            await town.close()
