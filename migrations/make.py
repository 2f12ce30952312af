"""Writes the next migration by comparing the tables with what the migrations so far make, in a database of its own."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command

from api.core.database import Database
from migrations.run import config, upgrade


async def write(name: str) -> None:
    versions = Path(__file__).parent / "versions"
    number = f"{len(list(versions.glob('[0-9]*.py'))) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/next.db")
        if any(versions.glob("[0-9]*.py")):
            await upgrade(database)
        async with database.engine.begin() as connection:
            await connection.run_sync(
                lambda sync: command.revision(config(sync), message=name, autogenerate=True, rev_id=number)
            )
        await database.close()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('Say what changes: make migration NAME="posts can be pinned"')
    asyncio.run(write(sys.argv[1]))
