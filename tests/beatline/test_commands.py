"""The command line on an embedded installation: what it prints, what it refuses, how it ends."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from api.core.sealing import Sealer
from tests.support.command import Running, beatline, told

FORCE = ("force", "add", "--name", "Sandford and Gloucestershire Vale Police", "--short-name", "Sandford & Vale")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a force, a team and somebody in communications."""
    data = tmp_path_factory.mktemp("installation")
    for command in (
        ("migrate",),
        (*FORCE, "--police-uk-id", "sandford"),
        ("team", "add", "--name", "Sandford North"),
        ("person", "add", "--email", "ellie.warner@sandfordvale.example", "--name", "Ellie Warner", "--role", "comms"),
    ):
        said = told("--data", data, *command)
        assert said.returncode == 0, said.stderr
    return data


def rows(data: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data / "beatline.db")) as database:
        return database.execute(sql).fetchall()


def test_a_token_stands_alone_on_standard_output(data: Path) -> None:
    said = told(
        "token", "create", "--person", "ellie.warner@sandfordvale.example", "--name", "Rota", "--scope", "posts:read",
        "--data", data,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("blt_")
    assert said.stdout.count("\n") == 1
    assert said.stdout.strip() not in str(rows(data, "SELECT * FROM api_tokens"))


def test_the_doctor_finds_a_new_installation_well_and_an_empty_folder_ill(data: Path, tmp_path: Path) -> None:
    well = told("--data", data, "doctor", "--json")
    assert well.returncode == 0, well.stdout
    names = [check["name"] for check in json.loads(well.stdout)["checks"]]
    assert names == ["database", "migrations", "clock", "queue", "keys", "feeds", "mail"]
    ill = told("--data", tmp_path / "nothing", "doctor")
    assert ill.returncode == 1
    assert ill.stdout.startswith("WRONG  database:")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("team", "add", "--name", "Sandford North"), "There is a team with that name already."),
        (("token", "create", "--person", "x@y.example", "--name", "Rota", "--all-scopes"), "Nobody here has the address"),
        (("work",), "A worker of its own needs Redis"),
        (("account", "connect", "mastodon", "--instance", "https://10.0.0.1", "--token-stdin"), "That is not the name of a server."),
        (("restore", "README.md"), "README.md was not written by beatline backup."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(
    data: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    said = told("--data", data, *arguments, given="token\n")
    assert said.returncode in (1, 2)
    assert said.stderr.startswith(sentence)
    assert said.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_database_that_is_not_there_is_said_without_a_traceback_or_a_password() -> None:
    url = "postgresql://beatline:secret-word@127.0.0.1:1/beatline"
    said = beatline("migrate", BEATLINE_DATABASE_URL=url)
    assert said.returncode == 1
    assert "does not answer" in said.stderr
    assert "secret-word" not in said.stderr
    assert said.stderr.count("\n") == 1


def test_a_copy_is_put_back_and_what_was_due_meanwhile_is_doubted_not_sent(data: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "copy.zip", tmp_path / "other"
    with closing(sqlite3.connect(data / "beatline.db")) as database:
        _due_delivery(database)
        database.commit()
    picture = data / "media" / "force" / "ab" / "abcd.jpg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(b"a road")
    said = told("--data", data, "backup", file, "--with-keys")
    assert said.returncode == 0, said.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    said = told("--data", other, "restore", file)
    assert said.returncode == 0, said.stderr
    assert "1 deliveries are looked for" in said.stdout
    assert rows(other, "SELECT state FROM deliveries") == [("unknown",)]
    assert sorted(path.name for path in (other / "keys").iterdir()) == sorted(
        path.name for path in (data / "keys").iterdir()
    )
    assert (other / "media" / "force" / "ab" / "abcd.jpg").read_bytes() == b"a road"
    again = told("--data", other, "restore", file)
    assert again.returncode == 1
    assert "--replace" in again.stderr


def _due_delivery(database: sqlite3.Connection) -> None:
    """Due a minute ago, not sent yet: as it stands in a copy made just before."""
    force, team = database.execute("SELECT force_id, id FROM teams").fetchone()
    moment = "2026-01-01 12:00:00.000000"
    account = {
        "id": "a" * 32, "created_at": moment, "version": 1, "updated_at": moment, "force_id": force, "team_id": team,
        "platform": "mastodon", "instance": "https://town.example", "remote_id": "1", "handle": "north@town.example",
        "name": "North", "url": "", "practice": 1, "state": "active", "state_reason": "", "limits": "{}",
        "recovery_address": "", "when_owner_leaves": "", "poll_error": "", "poll_failures": 0,
    }  # fmt: skip
    delivery = {
        "id": "d" * 32, "created_at": moment, "version": 1, "updated_at": moment, "force_id": force, "team_id": team,
        "account_id": "a" * 32, "text": "Road closed", "language": "en", "visibility": "public", "state": "queued",
        "due_at": moment, "not_before": moment, "useful_until": "2030-01-01 12:00:00.000000", "attempts": 0,
        "empty_lists": 0, "read_backs": 0,
    }  # fmt: skip
    for table, values in (("accounts", account), ("deliveries", delivery)):
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


@pytest.mark.slow
def test_the_keys_are_turned_while_a_process_runs_and_everything_opens_with_the_new_one(data: Path) -> None:
    before = {path.name for path in (data / "keys").glob("vault-*.key")}
    sealed = Sealer.from_file(data / "keys" / "vault.pub").seal(b"a token")
    with closing(sqlite3.connect(data / "beatline.db")) as database:
        database.execute(
            "INSERT INTO secrets (id, created_at, holder_id, kind, key_id, box) VALUES (?, ?, ?, ?, ?, ?)",
            ("e" * 32, "2026-01-01 12:00:00.000000", "f" * 32, "access_token", sealed.key_id, sealed.box),
        )
        database.commit()
    served = Running("serve", "--data", data, "--port", 0)
    try:
        served.line("Serving on ")
        said = told("keys", "rotate", "--data", data)
        assert said.returncode == 0, said.stderr
        assert "1 secrets are sealed with the new one" in said.stdout
        assert told("doctor", "--quick", "--data", data).returncode == 0
        code, _ = served.stop(within=25)
        assert code == 0
    finally:
        served.end()
    after = {path.name for path in (data / "keys").glob("vault-*.key")}
    assert len(after) == 1
    assert after.isdisjoint(before)
    current = Sealer.from_file(data / "keys" / "vault.pub").key_id
    assert rows(data, "SELECT DISTINCT key_id FROM secrets") == [(current,)]
