"""The practice sky as a real process on a real socket: driven as the town is, spoken to as Bluesky is."""

import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from api.platforms.values import Token
from tests.support.town import FORCE, RunningTown
from workers.platforms.bluesky_calls import Session


class RunningSky(RunningTown):
    """`tokens` holds the app passwords. Sessions are opened with `session`, and are over after a reset."""

    module = "workers.town.bluesky"
    usual: Mapping[str, object] = {"sign_ins": 1_000_000, "rate_limit": 1_000_000}

    async def xrpc(self, method: str, body: Any = None, access: str = "", **query: Any) -> httpx.Response:
        """One call, as it is: a procedure when it has a body."""
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        if method.startswith("chat."):
            headers["Atproto-Proxy"] = "did:web:api.bsky.chat#bsky_chat"
        verb = "GET" if body is None else "POST"
        return await self._client.request(verb, f"/xrpc/{method}", json=body, params=query, headers=headers)

    async def session(self, handle: str) -> dict[str, Any]:
        asked = {"identifier": handle, "password": self.tokens[handle]}
        answer = await self.xrpc("com.atproto.server.createSession", asked)
        answer.raise_for_status()
        opened: dict[str, Any] = answer.json()
        return opened

    def token(self, session: Mapping[str, str]) -> Token:
        return Session(session["accessJwt"], session["refreshJwt"], self.url).token()


@contextlib.asynccontextmanager
async def running_sky(people: tuple[str, ...] = FORCE, **options: object) -> AsyncIterator[RunningSky]:
    with tempfile.TemporaryDirectory() as folder:
        sky = RunningSky(Path(folder), options, people)
        try:
            await sky.start()
            yield sky
        finally:
            await sky.close()


def post(text: str, **more: Any) -> dict[str, Any]:
    return {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2026-11-24T09:00:00.000Z", **more}


def put(did: str, rkey: str, record: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"repo": did, "collection": "app.bsky.feed.post", "rkey": rkey, "record": record, **more}


def readable(answer: httpx.Response) -> tuple[int, str]:
    """Its status, and the name of what was wrong."""
    return answer.status_code, json.loads(answer.text).get("error", "")
