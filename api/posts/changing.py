"""Changing a post: freely while it is a draft; all of it or nothing while it waits; not at all once it leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid, Stale
from api.library import queries as library
from api.library.filling import fits
from api.media import queries as media
from api.media import service as media_service
from api.models import Delivery, DeliveryState, Post, PostState, Schedule, ScheduleState, ShareHow, Viewer
from api.outbox import queries as waiting
from api.outbox import service as outbox
from api.posts import checks, editing, pictures, queries, service, shares
from api.posts.schemas import PostPatch, refuse_unknown_variants
from api.posts.values import Outgoing, When, Words


async def update(session: AsyncSession, viewer: Viewer, post_id: UUID, patch: PostPatch, version: int | None) -> Post:
    """`version` is the one the person was looking at; None: whichever it is now."""
    post = await queries.get_post(session, viewer, post_id)
    access.require(viewer, Action.DRAFT, post.team_id)
    if version is not None and version != post.version:
        raise Stale
    await _keep_repost(session, post, patch)
    if post.state not in editing.OUT and patch.descriptions:
        raise Conflict("It is not out yet: change the descriptions of the pictures themselves.")
    if post.state in editing.OUT:
        await _sent(session, viewer, post, patch)
    elif post.state in service.UNSENT:
        await _draft(session, viewer, post, patch)
    else:
        await _scheduled(session, viewer, post, patch)
    return post


async def move(
    session: AsyncSession,
    viewer: Viewer,
    post: Post,
    schedule: Schedule,
    publish_at: datetime | None,
    useful_until: datetime | None,
) -> None:
    """Another time, as long as nothing of it has left."""
    service.require_publish(viewer, post.team_id)
    deliveries = await still_waiting(session, post, schedule)
    due = _new_time(schedule, publish_at, useful_until)
    await _move(session, schedule, deliveries, due)
    await service.write(session, post, useful_until=due.useful_until)
    audit.record(session, viewer, "schedules.move", "post", post.id, publish_at=due.due_at.isoformat())


async def _draft(session: AsyncSession, viewer: Viewer, post: Post, patch: PostPatch) -> None:
    account_ids, variants = await _wanted(session, post, patch)
    await service.write(session, post, state=PostState.DRAFT, **_words(patch))
    await service.set_destinations(session, viewer, post, account_ids, variants)
    if patch.media_ids is not None:
        await media_service.carry(session, viewer, post, patch.media_ids)
    await _keep_lock(session, viewer, post, variants)
    audit.record(session, viewer, "posts.change", "post", post.id, fields=_named(patch))
    if patch.publish_at is not None:
        await service.publish(session, viewer, post, patch.publish_at, patch.useful_until)


async def _scheduled(session: AsyncSession, viewer: Viewer, post: Post, patch: PostPatch) -> None:
    """Deliveries first, the post last: the same order as the workers lock them in."""
    service.require_publish(viewer, post.team_id)
    schedule = await active_schedule(session, post)
    deliveries = by_account(await still_waiting(session, post, schedule))
    account_ids, variants = await _wanted(session, post, patch)
    if not account_ids:
        raise Invalid("It needs one account at least. To stop it, cancel it.", "account_ids")
    changes = _words(patch)
    words = replace(Words.of(post), **{name: value for name, value in changes.items() if name in Words.__slots__})
    outgoing = await service.outgoing(
        session, viewer, post, words, {account_id: variants.get(account_id) for account_id in account_ids}
    )
    checks.ready(outgoing)
    if patch.media_ids is not None:
        await media_service.carry(session, viewer, post, patch.media_ids)
    carried = (await media.of_posts(session, [post.id]))[post.id]
    pictures.check(outgoing, carried)
    anew = await _say(session, viewer, deliveries, outgoing)
    if patch.media_ids is not None:
        for parts in deliveries.values():
            await outbox.change_media(session, viewer, parts[0], patch.media_ids)
    if patch.publish_at is not None or patch.useful_until is not None:
        waiting = [each for parts in deliveries.values() for each in parts]
        await _move(session, schedule, waiting, _new_time(schedule, patch.publish_at, patch.useful_until))
    await service.confirm(session, viewer, post, **changes)
    await service.set_destinations(session, viewer, post, account_ids, variants)
    await _keep_lock(session, viewer, post, variants)
    await service.queue(session, viewer, post, schedule, anew)
    audit.record(session, viewer, "posts.change", "post", post.id, fields=_named(patch))


async def _say(
    session: AsyncSession, viewer: Viewer, deliveries: dict[UUID, list[Delivery]], outgoing: Sequence[Outgoing]
) -> list[Outgoing]:
    """New words in what waits already. What is to be queued anew: new accounts, and threads of another length."""
    anew = []
    wanted = {each.account.id for each in outgoing}
    for account_id in [one for one in deliveries if one not in wanted]:
        await _take_back(session, viewer, deliveries.pop(account_id))
    for each in outgoing:
        waiting = deliveries.get(each.account.id, [])
        if len(waiting) != len(each.parts):
            await _take_back(session, viewer, deliveries.pop(each.account.id, []))
            anew.append(each)
            continue
        for delivery, text in zip(waiting, each.parts, strict=True):
            await outbox.change_words(
                session, viewer, delivery, text=text, language=each.words.language,
                visibility=each.words.visibility, content_warning=each.words.content_warning,
            )  # fmt: skip
    return anew


async def _take_back(session: AsyncSession, viewer: Viewer, deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        await outbox.cancel(session, viewer, delivery)


def by_account(deliveries: Sequence[Delivery]) -> dict[UUID, list[Delivery]]:
    """The parts of each account's thread in their order."""
    found: dict[UUID, list[Delivery]] = {}
    for delivery in sorted(deliveries, key=lambda each: each.part):
        found.setdefault(delivery.account_id, []).append(delivery)
    return found


