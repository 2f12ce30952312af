"""Taking a post down, and giving it new words where it stands."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from api.access import service as access
from api.access.service import Action
from api.core.errors import Conflict
from api.models import Post, Viewer
from api.posts import changing, queries, withdrawing
from api.posts import service as posts
from api.posts.editing import OUT
from api.posts.schemas import PostIn, PostPatch
from web.deps import Framed, Signed, WriteSession, runtime_of
from web.mistakes import CAUGHT, errors_of
from web.pages.posts import all_about
from web.render import page
from web.typed import VARIANT

router = APIRouter()
ALT = "alt-"


@router.post("/posts/{post_id}/withdraw")
async def withdraw(
    session: WriteSession,
    viewer: Signed,
    post_id: UUID,
    reason: Annotated[str, Form()] = "",
    then: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """With `again`, its words stand in a draft to go on with."""
    post = await withdrawing.withdraw(session, viewer, post_id, reason)
    if then != "again":
        return RedirectResponse(f"/posts/{post_id}?said=withdrawing", 303)
    written = await queries.written(session, post)
    draft = PostIn(
        team_id=post.team_id, text=post.text, language=post.language,
        account_ids=[each.account_id for each in written.destinations],
    )  # fmt: skip
    made = await posts.create(session, viewer, draft)
    return RedirectResponse(f"/write/{made.id}?said=withdrawing", 303)


@router.post("/posts/{post_id}/words")
async def words(request: Request, viewer: Framed, post_id: UUID) -> Response:
    """What cannot be done stands in its field as it was typed."""
    form = await request.form()
    typed = {name: str(form[name]).replace("\r\n", "\n") for name in form}
    async with runtime_of(request).read() as session:
        post = await queries.get_post(session, viewer, post_id)
    access.require(viewer, Action.PUBLISH, post.team_id)
    if post.state not in OUT:
        raise Conflict("It is not out. Change it in the form in which it is written.")
    try:
        async with runtime_of(request).unit_of_work() as session:
            present = (await queries.destinations_of(session, [post.id]))[post.id]
            own = {each.account_id: each.text for each in present if each.text is not None}
            await changing.update(session, viewer, post_id, _patch(typed, own, post), _version(form))
    except CAUGHT as error:
        return await _again(request, viewer, post_id, typed, errors_of(error))
    return RedirectResponse(f"/posts/{post_id}?said=changing", 303)


def _patch(typed: dict[str, str], own: dict[UUID, str], post: Post) -> PostPatch:
    """Variants are a complete list: those that the form did not show stay."""
    text = typed.get("text")
    shown = {UUID(name.removeprefix(VARIANT)): said for name, said in typed.items() if name.startswith(VARIANT)}
    variants = {**own, **{key: said for key, said in shown.items() if said != post.text}}
    wanted: dict[str, Any] = {
        "text": text,
        "variants": [{"account_id": key, "text": said} for key, said in variants.items()],
        "content_warning": typed.get("content_warning"),
        "descriptions": [
            {"media_id": name.removeprefix(ALT), "alt": said} for name, said in typed.items() if name.startswith(ALT)
        ],
    }
    return PostPatch.model_validate(wanted)


async def _again(
    request: Request, viewer: Viewer, post_id: UUID, typed: dict[str, str], errors: dict[str, str]
) -> Response:
    async with runtime_of(request).read() as session:
        post = await queries.get_post(session, viewer, post_id)
        context = await all_about(session, viewer, post)
    return page(request, "posts/show.html", {**context, "errors": errors, "typed": typed}, 422)


def _version(form: FormData) -> int | None:
    said = str(form.get("version", ""))
    return int(said) if said.isdecimal() else None
