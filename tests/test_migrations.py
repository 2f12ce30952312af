"""The migrations make exactly the tables of the models, on both databases, and can be taken back."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from api.core.database import Database
from api.models import metadata
from migrations import versions as versions_of
from migrations.run import config, is_current, upgrade


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


async def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert await is_current(database)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    await upgrade(database)
    assert await is_current(database)


@pytest.fixture
async def taken_back(database: Database) -> AsyncIterator[Database]:
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(config(sync), "base"))
    yield database
    await upgrade(database)


async def test_everything_can_be_taken_back_and_made_again(taken_back: Database) -> None:
    async with taken_back.engine.connect() as connection:
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert left == ["alembic_version"]
    assert not await is_current(taken_back)
    await upgrade(taken_back)
    async with taken_back.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_two_processes_that_migrate_at_once_do_not_collide(taken_back: Database) -> None:
    twin = Database(
        taken_back.url.render_as_string(hide_password=False).replace("+aiosqlite", "").replace("+asyncpg", "")
    )
    await asyncio.gather(upgrade(taken_back), upgrade(twin))
    await twin.close()
    assert await is_current(taken_back)


Columns = dict[str, dict[str, Any]]


def columns_of(connection: Connection) -> dict[str, Columns]:
    seen = inspect(connection)
    return {
        table: {column["name"]: dict(column) for column in seen.get_columns(table)} for table in seen.get_table_names()
    }


async def test_the_release_before_can_read_and_write_the_tables_of_this_one(taken_back: Database) -> None:
    """While workers are being exchanged both run: old code names every column it knows, and none that is new."""
    versions = sorted(path.name.partition("_")[0] for path in Path(versions_of.__file__).parent.glob("0*.py"))
    tables: list[dict[str, Columns]] = []
    for version in versions:
        async with taken_back.engine.begin() as connection:
            await connection.run_sync(lambda sync, to=version: command.upgrade(config(sync), to))
            tables.append(await connection.run_sync(columns_of))
    for before, after in pairwise(tables):
        for table, columns in before.items():
            assert columns.keys() <= after[table].keys(), table
            for name in after[table].keys() - columns.keys():
                added = after[table][name]
                assert added["nullable"] or added["default"] is not None, f"{table}.{name}"
