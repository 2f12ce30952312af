"""A picture as small as a list shows it: made when it is asked for, kept by the browser."""

import asyncio
from collections.abc import Mapping

from api.core.settings import Settings
from api.media import pictures
from api.media.store import store_of
from api.models import Media


async def of(settings: Settings, media: Media) -> bytes:
    data = await store_of(settings).read(media.file)
    return await asyncio.to_thread(pictures.small, data)


def headers(media: Media) -> Mapping[str, str]:
    return {
        "Content-Type": "image/jpeg",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=86400",
        "ETag": f'"{media.sha256}-small"',
    }
