"""Accounts, what they wrote, and the public square."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town import ids, lists, statuses
from workers.town.wire import (
    ApiError,
    account_in_path,
    anyone,
    known_token,
    listing,
    not_found,
    page_of,
    shapes_for,
    someone,
    town_of,
    yes,
)


async def verify(request: Request) -> Response:
    row = known_token(request)
    scopes = row["scopes"] if row else ""
    if not {"read", "profile", "read:accounts"} & set(scopes.split()):
        someone(request, "read:accounts")
    caller = anyone(request)
    if caller is None:
        raise ApiError(422, "This method requires an authenticated user")
    return JSONResponse(shapes_for(request, caller).own_account(caller.account, scopes))


async def show(request: Request) -> Response:
    return JSONResponse(shapes_for(request, anyone(request)).account(account_in_path(request)))


async def lookup(request: Request) -> Response:
    town = town_of(request)
    account = town.people.find(request.query_params.get("acct", ""), town.settings.domain)
    if account is None:
        raise not_found()
    return JSONResponse(shapes_for(request, anyone(request)).account(account))


async def written(request: Request) -> Response:
    """Newest first, with the private ones only for whoever wrote or received them."""
    viewer, account, page = anyone(request), account_in_path(request), page_of(request)
    query, conditions = request.query_params, []
    if yes(query.get("exclude_replies")):
        conditions.append("(reply_to_account IS NULL OR reply_to_account = account_id)")
    if yes(query.get("exclude_reblogs")):
        conditions.append("boost_of IS NULL")
    if yes(query.get("only_media")):
        conditions.append("EXISTS (SELECT 1 FROM media WHERE status_id = statuses.id)")
    if yes(query.get("pinned")):
        conditions.append("FALSE")
    shapes = shapes_for(request, viewer)
    if shapes.town.faults.switches.hide_direct:
        conditions.append("visibility != 'direct'")
    if shapes.town.faults.switches.hide_replies:
        conditions.append("reply_to IS NULL")
    rows = lists.by_account(shapes.town, account.id, shapes.viewer_id, page, *conditions)
    shown = shapes.statuses(rows)
    if shapes.town.faults.switches.pinned_first and page.max_id is None:
        oldest = lists.Page(limit=1, min_id=0)
        shown = shapes.statuses(lists.by_account(shapes.town, account.id, shapes.viewer_id, oldest)) + shown
    return listing(request, rows, shown, page)


async def public(request: Request) -> Response:
    page, shapes = page_of(request), shapes_for(request, anyone(request))
    rows = lists.public(shapes.town, page, remote_only=yes(request.query_params.get("remote")))
    return listing(request, rows, shapes.statuses(rows), page)


async def tagged(request: Request) -> Response:
    page, shapes = page_of(request), shapes_for(request, anyone(request))
    rows = lists.tagged(shapes.town, request.path_params["tag"], page)
    return listing(request, rows, shapes.statuses(rows), page)


async def search(request: Request) -> Response:
    """Names of people, tags, and words in what is public."""
    someone(request, "read:search")
    query, shapes = request.query_params, shapes_for(request, anyone(request))
    wanted, kind = query.get("q", "").strip().lower(), query.get("type", "")
    town, limit = shapes.town, page_of(request).limit
    people = [a for a in town.people.by_id.values() if wanted.lstrip("@") in f"{a.acct} {a.name}".lower()]
    exact = town.people.find(wanted, town.settings.domain)
    found = [exact] if exact else people
    like = "visibility = 'public' AND deleted_ms IS NULL AND instr(lower(text), ?) > 0"
    rows = lists.turn(town, "statuses", lists.Where(like, (wanted,)), page_of(request)) if wanted else []
    if yes(query.get("resolve")) and wanted.startswith(f"{shapes.base.lower()}/"):
        rows = [status] if (status := statuses.get(town, ids.read(wanted.rpartition("/")[2]))) else []
    tags = town.store.all("SELECT DISTINCT tag FROM tags WHERE tag >= ? LIMIT ?", wanted.lstrip("#"), limit)
    return JSONResponse(
        {
            "accounts": [shapes.account(one) for one in found[:limit]] if kind in {"", "accounts"} else [],
            "statuses": shapes.statuses(rows) if kind in {"", "statuses"} else [],
            "hashtags": [{"name": row["tag"], "url": f"{shapes.base}/tags/{row['tag']}"} for row in tags]
            if kind in {"", "hashtags"}
            else [],
        }
    )


routes = [
    Route("/api/v1/accounts/verify_credentials", verify, methods=["GET"]),
    Route("/api/v1/accounts/lookup", lookup, methods=["GET"]),
    Route("/api/v1/accounts/{account_id}", show, methods=["GET"]),
    Route("/api/v1/accounts/{account_id}/statuses", written, methods=["GET"]),
    Route("/api/v1/timelines/public", public, methods=["GET"]),
    Route("/api/v1/timelines/tag/{tag}", tagged, methods=["GET"]),
    Route("/api/v2/search", search, methods=["GET"]),
]
