"""Two kinds of session on either database: read, and write (one transaction, committed at the edge)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool


def async_url(url: str) -> str:
    """`sqlite:///x` and `postgresql://x` with the driver that we use."""
    for plain, driver in (("sqlite:", "sqlite+aiosqlite:"), ("postgresql:", "postgresql+asyncpg:")):
        if url.startswith(plain):
            return driver + url.removeprefix(plain)
    raise ValueError("The database must be sqlite:///path or postgresql://user@host/name.")


class Database:
    """The engines of one process. `write` is one at a time on SQLite, many at once on PostgreSQL."""

    def __init__(self, url: str, pool: int = 20) -> None:
        self.url = make_url(async_url(url))
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self._reader = _sqlite_engine(self.url, "BEGIN", pool, query_only=True)
            self._writer = _sqlite_engine(self.url, "BEGIN IMMEDIATE", 1, query_only=False)
            self._turn: asyncio.Lock | None = asyncio.Lock()
        else:
            options: dict[str, Any] = {
                "pool_size": pool,
                "max_overflow": pool,
                "hide_parameters": True,
                "connect_args": {"server_settings": {"timezone": "UTC"}},
            }
            self._writer = create_async_engine(self.url, **options)
            event.listen(self._writer.sync_engine, "checkout", _still_open)
            self._reader = self._writer.execution_options(postgresql_readonly=True)
            self._single = self._writer.execution_options(isolation_level="AUTOCOMMIT")
            self._turn = None

    @property
    def engine(self) -> AsyncEngine:
        """For migrations and for what needs a connection of its own."""
        return self._writer

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Nothing changes here: the database itself refuses to."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, undone when it raises."""
        async with (
            self._turn or nullcontext(),
            AsyncSession(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @asynccontextmanager
    async def one_statement(self) -> AsyncIterator[AsyncSession]:
        """A transaction of one statement, which beginning and committing would make three round trips."""
        if self.sqlite:
            async with self.write() as session:
                yield session
        else:
            async with AsyncSession(self._single, expire_on_commit=False) as session:
                yield session

    async def close(self) -> None:
        await self._writer.dispose()
        if self.sqlite:
            await self._reader.dispose()


def _still_open(_: Any, record: Any, __: Any) -> None:
    """A server that restarts closes its connections, and the driver has heard it: asking it would be three round trips."""
    if record.driver_connection.is_closed():
        raise DisconnectionError


def _sqlite_engine(url: Any, begin: str, pool: int, *, query_only: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"isolation_level": None, "timeout": 10},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        # FULL: with NORMAL a power cut may take the last commits, and with them the fence before a send.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        if query_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
