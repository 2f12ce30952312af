"""beatline backup, restore: one file that holds everything, and getting it back without anything being sent twice."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import URL, make_url

from api.core.clock import now
from api.core.secret_key import FILE as SECRET_KEY_FILE
from api.core.settings import Settings
from api.media.store import folder_of
from api.outbox.recording import doubt
from beatline import assembly
from beatline.installation import (
    Data,
    Failure,
    name_of,
    opened,
    queue_of,
    say,
    settings_for,
    sqlite_file,
    writable_folder,
)
from beatline.migrating import bring_up_to_date

MEDIA = "media/"
SQLITE, POSTGRESQL, ABOUT = "beatline.db", "beatline.pgdump", "about.json"
WithKeys = Annotated[
    bool,
    typer.Option("--with-keys", help="The workers' keys too: whoever has the file can then post as your accounts."),
]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")], with_keys: WithKeys = False, data: Data = None
) -> None:
    """Copy the installation into one file, while it runs."""
    settings = settings_for(data)
    if file.exists():
        raise Failure(f"{file} is there already. Choose another name.")
    writable_folder(file.absolute().parent)
    asyncio.run(_require(settings))
    with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".beatline-") as place:
        made_at = now()
        dump = _dump(settings, Path(place))
        draft = Path(place) / "backup.zip"
        _pack(draft, dump, made_at, _keys(settings) if with_keys else [], _media(settings))
        draft.replace(file)
    keys = "with the keys: keep it as safe as those" if with_keys else "without the keys: keep those elsewhere"
    say(f"Everything in {name_of(settings)} is in {file}, {keys}.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that beatline backup wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Yes, put it in the place of what is there.")] = False,
    data: Data = None,
) -> None:
    """Put a copy back. What was due since it was made is looked for on the platforms and never sent again blindly."""
    settings = settings_for(data)
    about = _about(file)
    queue = queue_of(settings)  # nothing may run on this installation while its database is replaced
    doubted = _restore(settings, file, about, replace)
    asyncio.run(queue.close())
    say(f"Restored the copy of {about['made_at']}. {doubted} deliveries are looked for before anything else is sent.")


async def _require(settings: Settings) -> None:
    async with opened(settings):
        return


def _dump(settings: Settings, place: Path) -> Path:
    file = sqlite_file(settings)
    if file is None:
        target = place / POSTGRESQL
        _call(settings, "pg_dump", "--format=custom", f"--file={target}")
        return target
    target = place / SQLITE
    source, copy = sqlite3.connect(f"file:{file}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        source.close()
        copy.close()
    return target


def _keys(settings: Settings) -> list[tuple[Path, str]]:
    found = [(path, f"keys/{path.name}") for path in sorted(settings.keys.glob("vault*")) if path.is_file()]
    secret = settings.data_dir / SECRET_KEY_FILE
    return found + ([(secret, SECRET_KEY_FILE)] if secret.exists() else [])


def _media(settings: Settings) -> list[tuple[Path, str]]:
    """Pictures and videos that lie on this machine; a bucket is its keeper's to copy."""
    folder = folder_of(settings)
    if folder is None:
        return []
    return [
        (path, MEDIA + path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]


def _pack(
    draft: Path, dump: Path, made_at: datetime, keys: list[tuple[Path, str]], media: list[tuple[Path, str]]
) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(ABOUT, json.dumps({"made_at": made_at.isoformat(), "kind": dump.name, "keys": bool(keys)}))
        archive.write(dump, dump.name)
        for path, name in keys:
            archive.write(path, name)
        for path, name in media:
            if path.exists():  # cleared away while we were packing
                archive.write(path, name, zipfile.ZIP_STORED)


def _about(file: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            about: dict[str, Any] = json.loads(archive.read(ABOUT))
            datetime.fromisoformat(about["made_at"])
            return about
    except FileNotFoundError as error:
        raise Failure(f"There is no file {file}.") from error
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Failure(f"{file} was not written by beatline backup.") from error


def _restore(settings: Settings, file: Path, about: dict[str, Any], replace: bool) -> int:
    database = sqlite_file(settings)
    if about["kind"] != (SQLITE if database else POSTGRESQL):
        raise Failure(f"{file} is a copy of another kind of database than {name_of(settings)}.")
    with (
        zipfile.ZipFile(file) as archive,
        tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as place,
    ):
        dump = Path(archive.extract(about["kind"], place))
        if database:
            _put_file(database, dump, replace)
        else:
            _put_dump(settings, dump, replace)
        _put_keys(settings, archive, Path(place))
        _put_media(settings, archive, Path(place))
    asyncio.run(bring_up_to_date(settings))
    return asyncio.run(_doubt(settings, datetime.fromisoformat(about["made_at"])))


def _put_file(database: Path, dump: Path, replace: bool) -> None:
    if database.exists() and not replace:
        raise Failure(f"{database} is there already. To put the copy in its place: --replace")
    for leftover in (f"{database}-wal", f"{database}-shm"):
        Path(leftover).unlink(missing_ok=True)
    dump.replace(database)


def _put_dump(settings: Settings, dump: Path, replace: bool) -> None:
    options = ["--clean", "--if-exists"] if replace else ["--exit-on-error"]
    _call(settings, "pg_restore", "--no-owner", "--single-transaction", *options, str(dump))


def _put_keys(settings: Settings, archive: zipfile.ZipFile, place: Path) -> None:
    """Beside the keys that are here already: what either can open stays open."""
    for name in archive.namelist():
        if not name.startswith("keys/") and name != SECRET_KEY_FILE:
            continue
        source = Path(archive.extract(name, place))
        target = settings.data_dir / name if name == SECRET_KEY_FILE else settings.keys / source.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o644 if target.suffix == ".pub" else 0o600)
    if any(name.startswith("keys/") for name in archive.namelist()):
        assembly.publish_key(settings)


def _put_media(settings: Settings, archive: zipfile.ZipFile, place: Path) -> None:
    folder = folder_of(settings)
    for name in archive.namelist():
        if folder is None or not name.startswith(MEDIA) or ".." in Path(name).parts:
            continue
        target = folder / name.removeprefix(MEDIA)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(archive.extract(name, place), target)


async def _doubt(settings: Settings, since: datetime) -> int:
    async with opened(settings) as runtime, runtime.unit_of_work() as session:
        return await doubt(session, since, runtime.clock.now())


def _call(settings: Settings, program: str, *options: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise Failure(f"{program} is not installed here. Install PostgreSQL's client programs and try again.")
    url = make_url(settings.database)
    done = subprocess.run(  # noqa: S603 - our own words and the operator's settings
        [found, *options, *(["--dbname", url.database or ""] if program == "pg_restore" else [])],
        env=os.environ | _environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        cause = next((line for line in lines if "error:" in line), lines[-1])
        hint = " To put the copy in the place of what is there: --replace" if "already exists" in cause else ""
        raise Failure(f"{program} did not finish: {cause.rpartition('ERROR: ')[2].strip()}.{hint}")


def _environment(url: URL) -> dict[str, str]:
    """Not on the command line, where every user of the machine could read the password."""
    values = {
        "PGHOST": url.host, "PGPORT": str(url.port or ""), "PGUSER": url.username, "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }  # fmt: skip
    return {name: str(value) for name, value in values.items() if value}
