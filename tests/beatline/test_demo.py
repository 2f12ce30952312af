"""One command, a usable page, and nothing left behind."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from api.access.service import SCOPES
from tests.support.command import Demo, child_of, is_running, told
from tests.support.town import free_port

ROLES = {"contributor", "team_member", "supervisor", "comms", "contact_desk", "records", "admin", "stranger"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One for all tests here that leave it running."""
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.welcome = demo.ready()  # type: ignore[attr-defined]
    yield demo
    demo.end()


def api(demo: Demo) -> httpx.Client:
    headers = {"Authorization": f"Bearer {demo.written['token']}"}
    return httpx.Client(base_url=f"{demo.written['url']}/api/v1", headers=headers, timeout=10)


def test_the_last_line_says_where_and_as_whom(demo: Demo) -> None:
    ash = demo.written["people"]["team_member"]
    assert demo.welcome == (  # type: ignore[attr-defined]
        f"Open http://127.0.0.1:{demo.port} and sign in as ash.okafor@sandfordvale.example, password {ash['password']}"
    )


def test_what_it_writes_down_is_for_its_owner_and_names_everybody(demo: Demo) -> None:
    assert (demo.data / "demo.json").stat().st_mode & 0o777 == 0o600
    assert set(demo.written) == {"url", "town_url", "token", "people"}
    assert set(demo.written["people"]) == ROLES


@pytest.mark.parametrize("role", sorted(ROLES))
def test_everybody_can_sign_in(demo: Demo, role: str) -> None:
    person = demo.written["people"][role]
    with httpx.Client(
        base_url=demo.written["url"], follow_redirects=True, headers={"Sec-Fetch-Site": "same-origin"}
    ) as browser:
        page = browser.post("/sign-in", data={"email": person["email"], "password": person["password"]})
        assert page.status_code == 200
        assert page.url.path != "/sign-in"


def test_the_token_has_every_scope_and_its_person_can_use_them(demo: Demo) -> None:
    with api(demo) as client:
        me = client.get("/me").json()
        assert set(me["scopes"]) == set(SCOPES)
        for path in ("accounts", "posts", "schedules", "deliveries", "questions", "priorities", "people", "tokens"):
            assert client.get(f"/{path}").json()["items"], path


def test_it_holds_the_week_of_one_force_and_shows_the_other_nothing_of_it(demo: Demo) -> None:
    with api(demo) as client:
        accounts = client.get("/accounts").json()["items"]
        assert [each["handle"] for each in accounts] == [
            "sandfordvale@town.example", "ashcombevillages@town.example", "sandfordnorth@town.example",
        ]  # fmt: skip
        assert all(each["practice"] for each in accounts)
        planned = [each for each in client.get("/schedules").json()["items"] if each["state"] == "active"]
        assert len(planned) == 12
        assert not any("{" in each["text"] for each in planned)
        question = client.get("/questions").json()["items"][0]
        assert (question["state"], len(question["post_ids"])) == ("open", 2)
    with closing(sqlite3.connect(demo.data / "beatline.db")) as database:
        forces = dict(
            database.execute(
                "SELECT police_uk_id, count(*) FROM standard_posts JOIN forces ON forces.id = force_id GROUP BY 1"
            )
        )
    assert forces == {"sandford-and-gloucestershire-vale": 60, "wexley": 60}


def test_another_account_can_be_connected_while_it_runs(demo: Demo) -> None:
    token = _token_of(demo, "sandfordnorth")
    said = told(
        "account", "connect", "mastodon", "--data", demo.data, "--team", "Sandford North", "--json",
        "--instance", demo.written["town_url"], "--token-stdin", given=f"{token}\n",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert '"handle": "sandfordnorth@town.example"' in said.stdout


def _token_of(demo: Demo, handle: str) -> str:
    return str(json.loads((demo.data / "town-tokens.json").read_text())[handle])


def test_a_second_one_on_the_same_folder_is_refused_in_words(demo: Demo) -> None:
    said = told("demo", "--data", demo.data, "--port", 0, "--town-port", 0)
    assert said.returncode == 1
    assert said.stderr.startswith("Another Beatline is already running on ")
    assert "Traceback" not in said.stderr


def test_a_taken_port_is_said_before_anything_is_made(demo: Demo, tmp_path: Path) -> None:
    for option, port in (("--port", demo.port), ("--town-port", demo.town_port)):
        other = "--town-port" if option == "--port" else "--port"
        said = told("demo", "--data", tmp_path / "new", option, port, other, 0)
        assert said.returncode == 1
        assert said.stderr == (
            f"Port {port} on 127.0.0.1 is taken. Stop what runs there, or use another one: {option} NUMBER\n"
        )
        assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/proc", os.R_OK), reason="there is no /proc here")
def test_a_folder_that_cannot_be_made_is_said() -> None:
    said = told("demo", "--data", "/proc/nothing/here", "--port", 0, "--town-port", 0)
    assert said.returncode == 1
    assert said.stderr.startswith("The folder /proc/nothing/here cannot be made")
    assert said.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_second_start_keeps_everything_at_other_ports_too_and_fresh_starts_over(tmp_path: Path) -> None:
    first = Demo(tmp_path)
    first.ready()
    before, account = first.written, _accounts(first)
    first.stop()
    second = Demo(tmp_path, town_port=free_port())
    second.ready()
    try:
        assert second.written["people"] == before["people"]
        assert second.written["token"] == before["token"]
        assert [each["id"] for each in _accounts(second)] == [each["id"] for each in account]
        assert {each["instance"] for each in _accounts(second)} == {second.written["town_url"]}
    finally:
        second.stop()
    third = Demo(tmp_path, "--fresh")
    third.ready()
    try:
        assert third.written["token"] != before["token"]
        assert [each["id"] for each in _accounts(third)] != [each["id"] for each in account]
    finally:
        third.end()


def _accounts(demo: Demo) -> list[dict[str, str]]:
    with api(demo) as client:
        items: list[dict[str, str]] = client.get("/accounts").json()["items"]
        return items


def test_ctrl_c_ends_it_and_its_town_at_once_and_a_kill_takes_the_town_along(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    demo.ready()
    town = child_of(demo.process.pid)
    code, seconds = demo.stop(signal.SIGINT)
    assert (code, is_running(town)) == (0, False)
    assert seconds < 4  # 1.85 by a timer of its own; the rest is what a busy machine takes
    again = Demo(tmp_path)
    again.ready()
    town = child_of(again.process.pid)
    again.stop(signal.SIGKILL)
    end = time.monotonic() + 3
    while is_running(town) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(town)
