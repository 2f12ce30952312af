"""When something goes wrong, a page says what happened, what is safe and what to do."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.core.errors import DomainError, NotFound, Unauthorised
from api.core.http import retry_header
from api.core.log import request_id
from web import frame
from web.render import page, quick, toast

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
        await _around(request)
        return nothing_here(request, error.sentence if error.sentence != NotFound().sentence else "")
    await _around(request)
    answer = tell(request, error.status, error.title, error.sentence)
    answer.headers.update(retry_header(error))
    return answer


async def _around(request: Request) -> None:
    """Whoever is signed in sees their frame around the bad news too."""
    viewer = getattr(request.state, "viewer", None)
    if viewer is None or getattr(request.state, "frame", None) or quick(request):
        return
    runtime = request.app.state.runtime
    async with runtime.read() as session:
        request.state.frame = await frame.around(session, viewer, runtime.settings)


def to_sign_in(request: Request) -> Response:
    """Back to where they wanted to go, once they are in."""
    here = request.url.path if request.method == "GET" else "/"
    where = "/sign-in" if here == "/" else f"/sign-in?next={here}"
    if quick(request):
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, status_code=303)


def nothing_here(request: Request, sentence: str = "") -> Response:
    return tell(
        request,
        404,
        "There is nothing at this address",
        sentence or "The link may be old, or it belongs to another team. Nothing of yours is lost.",
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
    """A bug of ours: said so, with the word to read out on the phone that stands in the log too."""
    return tell(
        request,
        500,
        "This page broke. It is our fault",
        "Nothing was changed. Load it again, or tell the service desk.",
        "Posts go out on time all the same: another program does that.",
        request_id(),
    )
