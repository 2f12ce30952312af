"""Where somebody is signed in, and their second step."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from api.alerts import service as alerts
from api.alerts.words import LABELS
from api.core.errors import Invalid
from api.identity import queries, second_factor
from api.identity import service as identity
from api.models import AlertKind
from web.deps import Framed, ReadSession, Signed, WriteSession, runtime_of
from web.render import page

router = APIRouter(prefix="/me")


@router.get("")
async def me(request: Request, session: ReadSession, viewer: Framed) -> Response:
    known = await queries.me(session, viewer)
    sign_ins = await queries.sign_ins(session, viewer)
    return page(request, "me/index.html", {
        "person": known.person,
        "sign_ins": sign_ins.items,
        "viewer": viewer,
        "has_second": known.person.totp_confirmed_at is not None,
        "mails": [(kind.value, words, kind not in (known.person.no_mail or ())) for kind, words in LABELS.items()],
        "mail_works": bool(runtime_of(request).settings.smtp_url),
    })  # fmt: skip


@router.post("/sign-ins/{sign_in_id}/end")
async def end(session: WriteSession, viewer: Signed, sign_in_id: UUID) -> Response:
    await identity.end_sign_in(session, viewer, sign_in_id)
    return RedirectResponse("/me?said=session-ended", 303)


@router.post("/mails")
async def choose_mails(request: Request, session: WriteSession, viewer: Signed) -> Response:
    """What is not ticked comes by e-mail no more."""
    form = await request.form()
    await alerts.choose_mail(session, viewer, [kind for kind in AlertKind if kind.value in form.getlist("kinds")])
    return RedirectResponse("/me?said=mails-kept#mails", 303)


@router.post("/second-step")
async def begin(request: Request, session: WriteSession, viewer: Framed) -> Response:
    """Shows the secret, once; begun again, the newer one counts."""
    enrolment = await second_factor.enrol(session, runtime_of(request).settings, viewer)
    context = {"secret": enrolment.secret, "picture": Markup(enrolment.svg), "errors": {}}  # noqa: S704 - drawn by us
    return page(request, "me/second.html", context)


@router.post("/second-step/confirm")
async def confirm(request: Request, viewer: Framed, code: Annotated[str, Form()] = "") -> Response:
    try:
        async with runtime_of(request).unit_of_work() as session:
            await second_factor.confirm(session, runtime_of(request).settings, viewer, code)
    except Invalid as error:
        context = {"secret": "", "picture": "", "errors": {"code": error.sentence}}
        return page(request, "me/second.html", context, 422)
    return RedirectResponse("/me?said=second-step", 303)
