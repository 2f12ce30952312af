"""Changes come from our own pages only. Browsers say where a request comes from; one that says nothing is refused."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from web.problems import tell

SAFE = {"GET", "HEAD", "OPTIONS"}


def from_here(headers: Headers, base_url: str) -> bool:
    """`Sec-Fetch-Site` decides; older browsers send `Origin`; nothing at all is a no."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and origin in {
        _origin(base_url),
        f"http://{headers.get('host')}",
        f"https://{headers.get('host')}",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class OwnPagesOnly:
    """Stands before every door that changes something."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self.app, self.base_url = app, base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE or from_here(Headers(scope=scope), self.base_url):
            await self.app(scope, receive, send)
            return
        answer = tell(
            Request(scope, receive),
            403,
            "This did not come from our page",
            "Open Beatline in this browser and press the button there.",
            "Nothing was changed.",
        )
        await answer(scope, receive, send)
