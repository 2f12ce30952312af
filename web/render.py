"""Whole pages, fragments and toasts: one way to draw each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.core import clock
from api.core.settings import Settings
from api.platforms.facts import FACTS
from web import words
from web.assets import ASSETS, static
from web.headers import htmx_source
from web.places import PLACES
from web.said import SAID

TEMPLATES = Path(__file__).parent / "templates"


@pass_context
def _when(context: Context, at: datetime) -> Markup:
    return words.when(at, context["now"])


@pass_context
def _when_text(context: Context, at: datetime) -> str:
    return words.when_text(at, context["now"])


@pass_context
def _day(context: Context, at: datetime) -> str:
    return words.day(at, context["now"])


@pass_context
def _waited(context: Context, since: datetime) -> words.Waited:
    return words.waited(since, context["now"])


def _choices(words: Sequence[str]) -> list[tuple[str, str]]:
    """Options of a choice whose values are its words; nothing chosen comes first."""
    return [("", "Choose one"), *((one, one) for one in words)]


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters |= {
        "when": _when,
        "when_text": _when_text,
        "day": _day,
        "waited": _waited,
        "full": words.full,
        "for_input": words.for_input,
        "span": words.span,
        "lateness": words.lateness,
        "seconds": words.seconds,
        "first_line": words.first_line,
        "gist": words.gist,
        "plural": words.plural,
        "choices": _choices,
    }
    made.globals |= {
        "static": static,
        "icons": ASSETS["icons.svg"].url,
        "facts": FACTS,
        "places": PLACES,
        "plural": words.plural,
    }
    return made


environment = _environment()


def _draw(request: Request, template: str, context: Mapping[str, Any]) -> str:
    settings: Settings = request.app.state.settings
    around = {
        "now": clock.now(),
        "frame": getattr(request.state, "frame", None),
        "path": request.url.path,
        "said": SAID.get(request.query_params.get("said", "")),
        "htmx_url": htmx_source(settings),
        "htmx_sri": settings.htmx_sri,
    }
    return environment.get_template(template).render({**around, **context})


def page(request: Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200) -> HTMLResponse:
    """A whole page; never kept by the browser, for another person may sit down at this desk."""
    headers = {"Cache-Control": "no-store"} | ({"HX-Push-Url": "false"} if status >= 400 else {})
    return HTMLResponse(_draw(request, template, context or {}), status, headers=headers)


def fragment(
    request: Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> HTMLResponse:
    """A part of a page: a file whose name starts with _ and whose outer element has an id."""
    return page(request, template, context, status)


def toast(request: Request, sentence: str, status: int = 200) -> HTMLResponse:
    """One sentence over the page for htmx; what was typed stays where it is."""
    answer = page(request, "_toast.html", {"sentence": sentence}, status)
    answer.headers.update({"HX-Retarget": "#toast", "HX-Reswap": "outerHTML", "HX-Push-Url": "false"})
    return answer


def quick(request: Request) -> bool:
    """htmx asks, not the browser itself."""
    return request.headers.get("hx-request") == "true"
