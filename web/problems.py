"""When something goes wrong, a page says what happened, what is safe and what to do."""

import secrets

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.core.errors import DomainError, NotFound, Unauthorised
from web.render import page, quick, toast

log = structlog.get_logger()
TODAY = ("/", "Back to Today")
INBOX = ("/inbox", "Open inbox")


def tell(request: Request, status: int, title: str, sentence: str, safe: str = "", reference: str = "") -> Response:
    """A toast for htmx, so that nothing typed is lost; a page for everybody else."""
    if quick(request):
        return toast(request, f"{title}. {sentence} {safe}".strip(), status)
    return page(
        request,
        "problem.html",
        {
            "title": title,
            "sentence": sentence,
            "safe": safe,
            "ways": (TODAY, INBOX) if getattr(request.state, "frame", None) else (TODAY,),
            "code": status,
            "reference": reference,
        },
        status,
    )


async def on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    if isinstance(error, Unauthorised):
        return to_sign_in(request)
    if isinstance(error, NotFound):
        return nothing_here(request)
    return tell(request, error.status, error.title, error.sentence)


def to_sign_in(request: Request) -> Response:
    """Back to where they wanted to go, once they are in."""
    here = request.url.path if request.method == "GET" else "/"
    where = "/sign-in" if here == "/" else f"/sign-in?next={here}"
    if quick(request):
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, status_code=303)


def nothing_here(request: Request) -> Response:
    return tell(
        request,
        404,
        "There is nothing at this address",
        "The link may be old, or it belongs to another team. Nothing of yours is lost.",
    )


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return nothing_here(request)
    return tell(request, error.status_code, "That did not work", "Go back, look at what you sent and try again.")


async def on_invalid_form(request: Request, error: Exception) -> Response:
    return tell(
        request,
        422,
        "Something in this form cannot be used",
        "It was changed on its way, or a part is missing. Go back, look at it and send it again.",
        "Nothing was saved.",
    )


async def on_bug(request: Request, error: Exception) -> Response:
    """Our fault: said so, with a word to read out on the phone that stands in the log too."""
    reference = secrets.token_hex(3).upper()
    log.error("page_broke", reference=reference, error=type(error).__name__, path=route_of(request))
    return tell(
        request,
        500,
        "This page broke. It is our fault",
        "What you sent last may not be saved: look before you send it again.",
        "Posts go out on time all the same: another program does that.",
        reference,
    )


def route_of(request: Request) -> str:
    """The shape of the address, without anybody's id in it."""
    return getattr(request.scope.get("route"), "path", "unknown")
