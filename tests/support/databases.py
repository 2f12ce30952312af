"""Databases to test on: migrated once in a run, clean at the start of each test."""

import os
import shutil
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from api.core.database import Database
from api.models import metadata
from migrations.run import upgrade

CLEAR = ";".join(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables))
"""TRUNCATE of every table takes a tenth of a second in each test; deleting next to nothing takes none."""


async def migrate(url: str) -> None:
    database = Database(url, pool=1)
    try:
        await upgrade(database)
    finally:
        await database.close()


async def sqlite_template(folder: Path) -> Path:
    """A migrated file to copy."""
    path = folder / "template.db"
    await migrate(f"sqlite:///{path}")
    return path


def sqlite_copy(template: Path, folder: Path) -> str:
    path = folder / "beatline.db"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


async def own_postgresql(server_url: str, purpose: str = "run") -> str:
    """A database of this run's own, so that two runs on one server never meet."""
    url = make_url(server_url)
    name = f"{url.database}_{purpose}_{os.getpid()}"
    await _tell(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    own = url.set(database=name).render_as_string(hide_password=False)
    await migrate(own)
    return own


async def drop_postgresql(server_url: str, own_url: str) -> None:
    await _tell(server_url, f'DROP DATABASE IF EXISTS "{make_url(own_url).database}" WITH (FORCE)')


async def clear_postgresql(own_url: str) -> None:
    await _tell(own_url, CLEAR)


async def _tell(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