async def _sent(session: AsyncSession, viewer: Viewer, post: Post, patch: PostPatch) -> None:
    _, variants = await _wanted(session, post, patch)
    await editing.edit(session, viewer, post, patch, variants)
    await _keep_lock(session, viewer, post, variants)


async def _keep_repost(session: AsyncSession, post: Post, patch: PostPatch) -> None:
    share = (await shares.of(session, [post.id])).get(post.id)
    if share and share.how is ShareHow.REPOST and (patch.text is not None or patch.variants):
        raise Invalid("A repost passes on what somebody else wrote: it has no words to change.", "text")


async def active_schedule(session: AsyncSession, post: Post) -> Schedule:
    rows = await session.execute(
        select(Schedule).where(col(Schedule.post_id) == post.id, col(Schedule.state) == ScheduleState.ACTIVE)
    )
    schedule = rows.scalar_one_or_none()
    if schedule is None:
        raise Conflict("It went out already, or it was stopped: it cannot be changed any more.", state=post.state)
    return schedule


async def still_waiting(session: AsyncSession, post: Post, schedule: Schedule) -> list[Delivery]:
    """All of a schedule's deliveries, if all of them wait. One that has left is named and nothing is changed."""
    mine = [
        each
        for each in await waiting.of_post(session, [post.id])
        if each.schedule_id == schedule.id and each.state is not DeliveryState.CANCELLED
    ]
    left = list(dict.fromkeys(each.account_id for each in mine if each.state is not DeliveryState.QUEUED))
    if left or not mine:
        names = await queries.handles(session, left)
        raise Conflict(
            f"It is going out already ({', '.join(names)}), so nothing was changed. Cancel it to stop the rest.",
            gone=[str(account_id) for account_id in left],
        )
    return mine


async def _move(session: AsyncSession, schedule: Schedule, deliveries: Sequence[Delivery], due: When) -> None:
    await outbox.move(session, deliveries, due.due_at, due.useful_until)
    schedule.publish_at, schedule.useful_until = due.due_at, due.useful_until
    schedule.version, schedule.updated_at = schedule.version + 1, now()


def _new_time(schedule: Schedule, publish_at: datetime | None, useful_until: datetime | None) -> When:
    """An end that was never asked for moves along; one that was asked for stays, and must still make sense."""
    return checks.when(publish_at or schedule.publish_at, useful_until or schedule.useful_until)


async def _wanted(session: AsyncSession, post: Post, patch: PostPatch) -> tuple[list[UUID], dict[UUID, str]]:
    """The accounts and variants after the change. A variant goes with its account."""
    present = (await queries.destinations_of(session, [post.id]))[post.id]
    account_ids = [each.account_id for each in present] if patch.account_ids is None else patch.account_ids
    if patch.variants is not None:
        refuse_unknown_variants(set(account_ids), patch.variants)
        return account_ids, {variant.account_id: variant.text for variant in patch.variants}
    kept = {each.account_id: each.text for each in present if each.text is not None}
    return account_ids, {account_id: text for account_id, text in kept.items() if account_id in set(account_ids)}


async def _keep_lock(session: AsyncSession, viewer: Viewer, post: Post, variants: Mapping[UUID, str]) -> None:
    if post.standard_post_id is None:
        return
    standard_post = await library.get_standard_post(session, viewer, post.standard_post_id)
    if standard_post.locked and not all(fits(standard_post, text) for text in [post.text, *variants.values()]):
        raise Invalid(f"“{standard_post.title}” is locked: fill in its fields and leave the rest as it is.", "text")


def _words(patch: PostPatch) -> dict[str, Any]:
    wanted = ("text", "useful_until", "language", "visibility", "content_warning", "as_thread")
    return {name: value for name in wanted if (value := getattr(patch, name)) is not None}


def _named(patch: PostPatch) -> str:
    return " ".join(sorted(name for name in patch.model_fields_set if getattr(patch, name) is not None))
