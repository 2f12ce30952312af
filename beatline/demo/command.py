"""beatline demo: from nothing to a usable page, from one command; a second start keeps everything."""

import asyncio
import shutil
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import update
from sqlmodel import col

from api.core.runtime import Runtime
from api.core.settings import Settings
from api.identity.passwords import Hasher
from api.models import Account
from beatline import assembly, running, serving
from beatline.demo import people, seed, town, world
from beatline.installation import (
    ENV_FILE,
    Data,
    Failure,
    chosen,
    opened,
    queue_of,
    say,
    settings_for,
    writable_folder,
)
from beatline.migrating import bring_up_to_date
from workers.context import Context
from workers.queue import LOCK, ArqQueue

FOLDER = Path(".data")
OURS = ("beatline.db*", "town.sqlite3*", town.TOKENS, people.FILE, ENV_FILE, "secret.key", "keys")
"""What the demo makes in its folder, and what --fresh takes away. Nothing else there is touched."""
DRAIN, GONE = 1.5, 1.85
"""Seconds from Ctrl-C in which what was begun is finished, and after which nothing of it runs."""


def demo(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8000,
    town_port: Annotated[int, typer.Option("--town-port", min=0, max=65535, help="The practice town's.")] = 8001,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over: forget what this demo holds.")] = False,
    data: Data = None,
) -> None:
    """An invented force with its town: try everything, nothing here reaches the public."""
    folder = (chosen(data) or FOLDER).absolute()
    writable_folder(folder)
    listener, town_port = serving.listening(host, port), _free(town_port)
    url = f"http://{_reached_at(host)}:{listener.getsockname()[1]}"
    town_url = f"http://127.0.0.1:{town_port}"
    queue = queue_of(settings_for(folder))  # nobody else runs on this folder from here on
    if fresh:
        _forget(folder)
    _write_settings(folder, url, town_port)
    settings = settings_for(folder, drain=DRAIN)
    serving.prepare(settings)
    serving.run(_run(settings, queue, listener, url, town_url))


async def _run(settings: Settings, queue: ArqQueue, listener: socket.socket, url: str, town_url: str) -> None:
    stop = serving.stop_on_signals(GONE)
    tokens = town.tokens_for(settings.data_dir, [each.handle for force in world.services() for each in force.accounts])
    async with AsyncExitStack() as stack:
        beside = await stack.enter_async_context(town.beside(settings.data_dir, int(town_url.rpartition(":")[2])))
        await bring_up_to_date(settings)
        runtime = await stack.enter_async_context(opened(settings, queue))
        async with assembly.context_over(runtime) as context:
            keys = await _prepare(context, town_url, tokens)
        written = people.write(settings.data_dir, url, keys)
        await stack.enter_async_context(running.working_beside(runtime, stop))
        door = await stack.enter_async_context(running.the_door(runtime))
        app = running.application(runtime, door, [])
        watching = asyncio.create_task(_stop_with(beside, stop))
        _welcome(settings, written)
        await serving.serve_until(stop, app, listener, settings)
        town_fell = beside.returncode is not None
        watching.cancel()
    await queue.close()
    if town_fell:
        raise Failure("The practice town stopped by itself, and the demo with it. Start it again.")


async def _prepare(context: Context, town_url: str, tokens: dict[str, str]) -> people.Keys:
    """The forces, once; the town's address, which may be another one today; password and token."""
    runtime = context.runtime
    async with runtime.read() as session:
        seeded = await seed.is_seeded(session)
    known = people.known(runtime.settings.data_dir)
    if seeded and known:
        await _moved(runtime, known.town_url, town_url)
        return people.Keys(known.password, known.token, town_url)
    password = people.new_password()
    password_hash = await _hashed(password)
    ours = {} if seeded else await town.ask_about_us(context, town_url, tokens)
    async with runtime.unit_of_work() as session:
        if seeded:
            await people.set_passwords(session, password_hash)
        else:
            await seed.seed(session, ours, town_url, context.vault.sealer, password_hash)
        token = await people.new_token(session)
    return people.Keys(password, token, town_url)


async def _moved(runtime: Runtime, before: str, after: str) -> None:
    if before == after:
        return
    async with runtime.unit_of_work() as session:
        await session.execute(
            update(Account).where(col(Account.instance) == before, col(Account.practice)).values(instance=after)
        )


async def _hashed(password: str) -> str:
    hasher = Hasher(1)
    try:
        return await hasher.hash(password)
    finally:
        hasher.close()


async def _stop_with(child: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
    await child.wait()
    stop.set()


def _free(town_port: int) -> int:
    """Whether the town can have it, said before anything is started; 0 takes any."""
    with serving.listening("127.0.0.1", town_port, "--town-port") as probe:
        return int(probe.getsockname()[1])


def _reached_at(host: str) -> str:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - only named, not listened on
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


def _forget(folder: Path) -> None:
    for pattern in OURS:
        for path in folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()


def _write_settings(folder: Path, url: str, town_port: int) -> None:
    """For every command that is given this folder, while the demo runs and afterwards."""
    hosts = f"127.0.0.1:{town_port}"
    lines = {
        "BEATLINE_BASE_URL": url, "BEATLINE_ALLOW_PRIVATE_HOSTS": hosts, "BEATLINE_PRACTICE_HOSTS": hosts,
        "BEATLINE_POLL_INTERVAL": "1", "BEATLINE_LOG_LEVEL": "WARNING", "BEATLINE_LOG_JSON": "false",
    }  # fmt: skip
    (folder / ENV_FILE).write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def _welcome(settings: Settings, written: dict[str, Any]) -> None:
    person = written["people"]["team_member"]
    say("Everything here is invented, and nothing reaches the public.")
    say(f"The practice town: {written['town_url']}. Other people to sign in as: {settings.data_dir / people.FILE}")
    say(f"Open {written['url']} and sign in as {person['email']}, password {person['password']}")
