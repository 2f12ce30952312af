"""A real browser, and Beatline on a free port for it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from playwright.async_api import Browser, BrowserContext, Route, async_playwright
from starlette.types import ASGIApp

from api.core.settings import HTMX
from tests.support import means


def htmx_bytes() -> bytes:
    package = means.npm_package("htmx.org", means.HTMX)
    assert package
    return (package / "dist" / "htmx.min.js").read_bytes()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=means.CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


async def with_htmx(context: BrowserContext) -> None:
    """The CDN's own bytes, without the way to it."""

    async def cdn(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
        await route.fulfill(body=htmx_bytes(), headers=headers)

    await context.route(HTMX, cdn)
