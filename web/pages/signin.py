"""In and out: the password, the code, the link that sets a password."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.core.errors import DomainError, Invalid, TooMany, Unauthorised
from api.core.http import retry_header
from api.identity import service as identity
from api.identity.door import COOKIE
from web.addresses import within
from web.deps import ReadSession, Signed, WriteSession
from web.render import page
from web.sessions import by_cookie, door_of, let_in, let_out, visitor

router = APIRouter()
Typed = Annotated[str, Form()]


@router.get("/sign-in")
async def sign_in_form(request: Request, next: str = "/") -> Response:
    if await by_cookie(request):
        return RedirectResponse(within(next), 303)
    return page(request, "signin/index.html", {"errors": {}, "email": "", "next": within(next)})


@router.post("/sign-in")
async def sign_in(request: Request, email: Typed = "", password: Typed = "", next: Typed = "/") -> Response:
    try:
        welcome = await door_of(request).sign_in(email, password, visitor(request))
    except (Invalid, TooMany) as error:
        context = {"errors": _errors(error), "email": email, "next": within(next)}
        return _refused(request, "signin/index.html", context, error)
    where = f"/sign-in/code?next={within(next)}" if welcome.code_needed else within(next)
    answer = RedirectResponse(where, 303)
    let_in(request, answer, welcome)
    return answer


@router.get("/sign-in/code")
async def code_form(request: Request, next: str = "/") -> Response:
    return page(request, "signin/code.html", {"errors": {}, "next": within(next)})


@router.post("/sign-in/code")
async def give_code(request: Request, code: Typed = "", next: Typed = "/") -> Response:
    try:
        welcome = await door_of(request).give_code(request.cookies.get(COOKIE, ""), code, visitor(request))
    except Unauthorised as error:
        context = {"errors": {"": error.sentence}, "email": "", "next": within(next)}
        return _refused(request, "signin/index.html", context, error)
    except (Invalid, TooMany) as error:
        return _refused(request, "signin/code.html", {"errors": _errors(error), "next": within(next)}, error)
    answer = RedirectResponse(within(next), 303)
    let_in(request, answer, welcome)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, session: WriteSession, viewer: Signed) -> Response:
    if viewer.sign_in_id:
        await identity.end_sign_in(session, viewer, viewer.sign_in_id)
    answer = RedirectResponse("/sign-in?said=signed-out", 303)
    let_out(request, answer)
    return answer


@router.get("/set-password/{link}")
async def password_form(request: Request, session: ReadSession, link: str) -> Response:
    person = await identity.person_of_link(session, link)
    return page(request, "signin/password.html", {"errors": {}, "name": person.name, "email": person.email})


@router.post("/set-password/{link}")
async def set_password(
    request: Request, session: ReadSession, link: str, password: Typed = "", again: Typed = ""
) -> Response:
    person = await identity.person_of_link(session, link)
    try:
        if password != again:
            raise Invalid("Not the same as above. Type it once more.", "again")
        await door_of(request).set_password(link, password)
    except Invalid as error:
        context = {"errors": _errors(error), "name": person.name, "email": person.email}
        return page(request, "signin/password.html", context, 422)
    return RedirectResponse("/sign-in?said=password-set", 303)


def _errors(error: DomainError) -> dict[str, str]:
    return {(error.field or "") if isinstance(error, Invalid) else "": error.sentence}


def _refused(request: Request, template: str, context: Mapping[str, object], error: DomainError) -> Response:
    answer = page(request, template, context, error.status)
    answer.headers.update(retry_header(error))
    return answer
