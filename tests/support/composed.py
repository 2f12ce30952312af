"""compose.yaml without Docker: each service's command as a process, its names, volumes and secrets on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.installation import Installation, Running
from tests.support.town import ROOT, free_port

VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
IMAGE = "beatline"
SERVED = 8000


def services(file: Path = ROOT / "compose.yaml", **given: str) -> dict[str, Any]:
    """As Docker reads it: variables filled in, anchors merged."""
    return dict(whole(file, **given)["services"])


def whole(file: Path = ROOT / "compose.yaml", **given: str) -> dict[str, Any]:
    text = VARIABLE.sub(lambda match: given.get(match[1], match[2]), file.read_text())
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def in_order(described: dict[str, Any]) -> list[str]:
    """Each after what it depends on."""
    ordered: list[str] = []

    def place(name: str) -> None:
        for before in described[name].get("depends_on", ()):
            place(before)
        if name not in ordered:
            ordered.append(name)

    for name in described:
        place(name)
    return ordered


@dataclass
class Composed:
    """`servers`: where PostgreSQL and Redis are, in the place of the services that would start them."""

    installation: Installation
    described: dict[str, Any]
    servers: dict[str, str]
    ports: dict[str, int]

    @classmethod
    def over(cls, installation: Installation, servers: dict[str, str], gateway: int, **given: str) -> "Composed":
        described = services(BEATLINE_BASE_URL=f"http://127.0.0.1:{gateway}", BEATLINE_SUBNET="127.0.0.1/32", **given)
        ports = {name: free_port() for name in described} | {"gateway": gateway}
        secrets = installation.folder / "secrets"
        secrets.mkdir()
        for name in whole()["secrets"]:
            (secrets / name).write_text(f"only for tests {name} " * 3)
        return cls(installation, described, servers, ports)

    async def up(self) -> None:
        for name in in_order(self.described):
            service = self.described[name]
            if service.get("build") is None and name != "gateway":
                continue  # PostgreSQL and Redis are there already
            if service.get("restart") == "no":
                self.installation.env = self.env(name)
                await self.installation.beatline(*service["command"])
            else:
                await self.start(name)
        # What an administrator types is typed into the container of the slow work.
        self.installation.env = self.env("slow")

    async def start(self, name: str) -> Running:
        address = f"http://127.0.0.1:{self.ports[name]}" if self.serves(name) or name == "gateway" else ""
        running = await self.installation.start_any(name, self.command(name), address, **self.env(name))
        if address:
            await running.ready()
        return running

    def serves(self, name: str) -> bool:
        return self.described[name].get("command", [""])[0] == "serve"

    def command(self, name: str) -> tuple[str, ...]:
        given = [self.here(name, part) for part in self.described[name]["command"]]
        if name == "gateway":
            return tuple(given)
        if self.serves(name):
            given[given.index("0.0.0.0")] = "127.0.0.1"
            given += ["--port", str(self.ports[name])]
        return self.installation.command(*given)

    def env(self, name: str) -> dict[str, str]:
        """The service's own environment; servers, folders and ports are this machine's."""
        described = {key: str(value) for key, value in self.described[name].get("environment", {}).items()}
        env = {key: self.here(name, value) for key, value in described.items()} | {
            key: value for key, value in self.servers.items() if key in described
        }
        if name == "gateway":
            upstreams = {f"BEATLINE_{each.upper()}": f"127.0.0.1:{port}" for each, port in self.ports.items()}
            return env | upstreams | {"BEATLINE_SITE": f":{self.ports[name]}", "HOME": str(self.place("tmp", name))}
        secrets = {"BEATLINE_SECRETS_DIR": str(self.installation.folder / "secrets")}
        return env | {"BEATLINE_METRICS_PORT": "0"} | (secrets if self.described[name].get("secrets") else {})

    def here(self, name: str, value: str) -> str:
        """A path in the container, where this machine has what is mounted there; else it stays one that is not there."""
        for volume in self.described[name].get("volumes", ()):
            source, target = volume.split(":")[:2]
            if value == target or value.startswith(f"{target}/"):
                place = ROOT / source if source.startswith("./") else self.place("volumes", source)
                return str(place) + value.removeprefix(target)
        return str(self.place("tmp", name)) if value == "/tmp" else value

    def place(self, *parts: str) -> Path:
        folder = self.installation.folder.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def health_check(self, name: str) -> tuple[str, ...]:
        """What Docker would run inside."""
        kind, *test = self.described[name]["healthcheck"]["test"]
        assert kind == "CMD"
        here = [part.replace(f":{SERVED}/", f":{self.ports[name]}/") for part in test]
        return self.installation.command(*here[1:]) if here[0] == IMAGE else (self.installation.command()[0], *here[1:])


def upstreams(caddyfile: str) -> dict[str, str]:
    """Which service each part of the address space goes to."""
    return dict(re.findall(r"reverse_proxy \{\$(\w+):(\w+):8000\}", caddyfile))
