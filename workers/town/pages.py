"""The town as a person sees it: small pages without script."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from sqlite3 import Row
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from workers.town import ids, lists, statuses
from workers.town.history import LONDON
from workers.town.people import Account
from workers.town.shapes import Shapes
from workers.town.wire import page_of, shapes_for

STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --paper: #fff; --soft: #f0f3f6;
  --edge: #9aa7b5; --link: #0b4f9e;
  --warn: #fff3c4; --warnink: #3d2f00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --paper: #12181f; --soft: #1c252f;
  --edge: #55626f; --link: #9cc7ff; --warn: #453800; --warnink: #ffeeb0 } }
* { box-sizing: border-box }
body { margin: 0; font: 1.0625rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header, main { max-width: 42rem; margin: 0 auto; padding: .75rem 1rem }
.warn { background: var(--warn); color: var(--warnink); margin: 0; padding: .6rem 1rem; text-align: center;
  font-weight: 600 }
h1 { font-size: 1.5rem; margin: .5rem 0 } h2 { font-size: 1.125rem; margin: 0 }
article { border: 1px solid var(--edge); border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 .75rem;
  background: var(--soft) }
article p { margin: .35rem 0; overflow-wrap: anywhere }
a { color: var(--link) } small { font-size: .9rem }
:focus-visible { outline: 3px solid #b35c00; outline-offset: 2px }
.invisible { font-size: 0; line-height: 0 } .ellipsis::after { content: "…" }
label { display: block; font-weight: 600 }
select, button { font: inherit; min-height: 2.75rem; padding: .4rem .9rem; max-width: 100%;
  margin: .4rem .5rem .4rem 0 }
button.go { background: #0b4f9e; color: #fff; border: 0; border-radius: .4rem }
"""
FRAME = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Practice town</title><link rel="stylesheet" href="/style.css">
<link rel="icon" href="/avatars/town.svg"></head>
<body><p class="warn" role="note">Practice town: nothing here is real</p>
<header><a href="/">Sandford &amp; Vale practice town</a></header>
<main><h1>{title}</h1>{body}</main></body></html>"""


def frame(title: str, body: str) -> str:
    return FRAME.format(title=escape(title), body=body)


def message(title: str, words: str) -> str:
    return frame(title, f"<p><code>{escape(words)}</code></p>")


def authorise(app: str, scopes: Iterable[str], kept: Mapping[str, str], people: Iterable[Account]) -> str:
    hidden = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in kept.items())
    choices = "".join(
        f'<option value="{escape(one.acct)}">{escape(one.name)} (@{escape(one.acct)})</option>' for one in people
    )
    asked = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    return frame(
        f"Authorise {app}?",
        f"<p>{escape(app)} would like to use an account of the practice town. It asks for:</p>"
        f"<ul>{asked}</ul>"
        f'<form method="post" action="/oauth/authorize">{hidden}'
        f'<label for="account">Which account?</label><select id="account" name="account">{choices}</select>'
        '<p><button class="go" name="decision" value="authorise">Authorise</button>'
        '<button name="decision" value="deny">Refuse</button></p></form>',
    )


def _local(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, LONDON):%a %-d %b at %H:%M}"


def _article(shapes: Shapes, row: Row, *, level: int = 2) -> str:
    status = shapes.status(row)
    account = status["account"]
    pictures = "".join(_shown(one) for one in status["media_attachments"])
    edited = " · edited" if status["edited_at"] else ""
    when = status["created_at"]
    return (
        f'<article><h{level}><a href="{escape(account["url"])}">{escape(account["display_name"])}</a> '
        f"<small>@{escape(account['acct'])}</small></h{level}>"
        f'<div lang="{escape(status["language"] or "en")}">{status["content"]}</div>{pictures}'
        f'<p><small><a href="{escape(status["url"])}">'
        f'<time datetime="{when}">{_local(row["created_ms"])}</time></a>'
        f"{edited} · replies: {status['replies_count']} · likes: {status['favourites_count']}"
        "</small></p></article>"
    )


def _shown(media: dict[str, Any]) -> str:
    """With its words below, so that whoever tries the town sees what was said of it."""
    url, words = escape(media["url"]), escape(media["description"] or "")
    if media["type"] == "video":
        seen = f'<video src="{url}" controls width="320" aria-label="{words}"></video>'
    else:
        seen = f'<img src="{url}" alt="{words}" width="320">'
    return f"<figure>{seen}<figcaption><small>{words}</small></figcaption></figure>"


async def home(request: Request) -> Response:
    shapes = shapes_for(request)
    rows = lists.public(shapes.town, page_of(request, default=40, most=80))
    body = "".join(_article(shapes, row) for row in rows) or "<p>Nobody has written anything yet.</p>"
    older = f'<p><a href="/?max_id={shapes.town.show(rows[-1]["id"])}">Older</a></p>' if len(rows) == 40 else ""
    return HTMLResponse(frame("What people are saying", body + older))


async def profile(request: Request) -> Response:
    shapes = shapes_for(request)
    account = shapes.town.people.find(request.path_params["acct"], shapes.town.settings.domain)
    if account is None:
        return missing()
    rows = lists.by_account(shapes.town, account.id, None, page_of(request))
    return HTMLResponse(
        frame(account.name, f"<p>{escape(account.note)}</p>" + "".join(_article(shapes, row) for row in rows))
    )


async def status(request: Request) -> Response:
    shapes = shapes_for(request)
    row = statuses.get(shapes.town, ids.read(request.path_params["status_id"]))
    if row is None or not lists.may_see(shapes.town, row, None):
        return missing()
    above = "".join(_article(shapes, one) for one in lists.ancestors(shapes.town, row, None))
    below = "".join(_article(shapes, one) for one in lists.descendants(shapes.town, row, None))
    answers = f"<h2>Replies</h2>{below}" if below else ""
    name = shapes.town.people[row["account_id"]].name
    return HTMLResponse(frame(f"{name} wrote", above + _article(shapes, row) + answers))


async def tagged(request: Request) -> Response:
    shapes, tag = shapes_for(request), request.path_params["tag"]
    rows = lists.tagged(shapes.town, tag, page_of(request))
    return HTMLResponse(frame(f"#{tag}", "".join(_article(shapes, row) for row in rows)))


def missing() -> Response:
    return HTMLResponse(frame("Not here", "<p>This page was taken down, is private, or never was.</p>"), 404)


async def style(request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


async def avatar(request: Request) -> Response:
    """A coloured circle with the first letter of the name."""
    name = request.path_params["name"].removesuffix(".svg") or "?"
    hue = sum(name.encode()) * 47 % 360
    return Response(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" role="img" aria-hidden="true">'
        f'<rect width="96" height="96" fill="hsl({hue} 45% 32%)"/>'
        '<text x="48" y="64" font-size="48" fill="#fff" '
        f'text-anchor="middle" font-family="sans-serif">{escape(name[0].upper())}</text></svg>',
        media_type="image/svg+xml",
        headers={"Cache-Control": "max-age=86400"},
    )


routes = [
    Route("/", home, methods=["GET"]),
    Route("/style.css", style, methods=["GET"]),
    Route("/avatars/{name}", avatar, methods=["GET"]),
    Route("/tags/{tag}", tagged, methods=["GET"]),
    Route("/@{acct}", profile, methods=["GET"]),
    Route("/@{acct}/{status_id}", status, methods=["GET"]),
]
