"""compose.yaml says what it should, and what it starts works together: every command as a process, behind Caddy."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.main import SERVICES
from tests.stories.the_loop import ours, told
from tests.support import means
from tests.support.composed import Composed, in_order, services, upstreams, whole
from tests.support.installation import Installation, a_database, an_office, until
from tests.support.town import ROOT, RunningTown, free_port, running_town
from workers.queue import QUEUES

pytestmark = pytest.mark.slow
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text()
BEATLINE = {name: each for name, each in services().items() if each["image"] == "beatline"}
STANDING = {name: each for name, each in BEATLINE.items() if name != "migrate"}


@pytest.mark.parametrize("name", [*BEATLINE, "gateway"])
def test_our_containers_hold_nothing_and_may_nothing(name: str) -> None:
    service = services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [name for name in services() if name not in ("migrate", "gateway")])
def test_every_service_tells_whether_it_is_well(name: str) -> None:
    assert services()[name]["healthcheck"]["test"][0] == "CMD"


def test_only_the_gateway_can_be_reached_from_outside() -> None:
    assert [name for name, each in services().items() if each.get("ports")] == ["gateway"]
    assert whole()["networks"]["inside"]["internal"] is True


def test_only_workers_reach_the_network_and_only_workers_get_the_keys() -> None:
    for name, each in BEATLINE.items():
        works = each["command"][0] == "work"
        assert ("outside" in each["networks"]) == works, name
        assert any(":/run/keys" in volume for volume in each.get("volumes", ())) == (works or name == "migrate"), name


def test_whoever_takes_files_in_sends_them_or_clears_them_away_has_them() -> None:
    holds = {name for name, each in BEATLINE.items() if any(":/run/media" in volume for volume in each["volumes"])}
    assert holds == {"posts", "web", "send", "slow"}


def test_secrets_are_files_and_stand_nowhere_else() -> None:
    names = set(whole()["secrets"])
    for each in BEATLINE.values():
        assert set(each["secrets"]) == names
        assert not [key for key in each["environment"] if key.endswith(("PASSWORD", "SECRET_KEY"))]
    assert services()["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/beatline_database_password"
    ignored = (ROOT / ".gitignore").read_text().split()
    assert "secrets/" in ignored or "/secrets/" in ignored or "/secrets" in ignored


def test_everything_is_served_once_and_every_queue_is_worked() -> None:
    served = [name for each in STANDING.values() for name in _option(each, "--services")]
    assert sorted(served) == sorted([*SERVICES, "web"])
    assert sorted(name for each in STANDING.values() for name in _option(each, "--queues")) == sorted(QUEUES)


def test_each_route_goes_to_the_service_that_has_it() -> None:
    """What Caddy does not send elsewhere goes to `rest`."""
    by_name = {name: each for name, each in STANDING.items() if each["command"][0] == "serve"}
    assert set(upstreams(CADDYFILE).values()) == set(by_name)
    matchers = dict(re.findall(r"@(\w+) path (.+)", CADDYFILE))
    for name, each in by_name.items():
        for router in (router for service in _option(each, "--services") for router in SERVICES.get(service, ())):
            there = [other for other, paths in matchers.items() if f"{router.prefix}*" in paths.split()]
            assert there == ([] if name == "rest" else [name]), router.prefix


def test_nothing_starts_before_the_database_is_migrated() -> None:
    for name, each in STANDING.items():
        assert each["depends_on"]["migrate"]["condition"] == "service_completed_successfully", name
    order = in_order(services())
    assert order.index("postgres") < order.index("migrate") < order.index("send")
    assert "migrate, then the workers, then the api" in (ROOT / "compose.yaml").read_text()


def _option(service: Any, name: str) -> list[str]:
    command = service["command"]
    return command[command.index(name) + 1].split(",") if name in command else []


needs_servers = pytest.mark.skipif(
    not (means.DATABASE_URL and means.REDIS_URL and means.CADDY),
    reason="no PostgreSQL, no Redis or no Caddy: see what was left out",
)


@pytest.fixture
async def town() -> AsyncIterator[RunningTown]:
    async with running_town() as town:
        yield town


@pytest.fixture
async def composed(tmp_path: Path, town: RunningTown) -> AsyncIterator[Composed]:
    async with a_database(means.DATABASE_URL) as database:
        installation = Installation(tmp_path, town, {})
        host = town.url.removeprefix("http://")
        where = {"BEATLINE_DATABASE_URL": database, "BEATLINE_REDIS_URL": means.REDIS_URL}
        composed = Composed.over(
            installation, where, free_port(), BEATLINE_ALLOW_PRIVATE_HOSTS=host, BEATLINE_PRACTICE_HOSTS=host
        )
        try:
            await composed.up()
            yield composed
        finally:
            installation.kill()


@needs_servers
async def test_the_whole_loop_runs_through_the_gateway_and_leaves_politely(
    composed: Composed, town: RunningTown
) -> None:
    gateway = f"http://127.0.0.1:{composed.ports['gateway']}"
    async with an_office(composed.installation, gateway) as office:
        await told(office, town)
        page = await office.api.get(f"{gateway}/sign-in")
        assert (page.status_code, "Sign in" in page.text) == (200, True)
        described = (await office.api.get(f"{gateway}/api/openapi.json")).json()
        assert "/api/v1/posts" in described["paths"]
        for name in STANDING:
            await _is_well(composed, name)

        # A worker that is told to stop while an answer is under way waits for it.
        await town.faults(
            {"kind": "slow_after", "method": "POST", "path": "/api/v1/statuses", "seconds": 2.0, "next": 1}
        )
        post = await office.post(
            "/posts",
            {
                "team_id": office.team_id, "text": "Road closed.", "account_ids": [office.account_id],
                "publish_at": datetime.now(UTC).isoformat(),
            },
        )  # fmt: skip

        async def is_there() -> bool:
            return any(each["text"] == "Road closed." for each in await ours(town))

        await until(is_there)
        sender = next(each for each in composed.installation.running if each.name == "send")
        assert await sender.stop() < 20
        seen = await office.get(f"/posts/{post['id']}")
        assert [each["state"] for each in seen["deliveries"]] == ["sent"]
    took = await composed.installation.stop()
    assert set(took) == {*STANDING, "gateway"}
    assert max(took.values()) < 20
    private = [each for each in composed.place("volumes", "keys").iterdir() if each.suffix != ".pub"]
    assert all(each.stat().st_mode & 0o077 == 0 for each in private)


async def _is_well(composed: Composed, name: str) -> None:
    env = composed.installation.environment() | composed.env(name)
    process = await asyncio.create_subprocess_exec(
        *composed.health_check(name),
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, f"{name} is not well: {said.decode()}"
