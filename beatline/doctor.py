"""beatline doctor: what an installation needs, looked at one by one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from api.accounts import queries, secrets
from api.core.runtime import Runtime
from api.core.sealing import Sealer
from api.core.settings import Settings
from api.models import Account
from beatline import assembly
from beatline.installation import Data, Json, name_of, say, say_json, settings_for, sqlite_file
from migrations.run import is_current
from workers.outside.mail import NotAMailServer, NotNow, PostOffice, greet
from workers.vault import CannotOpen, Keyring


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    words: str


def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Database, migrations and queue only.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Look at database, migrations, clock, queue, keys and feeds. Ends with 1 when something is wrong."""
    findings = asyncio.run(examine(settings_for(data), quick))
    well = all(finding.ok for finding in findings)
    if as_json:
        say_json({"ok": well, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            say(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.name}: {finding.words}")
    if not well:
        raise typer.Exit(1)


async def examine(settings: Settings, quick: bool) -> list[Finding]:
    """Later checks need the database: without it they are not tried."""
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        return [Finding("database", False, f"There is none at {file}. Run: beatline migrate")]
    runtime = assembly.runtime_of(settings)
    try:
        findings = [await _answers(runtime, settings)]
        if findings[0].ok:
            checks = [_migrations, _clock, _queue] if quick else [_migrations, _clock, _queue, _keys, _feeds, _mail]
            for check in checks:
                findings.append(await _tried(check, runtime))
                if check is _migrations and not findings[-1].ok:
                    break
        return findings
    finally:
        await runtime.close()


async def _tried(check: Callable[[Runtime], Awaitable[Finding]], runtime: Runtime) -> Finding:
    try:
        return await check(runtime)
    except (SQLAlchemyError, OSError) as error:
        return Finding(check.__name__.strip("_"), False, f"Could not be looked at ({type(error).__name__}).")


async def _answers(runtime: Runtime, settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(10), runtime.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return Finding("database", False, f"{name_of(settings)} does not answer ({type(error).__name__}).")
    return Finding("database", True, f"{name_of(settings)} answers.")


async def _migrations(runtime: Runtime) -> Finding:
    if await is_current(runtime.database):
        return Finding("migrations", True, "The database is as this version needs it.")
    return Finding("migrations", False, "The database is behind this version. Run: beatline migrate")


async def _clock(runtime: Runtime) -> Finding:
    """The database's clock decides what is due, so ours must agree with it. SQLite has no clock of its own."""
    if runtime.database.sqlite:
        return Finding("clock", True, "The database uses this machine's clock.")
    skews = [await skew_of(runtime) for _ in range(3)]
    skew = min(skews, key=abs)
    words = f"This machine's clock is {abs(skew):.0f} ms {'ahead of' if skew > 0 else 'behind'} the database's."
    if abs(skew) > runtime.settings.clock_skew_ms:
        return Finding("clock", False, f"{words} Set both by the same time server.")
    return Finding("clock", True, words)


async def skew_of(runtime: Runtime) -> float:
    """Milliseconds that our clock is ahead, the way there and back taken as equally long."""
    async with runtime.read() as session:
        await session.execute(text("SELECT 1"))
        before = runtime.clock.now()
        theirs: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        after = runtime.clock.now()
    middle = before + (after - before) / 2
    return (middle - theirs.astimezone(UTC)).total_seconds() * 1000


async def _queue(runtime: Runtime) -> Finding:
    url = runtime.settings.redis_url
    if runtime.settings.embedded:
        return Finding("queue", True, "Lives in the process (memory://).")
    client = Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return Finding(
            "queue", False, f"Redis does not answer ({type(error).__name__}): everything goes out, but later."
        )
    finally:
        await client.aclose()
    return Finding("queue", True, "Redis answers.")


async def _keys(runtime: Runtime) -> Finding:
    settings = runtime.settings
    async with runtime.read() as session:
        used = await secrets.keys_in_use(session)
    try:
        public = Sealer.from_file(settings.public_key).key_id
        if not settings.keys.is_dir():
            return Finding("keys", True, "Only the public key is here, which is all that api and web need.")
        vault = Keyring(settings.keys).load()
    except (OSError, ValueError, CannotOpen) as error:
        return Finding("keys", False, f"They cannot be read ({type(error).__name__}). Run: beatline migrate")
    lost = sum(count for key, count in used.items() if key not in vault.key_ids)
    if lost:
        return Finding("keys", False, f"{lost} secrets were sealed with a key that is not in {settings.keys}.")
    if public != vault.current:
        return Finding("keys", False, f"{settings.public_key} is not the workers' current key. Run: beatline migrate")
    return Finding("keys", True, f"{sum(used.values())} secrets, all of which can be opened.")


async def _mail(runtime: Runtime) -> Finding:
    settings = runtime.settings
    if not settings.smtp_url:
        return Finding("mail", True, "No e-mails: alerts stand in the app only (BEATLINE_SMTP_URL is not set).")
    try:
        await greet(PostOffice.of(settings.smtp_url, settings.smtp_password, settings.mail_from))
    except (NotNow, NotAMailServer) as error:
        return Finding("mail", False, str(error))
    return Finding("mail", True, "The mail server lets us in.")


async def _feeds(runtime: Runtime) -> Finding:
    async with runtime.read() as session:
        accounts = (await session.execute(select(Account))).scalars().all()
    stopped = [each.handle for each in accounts if queries.health(each, runtime.settings).state == "stopped"]
    if stopped:
        return Finding("feeds", False, f"Not being read: {', '.join(sorted(stopped))}.")
    return Finding(
        "feeds", True, f"{len(accounts)} accounts, all of which are read." if accounts else "No accounts yet."
    )
