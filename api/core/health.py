"""Is this process alive, and can it work?"""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.core.log import log

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def alive() -> PlainTextResponse:
    return PlainTextResponse("alive\n")


@router.get("/readyz")
async def ready(request: Request) -> PlainTextResponse:
    """The database answers and holds our tables. The queue is not asked: without it things are only later."""
    try:
        async with asyncio.timeout(2), request.app.state.runtime.read() as session:
            await session.execute(text("SELECT version_num FROM alembic_version"))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("not ready", error=type(error).__name__)
        return PlainTextResponse("The database does not answer, or was not migrated.\n", 503)
    return PlainTextResponse("ready\n")
