"""Starting the practice town beside the demo, and asking it whose accounts are ours and what they wrote before."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.platforms.errors import PlatformError
from api.platforms.values import Address, Identity, Incoming, Limits, Platform, RawItem, Request, Token, Visibility
from beatline.installation import Failure
from workers.context import Context
from workers.platforms.http import carry

FILE, TOKENS = "town.sqlite3", "town-tokens.json"
PATIENCE = 20.0


@dataclass(frozen=True)
class Ours:
    """One of our accounts as the town knows it, and what it posted before Beatline came."""

    token: Token
    identity: Identity
    limits: Limits
    history: tuple[Incoming, ...]


def tokens_for(data: Path, handles: Sequence[str]) -> dict[str, str]:
    """Made once; the town is told them at its start."""
    file = data / TOKENS
    with suppress(OSError, ValueError):
        known: dict[str, str] = json.loads(file.read_text())
        if set(handles) <= set(known):
            return known
    made = {handle: secrets.token_urlsafe(24) for handle in handles}
    write_private(file, json.dumps(made))
    return made


def write_private(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    draft.replace(file)


@asynccontextmanager
async def beside(data: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs until the block ends. In a session of its own: Ctrl-C is ours to hear, and the town goes last."""
    town = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "beatline.demo.child",
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--data", str(data / FILE), "--tokens-file", str(data / TOKENS)),
        *("--base-url", f"http://127.0.0.1:{port}"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        await _ready(town)
        yield town
    finally:
        with suppress(ProcessLookupError):
            town.terminate()
        try:
            await asyncio.wait_for(town.wait(), 0.4)
        except TimeoutError:
            with suppress(ProcessLookupError):
                town.kill()
            await town.wait()


async def _ready(town: asyncio.subprocess.Process) -> None:
    assert town.stdout is not None
    try:
        said = await asyncio.wait_for(town.stdout.readline(), PATIENCE)
    except TimeoutError:
        said = b""
    if not said.startswith(b"Practice town: "):
        raise Failure("The practice town did not start. What it said stands above; beatline demo --fresh begins anew.")


async def ask_about_us(context: Context, url: str, tokens: Mapping[str, str]) -> dict[str, Ours]:
    try:
        return {handle: await _ask(context, url, Token(token)) for handle, token in tokens.items()}
    except PlatformError as error:
        raise Failure(f"The practice town does not know our accounts: {error}") from error


async def _ask(context: Context, url: str, token: Token) -> Ours:
    connector, address = context.connectors[Platform.MASTODON], Address(Platform.MASTODON, url)
    identity = await carry(context.carrier, connector.whoami(address, token))
    limits = await carry(context.carrier, connector.limits(address))
    address = Address(Platform.MASTODON, url, identity.remote_id, identity.handle)
    listed = await context.carrier.send(
        Request(
            "GET",
            f"{url}/api/v1/accounts/{identity.remote_id}/statuses?limit=40&exclude_replies=true",
            {"Authorization": f"Bearer {token.secret}"},
        )
    )
    items = [RawItem(status["id"], status) for status in json.loads(listed.body)]
    posts = (connector.read(address, item) for item in items)
    return Ours(token, identity, limits, tuple(post for post in posts if _is_post(post)))


def _is_post(written: Incoming) -> bool:
    return written.visibility is Visibility.PUBLIC and not written.in_reply_to and not written.text.startswith("@")
