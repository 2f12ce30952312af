"""The stylesheet, the icons and the script, read once, named by their content and kept by browsers for a year."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    name: str
    media_type: str
    body: bytes
    zipped: bytes
    digest: str

    @property
    def url(self) -> str:
        return f"/static/{self.digest}/{self.name}"


def load(path: Path, name: str) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(name, TYPES[path.suffix], body, gzip.compress(body, mtime=0), digest)


ASSETS = {path.name: load(path, path.name) for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


def static(name: str) -> str:
    """The address of a file of ours; it changes when the file does."""
    return ASSETS[name].url


def serve(request: Request, digest: str, name: str) -> Response:
    asset = ASSETS.get(name)
    if asset is None:
        raise HTTPException(404)
    return answer(request, asset, FOR_A_YEAR if digest == asset.digest else "no-cache")


def answer(request: Request, asset: Asset, keep: str) -> Response:
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.zipped, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)
