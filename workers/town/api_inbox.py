"""What arrived for an account: notifications and private conversations."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workers.town import ids, lists
from workers.town.wire import listing, not_found, page_of, shapes_for, someone, town_of


async def notifications(request: Request) -> Response:
    town, caller = town_of(request), someone(request, "read:notifications")
    query, page = request.query_params, page_of(request, default=40, most=80)
    if town.faults.switches.ignore_min_id and page.min_id is not None:
        page = lists.Page(page.limit, page.max_id, since_id=page.min_id)
    types = query.getlist("types[]") + query.getlist("types")
    rows = lists.notifications(
        town,
        caller.account.id,
        page,
        [] if town.faults.switches.ignore_types else types,
        query.getlist("exclude_types[]") + query.getlist("exclude_types"),
    )
    return listing(request, rows, shapes_for(request, caller).notifications(rows), page)


async def notification(request: Request) -> Response:
    town, caller = town_of(request), someone(request, "read:notifications")
    row = town.store.one(
        "SELECT * FROM notifications WHERE id = ? AND account_id = ?",
        *(ids.read(request.path_params["notification_id"]), caller.account.id),
    )
    if row is None:
        raise not_found()
    return JSONResponse(shapes_for(request, caller).notifications([row])[0])


async def policy(request: Request) -> Response:
    """Nobody is filtered here."""
    someone(request, "read:notifications")
    kinds = (
        "for_not_following",
        "for_not_followers",
        "for_new_accounts",
        "for_private_mentions",
        "for_limited_accounts",
    )
    summary = {"pending_requests_count": 0, "pending_notifications_count": 0}
    return JSONResponse(dict.fromkeys(kinds, "accept") | {"summary": summary})


async def requests(request: Request) -> Response:
    someone(request, "read:notifications")
    return JSONResponse([])


async def conversations(request: Request) -> Response:
    town, caller = town_of(request), someone(request, "read:statuses")
    page = page_of(request)
    rows = lists.conversations(town, caller.account.id, page)
    shapes = shapes_for(request, caller)
    return listing(request, rows, [shapes.conversation(row) for row in rows], page, key="last_status_id")


async def read_conversation(request: Request) -> Response:
    town, caller = town_of(request), someone(request, "write:conversations")
    number = ids.read(request.path_params["conversation_id"])
    with town.store.change():
        town.store.run("UPDATE conversations SET unread = 0 WHERE id = ? AND account_id = ?", number, caller.account.id)
    row = town.store.one("SELECT * FROM conversations WHERE id = ? AND account_id = ?", number, caller.account.id)
    if row is None:
        raise not_found()
    return JSONResponse(shapes_for(request, caller).conversation(row))


routes = [
    Route("/api/v1/notifications", notifications, methods=["GET"]),
    Route("/api/v1/notifications/requests", requests, methods=["GET"]),
    Route("/api/v1/notifications/{notification_id}", notification, methods=["GET"]),
    Route("/api/v2/notifications/policy", policy, methods=["GET"]),
    Route("/api/v1/conversations", conversations, methods=["GET"]),
    Route("/api/v1/conversations/{conversation_id}/read", read_conversation, methods=["POST"]),
]
