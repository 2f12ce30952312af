"""Adding pictures as a person with a token would."""

from typing import Any

import httpx

from tests.support.calling import Caller
from tests.support.photos import plain


async def add(
    call: Caller,
    viewer: Any,
    team_id: Any,
    data: bytes = b"",
    *,
    name: str = "a.png",
    headers: Any = None,
    **fields: str,
) -> httpx.Response:
    return await call.upload(viewer, "/media", (name, data or plain()), {"team_id": str(team_id), **fields}, headers)
