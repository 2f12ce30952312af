"""Reading: notifications, threads, posts by address, what one account wrote."""

from typing import Any

from workers.town.bluesky import repo
from workers.town.bluesky.calls import Call, Handler, XrpcError, wrong
from workers.town.bluesky.views import Views


async def list_notifications(call: Call) -> Any:
    """Newest first by the time that authors give. They are told of some time after the writing."""
    reasons, limit = call.request.query_params.getlist("reasons"), call.limit()
    marks = ", ".join("?" * len(reasons))
    only = f"AND reason IN ({marks}) " if reasons else ""
    before, _, name = (call.asked("cursor") or f"{1 << 62}::0").partition("::")
    rows = call.sky.store.all(
        "SELECT * FROM notices WHERE did = ? AND (stands_ms, id) < (?, ?) AND shown_ms <= ? "  # noqa: S608 - only marks
        f"{only}ORDER BY stands_ms DESC, id DESC LIMIT ?",
        *(call.did, int(before), int(name), call.sky.now(), *reasons, limit),
    )
    views = Views(call.sky)
    following = {"cursor": f"{rows[-1]['stands_ms']}::{rows[-1]['id']}"} if len(rows) == limit else {}
    return {"notifications": [views.notice(row) for row in rows], "priority": False, **following}


async def get_post_thread(call: Call) -> Any:
    assert call.did
    views, uri = Views(call.sky), call.needed("uri")
    row = views.shown(uri)
    if row is None:
        raise wrong(f"Post not found: {uri}", "NotFound")
    below, above = (_depth(call, name, usual) for name, usual in (("depth", 6), ("parentHeight", 80)))
    return {"thread": views.thread(row, below, above)}


def _depth(call: Call, name: str, usual: int) -> int:
    asked = call.asked(name) or str(usual)
    if not asked.isdigit() or int(asked) > 1000:
        raise wrong(f"Error: {name} can not be greater than 1000")
    return int(asked)


async def get_posts(call: Call) -> Any:
    """What is not there is left out."""
    assert call.did
    views, wanted = Views(call.sky), call.request.query_params.getlist("uris")
    if not 1 <= len(wanted) <= 25:
        raise wrong("Error: uris must not have more than 25 elements")
    rows = [views.shown(uri) for uri in wanted]
    return {"posts": [views.post(row) for row in rows if row is not None]}


async def get_author_feed(call: Call) -> Any:
    assert call.did
    account = call.sky.find(call.needed("actor"))
    if account is None:
        raise wrong("Profile not found")
    before, limit = int(call.asked("cursor") or 1 << 62), call.limit()
    rows = call.sky.store.all(
        "SELECT * FROM records WHERE did = ? AND collection = ? AND id < ? AND deleted_ms IS NULL "
        "AND shown_ms <= ? ORDER BY id DESC LIMIT ?",
        *(account["did"], repo.POST, before, call.sky.now(), limit),
    )
    following = {"cursor": str(rows[-1]["id"])} if len(rows) == limit else {}
    return {"feed": [{"post": Views(call.sky).post(row)} for row in rows], **following}


async def unknown(call: Call) -> Any:
    raise XrpcError(501, "MethodNotImplemented", "Method Not Implemented")


METHODS: dict[str, tuple[str, Handler]] = {
    "app.bsky.notification.listNotifications": ("GET", list_notifications),
    "app.bsky.feed.getPostThread": ("GET", get_post_thread),
    "app.bsky.feed.getPosts": ("GET", get_posts),
    "app.bsky.feed.getAuthorFeed": ("GET", get_author_feed),
}
