"""Writing posts and letting them out. A draft may be anything; what goes out was checked and somebody stands for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy import update as change
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from api.library import queries as library
from api.library.filling import fill, fits
from api.media import queries as media
from api.media import service as media_service
from api.models import Account, Confirmation, Destination, Post, PostState, Schedule, Viewer
from api.outbox import service as outbox
from api.posts import checks, pictures, queries, saying, shares
from api.posts.schemas import PostIn
from api.posts.settling import settle as settle
from api.posts.values import Outgoing, Words

UNSENT = (PostState.DRAFT, PostState.CANCELLED)
"""Nothing of it has left: it can be changed freely and published."""


async def create(
    session: AsyncSession,
    viewer: Viewer,
    data: PostIn,
    *,
    question_id: UUID | None = None,
    priority_id: UUID | None = None,
) -> Post:
    """A draft, or, with a time, a post on its way."""
    team = await queries.get_team(session, viewer, data.team_id)
    access.require(viewer, Action.DRAFT, team.id)
    if data.publish_at is not None:
        require_publish(viewer, team.id)
    post = Post(
        force_id=team.force_id,
        team_id=team.id,
        author_id=viewer.person_id,
        text=await _text_of(session, viewer, data),
        language=data.language,
        visibility=data.visibility,
        content_warning=data.content_warning,
        as_thread=data.as_thread,
        useful_until=data.useful_until,
        standard_post_id=data.standard_post_id,
        question_id=question_id,
        priority_id=priority_id,
    )
    session.add(post)
    await session.flush()
    variants = {variant.account_id: variant.text for variant in data.variants}
    await set_destinations(session, viewer, post, data.account_ids, variants)
    await media_service.carry(session, viewer, post, data.media_ids)
    audit.record(session, viewer, "posts.draft", "post", post.id, accounts=len(data.account_ids))
    if data.publish_at is not None:
        await publish(session, viewer, post, data.publish_at, data.useful_until)
    return post


async def publish(
    session: AsyncSession,
    viewer: Viewer,
    post: Post,
    publish_at: datetime | None = None,
    useful_until: datetime | None = None,
    confirmed_how: Confirmation | None = None,
) -> Schedule:
    """Now, or at a time. Whoever calls this has answered the journalist question, or their token stands for it."""
    require_publish(viewer, post.team_id)
    if post.state not in UNSENT:
        raise Conflict("It is on its way already, or it went out. Move it, or write a new post.", state=post.state)
    due = checks.when(publish_at, useful_until or post.useful_until)
    outgoing = await outgoing_of(session, viewer, post)
    checks.ready(outgoing)
    pictures.check(outgoing, (await media.of_posts(session, [post.id]))[post.id])
    await confirm(session, viewer, post, confirmed_how, useful_until=due.useful_until, state=PostState.SCHEDULED)
    schedule = Schedule(
        force_id=post.force_id, team_id=post.team_id, post_id=post.id, made_by_id=viewer.person_id,
        publish_at=due.due_at, useful_until=due.useful_until,
    )  # fmt: skip
    session.add(schedule)
    await session.flush()
    await queue(session, viewer, post, schedule, outgoing)
    audit.record(
        session, viewer, Action.PUBLISH, "post", post.id, publish_at=due.due_at.isoformat(),
        accounts=len(outgoing), confirmed_how=str(post.confirmed_how),
    )  # fmt: skip
    return schedule


async def queue(
    session: AsyncSession, viewer: Viewer, post: Post, schedule: Schedule, outgoing: Iterable[Outgoing]
) -> None:
    carried = [each.id for each in (await media.of_posts(session, [post.id]))[post.id]]
    for each in outgoing:
        await outbox.queue_parts(
            session, viewer, each.account, each.parts, schedule.publish_at, schedule.useful_until,
            language=post.language, visibility=post.visibility, content_warning=post.content_warning,
            post_id=post.id, schedule_id=schedule.id, team_id=post.team_id, shares=each.shares, media_ids=carried,
        )  # fmt: skip


async def confirm(
    session: AsyncSession, viewer: Viewer, post: Post, how: Confirmation | None = None, **values: Any
) -> None:
    """Keeps who stands for the words from now on, with the change itself."""
    how = how or (Confirmation.PERSON if viewer.scopes is None else Confirmation.TOKEN)
    await write(session, post, confirmed_by_id=viewer.person_id, confirmed_at=now(), confirmed_how=how.value, **values)


async def write(session: AsyncSession, post: Post, **values: Any) -> None:
    """One more version, unless somebody else made it first."""
    changed = await session.execute(
        change(Post)
        .where(col(Post.id) == post.id, col(Post.version) == post.version)
        .values(version=post.version + 1, updated_at=now(), **values)
        .execution_options(synchronize_session=False)
    )
    if not getattr(changed, "rowcount", 0):
        raise Stale
    await session.refresh(post)


async def set_destinations(
    session: AsyncSession, viewer: Viewer, post: Post, account_ids: Sequence[UUID], variants: Mapping[UUID, str]
) -> None:
    """The accounts a post goes to, completely. An account that cannot be seen does not exist."""
    await chosen(session, viewer, post.team_id, account_ids)
    await session.execute(delete(Destination).where(col(Destination.post_id) == post.id))
    session.add_all(
        Destination(post_id=post.id, account_id=account_id, text=variants.get(account_id)) for account_id in account_ids
    )
    await session.flush()


async def keep_variants(session: AsyncSession, post: Post, variants: Mapping[UUID, str]) -> None:
    """The same accounts, each with its own words or the post's."""
    for destination in (await queries.destinations_of(session, [post.id]))[post.id]:
        destination.text = variants.get(destination.account_id)
    await session.flush()


