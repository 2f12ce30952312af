"""The ground every test stands on: a clean database of each kind, a runtime over it, a clock that can be moved."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock, clock
from api.core.database import Database
from api.core.runtime import Runtime
from api.core.settings import Settings
from tests.support import databases, means
from tests.support.factories import Cast, a_cast


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(databases.sqlite_template(tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """This run's own database on the server of BEATLINE_TEST_DATABASE_URL."""
    url = asyncio.run(databases.own_postgresql(means.DATABASE_URL))
    yield url
    asyncio.run(databases.drop_postgresql(means.DATABASE_URL, url))


@pytest.fixture(params=means.DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database without a row in it, on SQLite and, where there is a server, on PostgreSQL."""
    if request.param == "sqlite":
        return databases.sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path)
    url: str = request.getfixturevalue("postgresql_url")
    asyncio.run(databases.clear_postgresql(url))
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool=5)
    yield database
    await database.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """`model_copy(update=…)` changes one thing in a test of its own."""
    return Settings(
        data_dir=tmp_path, database_url=database_url, redis_url="memory://", secret_key="a key for tests only " * 3
    )


@pytest.fixture
async def runtime(settings: Settings, database: Database) -> AsyncIterator[Runtime]:
    runtime = Runtime(settings, database)
    yield runtime
    await runtime.close()


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """One write transaction for a whole test, undone at its end. Use `runtime` where commits matter."""
    async with AsyncSession(database.engine, expire_on_commit=False) as session:
        yield session
        await session.rollback()


@pytest.fixture
async def cast(database: Database) -> Cast:
    """Two forces with people of every role, committed."""
    async with database.write() as session:
        return await a_cast(session)


@pytest.fixture(autouse=True)
def moved_clock() -> Iterator[Clock]:
    """`clock.pass_time(hours=6)` in a test ends with it."""
    before = clock._shift
    yield clock
    clock._shift = before


_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in means.left_out():
        terminalreporter.write_line(line)
    if means.REQUIRE_ALL and (means.left_out() or _skipped):
        terminalreporter.write_line(f"Nothing may be left out here: {len(_skipped)} skipped.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if means.REQUIRE_ALL and (means.left_out() or _skipped) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
