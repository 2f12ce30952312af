"""How long the everyday pages take, against the same bytes from a bare application, in the same run.

python -m benchmarks.page_times [--conversations 10000] [--rounds 200] [--database postgresql://…]
"""

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import uvloop
from httpx import ASGITransport, AsyncClient
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.core import log
from api.core.clock import now
from api.core.database import Database
from api.core.ids import new_id
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.identity.door import Door
from api.models import Account, Conversation, ConversationKind, ConversationState, Message, Viewer
from api.platforms.values import Visibility
from tests.support import databases
from tests.support.factories import Cast, a_cast, an_account
from web.main import asgi, create_app

SHARE = 0.02
"""The part of all conversations that is the team's own; the rest belongs to others and must cost nothing."""
PAGES = ("/", "/inbox", "/inbox?view=waiting", "/inbox/{conversation}", "/write", "/calendar", "/priorities")


@dataclass(frozen=True)
class Times:
    p50: float
    p99: float
    size: int


async def fill(database: Database, conversations: int) -> tuple[Cast, UUID]:
    """A team with its share of them, ten messages in the one that is opened."""
    async with database.write() as session:
        cast = await a_cast(session)
        ours = await an_account(session, cast.force, cast.team, "sandfordnorth@town.example")
        theirs = await an_account(session, cast.force, cast.other_team, "vale@town.example")
        ours.last_poll_at = theirs.last_poll_at = now()
        chance = random.Random(1)
        rows = [_conversation(ours if chance.random() < SHARE else theirs, n) for n in range(conversations)]
        await session.flush()
        for at in range(0, len(rows), 1000):
            await session.execute(insert(Conversation), rows[at : at + 1000])
        mine = next(row for row in rows if row["account_id"] == ours.id)
        await session.execute(insert(Message), [_message(mine, n) for n in range(10)])
    return cast, mine["id"]


def _conversation(account: Account, number: int) -> dict[str, object]:
    at = now() - timedelta(minutes=number % 200_000)
    return {
        "id": new_id(), "force_id": account.force_id, "team_id": account.team_id, "account_id": account.id,
        "thread_key": f"{number}:{number}", "root_remote_id": str(number), "kind": ConversationKind.PUBLIC,
        "state": ConversationState.CLOSED if number % 5 == 0 else ConversationState.OPEN,
        "contact_remote_id": str(number), "contact_handle": f"resident{number}@town.example",
        "contact_name": f"Resident {number}", "last_message_at": at, "last_from_us": number % 3 == 0,
        "last_words": "speeding again on Mill Lane this morning, is anyone actually doing anything?",
        "waiting_since": None if number % 3 == 0 else at, "version": 1, "created_at": at, "updated_at": at,
    }  # fmt: skip


def _message(conversation: dict[str, object], number: int) -> dict[str, object]:
    at = now() - timedelta(minutes=60 - number)
    return {
        "id": new_id(), "force_id": conversation["force_id"], "account_id": conversation["account_id"],
        "conversation_id": conversation["id"], "remote_id": f"m{number}", "from_us": number % 2 == 1,
        "author_name": "Jo M", "author_handle": "jom@town.example", "text": "speeding again on Mill Lane. " * 4,
        "visibility": Visibility.PUBLIC, "attachments": [], "occurred_at": at, "received_at": at, "sort_at": at,
        "keep_until": at + timedelta(days=365), "created_at": at,
    }  # fmt: skip


async def measured(client: AsyncClient, path: str, rounds: int) -> Times:
    for _ in range(5):
        answer = await client.get(path)
        answer.raise_for_status()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        await client.get(path)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return Times(statistics.median(times), times[int(len(times) * 0.99)], len(answer.content))


def bare(body: str) -> Starlette:
    """The limit: an application that knows its answer by heart."""

    async def answer(_: Request) -> Response:
        return HTMLResponse(body)

    return Starlette(routes=[Route("/", answer)])


async def compare(url: str, conversations: int, rounds: int) -> None:
    database = Database(url)
    runtime = Runtime(Settings(database_url=url, secret_key="for this run only"), database)
    door = Door(runtime)
    cast, conversation = await fill(database, conversations)

    async def as_alice(_: Request) -> Viewer:
        return cast.alice

    app = asgi(create_app(runtime, door, as_alice))
    print(f"{url.partition(':')[0]}, {conversations:,} conversations, {SHARE:.0%} of them the team's; {rounds} rounds")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        for pattern in PAGES:
            path = pattern.format(conversation=conversation)
            page = await measured(client, path, rounds)
            body = (await client.get(path)).text
            async with AsyncClient(transport=ASGITransport(bare(body)), base_url="http://bare") as limit:
                least = await measured(limit, "/", rounds)
            print(
                f"{pattern:<24} p50 {page.p50:6.1f} ms  p99 {page.p99:6.1f} ms  {page.size / 1024:5.1f} KB   "
                f"{page.p50 / least.p50:5.1f} × the bare answer ({least.p50:.2f} ms)"
            )
    await door.close()
    await runtime.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--database", help="a PostgreSQL server; a database of this run's own is made on it")
    options = parser.parse_args()
    log.set_up("ERROR", as_json=False)
    if options.database:
        url = await databases.own_postgresql(options.database)
        try:
            await compare(url, options.conversations, options.rounds)
        finally:
            await databases.drop_postgresql(options.database, url)
        return
    with tempfile.TemporaryDirectory() as folder:
        template = await databases.sqlite_template(Path(folder))
        await compare(databases.sqlite_copy(template, Path(folder)), options.conversations, options.rounds)


if __name__ == "__main__":
    uvloop.run(main())