async def chosen(session: AsyncSession, viewer: Viewer, team_id: UUID, account_ids: Sequence[UUID]) -> list[Account]:
    """The accounts in the order they were named, each the team's own or the force's."""
    found = await queries.chosen_accounts(session, viewer, account_ids)
    if len(found) < len(set(account_ids)):
        raise NotFound("One of these accounts does not exist, or is not yours to see.")
    for account in found.values():
        if account.team_id not in (None, team_id):
            raise Invalid(f"{account.handle} belongs to another team. Write that team's post instead.", "account_ids")
    return [found[account_id] for account_id in account_ids]


async def outgoing_of(session: AsyncSession, viewer: Viewer, post: Post) -> list[Outgoing]:
    """What each account would say, every account one that this person may write as."""
    destinations = (await queries.destinations_of(session, [post.id]))[post.id]
    variants = {each.account_id: each.text for each in destinations}
    return await outgoing(session, viewer, post, Words.of(post), variants)


async def outgoing(
    session: AsyncSession, viewer: Viewer, post: Post, words: Words, variants: Mapping[UUID, str | None]
) -> list[Outgoing]:
    """The same for words that are not kept yet. None: what everybody says."""
    found = await chosen(session, viewer, post.team_id, list(variants))
    for account in found:
        await accounts.require_writable(session, viewer, account)
    passed_on = await shares.passed_on(session, post.id, found)
    return [saying.outgoing(account, words, variants[account.id], passed_on.get(account.id)) for account in found]


def require_publish(viewer: Viewer, team_id: UUID) -> None:
    """Drafting and publishing are two rights; a token has a scope for each."""
    if access.may(viewer, Action.PUBLISH, team_id):
        return
    if viewer.scopes is not None and "posts:publish" not in viewer.scopes:
        raise Forbidden(
            "This token writes drafts. To publish it needs the scope posts:publish, by which a named person stands "
            "for what goes out. Leave publish_at away to keep a draft."
        )
    raise Forbidden("You can write drafts here; somebody of the team publishes them.")


async def _text_of(session: AsyncSession, viewer: Viewer, data: PostIn) -> str:
    """The text as written, or a standard post filled in. A locked one changes in its fields only."""
    if data.standard_post_id is None:
        return data.text
    standard_post = await library.get_standard_post(session, viewer, data.standard_post_id)
    if data.values is not None:
        return fill(standard_post, data.values)
    texts = [data.text, *(variant.text for variant in data.variants)]
    if standard_post.locked and not all(fits(standard_post, text) for text in texts):
        raise Invalid(f"“{standard_post.title}” is locked: fill in its fields and leave the rest as it is.", "text")
    return data.text
