"""What kind of server this is."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from workers.town.api_media import MIMES, MOST_BYTES, MOST_BYTES_VIDEO
from workers.town.api_statuses import MAX_CHARACTERS
from workers.town.text import URL_LENGTH
from workers.town.wire import base_of, town_of

VERSION = "4.5.2"
TITLE = "Sandford & Vale practice town"
ABOUT = "A practice town. Nobody here is real."


def _configuration() -> dict[str, Any]:
    return {
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {
            "max_characters": MAX_CHARACTERS,
            "max_media_attachments": 4,
            "characters_reserved_per_url": URL_LENGTH,
        },
        "media_attachments": {
            "description_limit": 1500,
            "supported_mime_types": MIMES,
            "image_size_limit": MOST_BYTES,
            "image_matrix_limit": 33_177_600,
            "video_size_limit": MOST_BYTES_VIDEO,
            "video_frame_rate_limit": 120,
            "video_matrix_limit": 8_294_400,
        },
        "polls": {
            "max_options": 4,
            "max_characters_per_option": 50,
            "min_expiration": 300,
            "max_expiration": 2_629_746,
        },
        "translation": {"enabled": False},
    }


async def v2(request: Request) -> Response:
    return JSONResponse(
        {
            "domain": town_of(request).settings.domain,
            "title": TITLE,
            "version": VERSION,
            "source_url": base_of(request),
            "description": ABOUT,
            "usage": {"users": {"active_month": len(town_of(request).people.by_id)}},
            "thumbnail": {"url": f"{base_of(request)}/avatars/town.svg"},
            "languages": ["en", "cy"],
            "configuration": _configuration(),
            "registrations": {"enabled": False, "approval_required": False, "message": None},
            "api_versions": {"mastodon": 7},
            "contact": {"email": f"nobody@{town_of(request).settings.domain}", "account": None},
            "rules": [],
        }
    )


async def v1(request: Request) -> Response:
    return JSONResponse(
        {
            "uri": town_of(request).settings.domain,
            "title": TITLE,
            "short_description": ABOUT,
            "description": ABOUT,
            "email": f"nobody@{town_of(request).settings.domain}",
            "version": VERSION,
            "urls": {},
            "stats": {"user_count": len(town_of(request).people.by_id), "status_count": 0, "domain_count": 1},
            "languages": ["en", "cy"],
            "registrations": False,
            "configuration": _configuration(),
            "contact_account": None,
            "rules": [],
        }
    )


async def nodeinfo_links(request: Request) -> Response:
    rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
    return JSONResponse({"links": [{"rel": rel, "href": f"{base_of(request)}/nodeinfo/2.0"}]})


async def nodeinfo(request: Request) -> Response:
    return JSONResponse(
        {
            "version": "2.0",
            "software": {"name": "mastodon", "version": VERSION},
            "protocols": ["activitypub"],
            "services": {"outbound": [], "inbound": []},
            "usage": {"users": {"total": len(town_of(request).people.by_id)}},
            "openRegistrations": False,
            "metadata": {},
        }
    )


async def streaming_health(request: Request) -> Response:
    return PlainTextResponse("OK")


routes = [
    Route("/api/v2/instance", v2, methods=["GET"]),
    Route("/api/v1/instance", v1, methods=["GET"]),
    Route("/.well-known/nodeinfo", nodeinfo_links, methods=["GET"]),
    Route("/nodeinfo/2.0", nodeinfo, methods=["GET"]),
    Route("/api/v1/streaming/health", streaming_health, methods=["GET"]),
]
