"""Which installation a command is about, and opening it. What goes wrong becomes one sentence and an exit code."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from api.core.jobs import Queue
from api.core.runtime import Runtime
from api.core.settings import Settings
from beatline import assembly
from migrations.run import is_current
from workers.queue import ArqQueue, QueueTaken, open_queue

ENV_FILE = "beatline.env"
"""Settings of an embedded installation that every command on its folder must know, such as the demo's town."""
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder of an embedded installation.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Force = Annotated[
    str | None, typer.Option("--force", help="Name, short name or police.uk id; needed where there are several.")
]

_chosen: ContextVar[Path | None] = ContextVar("data", default=None)


class Failure(Exception):
    """One clear sentence for whoever typed the command."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.sentence, self.code = sentence, code


def choose(folder: Path | None) -> None:
    """`beatline --data DIR command` and `beatline command --data DIR` mean the same."""
    _chosen.set(folder)


def chosen(data: Path | None) -> Path | None:
    return data or _chosen.get()


def settings_for(data: Path | None, **changes: Any) -> Settings:
    """With a folder: the embedded installation in it, whatever the environment says about databases."""
    folder = chosen(data)
    try:
        if folder is None:
            return Settings(**changes)
        embedded: dict[str, Any] = {
            "data_dir": folder, "database_url": "", "database_password": "", "redis_url": "memory://",
            "keys_dir": None, "public_key_file": None,
        }  # fmt: skip
        return Settings(_env_file=folder / ENV_FILE, **(embedded | changes))
    except ValidationError as error:
        wrong = "; ".join(f"BEATLINE_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise Failure(f"A setting cannot be used. {wrong}.", 2) from error


def queue_of(settings: Settings) -> ArqQueue:
    """One in memory belongs to one process, which runs the installation as long as it holds the queue."""
    if settings.embedded:
        writable_folder(settings.data_dir)
    try:
        return open_queue(settings)
    except QueueTaken as error:
        raise Failure(str(error)) from error


@asynccontextmanager
async def opened(settings: Settings, queue: Queue | None = None) -> AsyncIterator[Runtime]:
    """A runtime over a database that is there and up to date."""
    _there(settings)
    runtime = assembly.runtime_of(settings, queue)
    try:
        await require_migrated(runtime, settings)
        yield runtime
    finally:
        await runtime.close()


async def require_migrated(runtime: Runtime, settings: Settings) -> None:
    try:
        current = await is_current(runtime.database)
    except (SQLAlchemyError, OSError) as error:
        raise unreachable(settings, error) from error
    if not current:
        raise Failure(
            f"The database is behind this version of Beatline. Run first: beatline{_option(settings)} migrate"
        )


def _there(settings: Settings) -> None:
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        raise Failure(
            f"There is no installation in {settings.data_dir}. Run first: beatline{_option(settings)} migrate"
        )


def _option(settings: Settings) -> str:
    return f" --data {_chosen.get()}" if _chosen.get() else ""


def sqlite_file(settings: Settings) -> Path | None:
    """The file of an SQLite database; None on PostgreSQL."""
    return Path(settings.database.removeprefix("sqlite:///")) if settings.database.startswith("sqlite:") else None


def unreachable(settings: Settings, error: Exception) -> Failure:
    kind = type(error.orig).__name__ if isinstance(error, DBAPIError) else type(error).__name__
    return Failure(f"The database {name_of(settings)} does not answer ({kind}). Is it running, and may we use it?")


def name_of(settings: Settings) -> str:
    """Without user and password."""
    return settings.database.partition("://")[0] + ":…/" + settings.database.rpartition("/")[2]


def writable_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"The folder {folder} cannot be made ({error.strerror}). Choose another one: --data DIR"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"The folder {folder} cannot be written to. Choose another one: --data DIR")


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def say_json(value: Any) -> None:
    say(json.dumps(value, default=str))
