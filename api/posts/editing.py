"""Changing what is out already, where the platform allows it: all of it or nothing is asked, and workers do it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.accounts import queries as accounts
from api.audit import service as audit
from api.core.errors import Conflict, Invalid
from api.models import (
    Account,
    Delivery,
    DeliveryState,
    Errand,
    ErrandKind,
    ErrandState,
    Media,
    Post,
    PostState,
    Viewer,
)
from api.outbox import errands
from api.outbox import queries as waiting
from api.outbox import service as outbox
from api.platforms.facts import FACTS
from api.posts import checks, queries, saying, service
from api.posts.schemas import PostPatch
from api.posts.values import Words

OUT = (PostState.SENT, PostState.PARTLY_SENT, PostState.WITHDRAWN)
ONLY_WORDS = "It is out. Its words can be changed; its accounts and its time cannot."
IN_PARTS = "It went out there in {parts} parts, which cannot be changed. Take it down and write it again."
WITHDRAWN = "It was taken down. Write it again instead."
NOT_OUT = (DeliveryState.REFUSED, DeliveryState.MISSED)


async def edit(
    session: AsyncSession, viewer: Viewer, post: Post, patch: PostPatch, variants: Mapping[UUID, str]
) -> None:
    """Each account whose words differ from what stands there, or is asked to stand there, gets an errand."""
    service.require_publish(viewer, post.team_id)
    if post.withdrawn_at is not None or post.state is PostState.WITHDRAWN:
        raise Conflict(WITHDRAWN)
    if patch.account_ids is not None or patch.publish_at is not None or patch.useful_until is not None:
        raise Conflict(ONLY_WORDS)
    text = post.text if patch.text is None else patch.text
    warning = post.content_warning if patch.content_warning is None else patch.content_warning
    rows = await waiting.of_post(session, [post.id])
    there = await _standing_words(session, rows)
    said = {each.account_id: each.text for each in (await queries.destinations_of(session, [post.id]))[post.id]}

    def words(each: Delivery) -> str:
        new = variants.get(each.account_id, text)
        same = each.parts > 1 and new == (said.get(each.account_id) or post.text)
        return each.text if same else new  # a part of a thread says its part of what stays as it is

    wanted = {each.id: (words(each), warning) for each in rows}
    described = await _described(session, rows, patch)
    changed = [
        each for each in rows if each.id in there and (there[each.id] != wanted[each.id] or each.id in described)
    ]
    await _may_change(session, viewer, post, changed, wanted)
    for delivery in sorted(changed, key=lambda each: each.id):
        await errands.ask_edit(session, viewer, delivery, *wanted[delivery.id], described.get(delivery.id))
    for delivery in rows:
        # Should somebody send it again, it says what the others say.
        if delivery.state in NOT_OUT and delivery.parts == 1:
            await outbox.change_unsent(session, viewer, delivery, *wanted[delivery.id])
    await service.confirm(session, viewer, post, text=text, content_warning=warning)
    await service.keep_variants(session, post, variants)
    audit.record(session, viewer, "posts.edit", "post", post.id, accounts=len(changed))


async def _standing_words(session: AsyncSession, rows: Sequence[Delivery]) -> dict[UUID, tuple[str, str]]:
    """What is out says, or will say once what was asked is done."""
    out = [each for each in rows if each.state is DeliveryState.SENT and each.gone_at is None]
    asked = await errands.latest(session, [each.id for each in out], [ErrandKind.EDIT])
    return {each.id: _words(each, asked.get(each.id)) for each in out}


def _words(delivery: Delivery, asked: Errand | None) -> tuple[str, str]:
    if asked is not None and asked.state is ErrandState.ASKED:
        return asked.text or "", asked.content_warning
    return delivery.text, delivery.content_warning


async def _described(session: AsyncSession, rows: Sequence[Delivery], patch: PostPatch) -> dict[UUID, list[str]]:
    """The new descriptions, whole and in order, of each delivery whose pictures get other ones."""
    wanted = {str(each.media_id): each.alt for each in patch.descriptions or ()}
    carried = {media_id for each in rows for media_id in each.media_ids or ()}
    if unknown := set(wanted) - carried:
        raise Invalid("One of these pictures is not in this post.", "descriptions", unknown=sorted(unknown))
    found = await session.execute(
        select(col(Media.id), col(Media.alt)).where(col(Media.id).in_([UUID(each) for each in carried]))
    )
    present = {str(media_id): alt for media_id, alt in found.tuples()}
    new = {each.id: [wanted.get(one, present.get(one, "")) for one in each.media_ids or ()] for each in rows}
    old = {each.id: [present.get(one, "") for one in each.media_ids or ()] for each in rows}
    return {key: alts for key, alts in new.items() if alts != old[key]}


async def _may_change(
    session: AsyncSession,
    viewer: Viewer,
    post: Post,
    changed: Sequence[Delivery],
    wanted: Mapping[UUID, tuple[str, str]],
) -> None:
    rows = await session.execute(select(Account).where(col(Account.id).in_([each.account_id for each in changed])))
    known = {account.id: account for account in rows.scalars()}
    outgoing = []
    for delivery in changed:
        account = known[delivery.account_id]
        if not errands.can_change(account.platform, delivery.visibility, delivery.kind):
            raise _cannot(account)
        if delivery.parts > 1:
            raise Conflict(IN_PARTS.format(parts=delivery.parts))
        await accounts.require_writable(session, viewer, account)
        text, warning = wanted[delivery.id]
        words = replace(Words.of(post), text=text, content_warning=warning, as_thread=False)
        outgoing.append(saying.outgoing(account, words))
    if outgoing:
        checks.ready(outgoing)


def _cannot(account: Account) -> Conflict:
    label = FACTS[account.platform].label
    more: dict[str, Any] = {"cannot": [str(account.id)]}
    return Conflict(
        f"{label} does not let {account.handle} change a post that is out. Take it down and post it again, or give "
        f"only the other accounts new words.",
        **more,
    )
