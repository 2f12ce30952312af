"""How long the check of a long text takes while somebody types it, against the same bytes from a bare application.

python -m benchmarks.write_check [--characters 1000] [--rounds 200]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import uvloop
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.core import log
from api.core.database import Database
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.identity.door import Door
from api.models import Viewer
from api.platforms.facts import FACTS
from api.platforms.values import Platform
from tests.support import databases
from tests.support.factories import a_cast, an_account
from web.main import asgi, create_app

SENTENCE = (
    "Bikes are marked for free at https://www.police.uk/pu/contact-us/ on Saturday, @amy@shire.example #Sandford. "
)
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


def bare(body: str) -> Starlette:
    """The limit: an application that knows its answer by heart."""

    async def answer(request: Request) -> Response:
        await request.form()
        return HTMLResponse(body)

    return Starlette(routes=[Route("/write/check", answer, methods=["POST"])])


async def measured(app: object, form: Mapping[str, str | list[str]], rounds: int) -> tuple[float, float, str]:
    times = []
    async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1:8000", headers=FROM_HERE) as client:
        for turn in range(rounds + 5):
            began = time.perf_counter()
            # Another letter each time, as when somebody types: nothing is remembered from the time before.
            answer = await client.post("/write/check", data={**form, "text": f"{turn} {form['text']}"})
            if turn >= 5:
                times.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
    return statistics.median(times), sorted(times)[int(len(times) * 0.99)], answer.text


async def compare(url: str, characters: int, rounds: int) -> None:
    database = Database(url)
    runtime = Runtime(Settings(database_url=url, secret_key="for this run only"), database)
    door = Door(runtime)
    async with database.write() as session:
        cast = await a_cast(session)
        accounts = [await an_account(session, cast.force, cast.team) for _ in range(4)]
        for account in accounts[::2]:
            account.platform, account.limits = Platform.BLUESKY, FACTS[Platform.BLUESKY].limits.as_dict()

    async def as_alice(_: Request) -> Viewer:
        return cast.alice

    text = (SENTENCE * (characters // len(SENTENCE) + 1))[:characters]
    form: dict[str, str | list[str]] = {
        "team_id": str(cast.team.id), "text": text, "account_ids": [str(account.id) for account in accounts],
    }  # fmt: skip
    for name, more in (("too long", {}), ("as threads", {"as_thread": "yes", "content_warning": "Bikes"})):
        p50, p99, body = await measured(asgi(create_app(runtime, door, as_alice)), {**form, **more}, rounds)
        least, _, _ = await measured(bare(body), {**form, **more}, rounds)
        print(
            f"{characters:,} characters, {len(accounts)} accounts, {name}: p50 {p50:.1f} ms  p99 {p99:.1f} ms   "
            f"{p50 / least:.1f} × the bare answer ({least:.2f} ms)"
        )
    await door.close()
    await runtime.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    log.set_up("ERROR", as_json=False)
    with tempfile.TemporaryDirectory() as folder:
        template = await databases.sqlite_template(Path(folder))
        await compare(databases.sqlite_copy(template, Path(folder)), options.characters, options.rounds)


if __name__ == "__main__":
    uvloop.run(main())
