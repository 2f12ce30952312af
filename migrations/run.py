"""Bringing a database up to date, from code: no ini file, no path that depends on where one stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from api.core.database import Database


def config(connection: Connection | None = None) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["connection"] = connection
    return settings


async def upgrade(database: Database, revision: str = "head") -> None:
    """Runs twice without harm; two at once wait for each other (PostgreSQL) or for the file (SQLite)."""
    async with database.engine.begin() as connection:
        if not database.sqlite:
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(727401)")
        await connection.run_sync(lambda sync: command.upgrade(config(sync), revision))


async def is_current(database: Database) -> bool:
    """Whether the database holds every migration that this code knows."""
    async with database.engine.connect() as connection:
        heads = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads())
    return set(heads) >= set(ScriptDirectory.from_config(config()).get_heads())
