"""What the force's own accounts posted, passed on by local teams: as it is, or with a line of their own and its address."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.audit import service as audit
from api.core.errors import Conflict, Invalid, NotFound
from api.models import Account, Confirmation, Delivery, DeliveryKind, Post, Share, ShareHow, Viewer
from api.platforms.values import Platform, Visibility
from api.posts import queries, service, shares
from api.posts.schemas import PostIn, ShareIn, Variant

_STANDS = text("deliveries.state = 'sent' AND deliveries.post_id IS NOT NULL AND deliveries.gone_at IS NULL")
OPEN_TO_ALL = (Visibility.PUBLIC, Visibility.UNLISTED)
LINES_OF_ONE = 4
"""A post has so many deliveries by the force's own accounts, or more: how far a short list is looked through."""


@dataclass(frozen=True, slots=True)
class Original:
    """A post of the force's own, as it stands: what is shown of it is public already."""

    post_id: UUID
    text: str
    content_warning: str
    language: str
    at: datetime
    who: str
    there: dict[Platform, Delivery] = field(default_factory=dict)
    account_ids: frozenset[UUID] = frozenset()

    @property
    def first(self) -> Delivery:
        return next(iter(self.there.values()))

    def address(self, platform: Platform) -> str:
        """Where it is read: on the reader's own platform, if it stands there."""
        return self.there.get(platform, self.first).url or ""


async def from_the_force(session: AsyncSession, viewer: Viewer, limit: int = 5) -> list[Original]:
    """Newest first. For whoever may write somewhere; others have nothing to share with."""
    if not access.may_anywhere(viewer, Action.DRAFT):
        return []
    return (await _originals(session, viewer, limit * LINES_OF_ONE))[:limit]


async def get_original(session: AsyncSession, viewer: Viewer, post_id: UUID) -> Original:
    """The gate: of this force, by one of its own accounts, still there, and not itself a share."""
    if not access.may_anywhere(viewer, Action.DRAFT):
        raise NotFound
    found = await _originals(session, viewer, 50, col(Delivery.post_id) == post_id)
    if not found:
        raise NotFound
    return found[0]


async def targets(session: AsyncSession, viewer: Viewer, team_id: UUID, original: Original) -> list[Account]:
    """The team's accounts that this person may share from: never one that said it itself."""
    found = await accounts.writable(session, viewer, team_id)
    return [account for account in found if account.id not in original.account_ids]


async def share(
    session: AsyncSession,
    viewer: Viewer,
    post_id: UUID,
    data: ShareIn,
    confirmed_how: Confirmation | None = None,
) -> Post:
    """A draft without a time: who may not publish proposes."""
    original = await get_original(session, viewer, post_id)
    if data.publish_at is not None:
        service.require_publish(viewer, data.team_id)
    if original.account_ids & set(data.account_ids):
        raise Invalid("An account does not share what it said itself. Choose another.", "account_ids")
    post = await service.create(session, viewer, await _as_post(session, viewer, original, data))
    session.add(Share(post_id=post.id, delivery_id=original.first.id, how=data.how))
    await session.flush()
    if data.how is ShareHow.REPOST:
        await _once(session, viewer, post, data)
    audit.record(session, viewer, "posts.share", "post", post.id, how=data.how, original=original.post_id)
    if data.publish_at is not None:
        await service.publish(session, viewer, post, data.publish_at, confirmed_how=confirmed_how)
    return post


async def _as_post(session: AsyncSession, viewer: Viewer, original: Original, data: ShareIn) -> PostIn:
    """Each account leads to where its own readers can see it."""
    chosen = await service.chosen(session, viewer, data.team_id, data.account_ids)
    said = {"team_id": data.team_id, "account_ids": data.account_ids, "language": original.language}
    if data.how is ShareHow.REPOST:
        return PostIn.model_validate({**said, "text": original.text})
    usual = original.first.url or ""
    elsewhere = {each.id: original.address(each.platform) for each in chosen}
    variants = [Variant(account_id=key, text=linked(data.text, url)) for key, url in elsewhere.items() if url != usual]
    return PostIn.model_validate({**said, "text": linked(data.text, usual), "variants": variants})


def linked(line: str, url: str) -> str:
    """The line and then the address, unless somebody has put that in already."""
    line = line.strip()
    return line if url in line else f"{line} {url}".strip()


async def _once(session: AsyncSession, viewer: Viewer, post: Post, data: ShareIn) -> None:
    chosen = await service.chosen(session, viewer, data.team_id, data.account_ids)
    passed_on = await shares.passed_on(session, post.id, chosen)
    already = await shares.there_already(session, list(passed_on.items()))
    if already:
        names = ", ".join(await queries.handles(session, already))
        raise Conflict(f"It is shared by {names} already.", shared=[str(each) for each in already])


async def _originals(
    session: AsyncSession, viewer: Viewer, limit: int, *conditions: ColumnElement[bool]
) -> list[Original]:
    own = select(col(Account.id)).where(col(Account.force_id) == viewer.force_id, col(Account.team_id).is_(None))
    share_itself = select(col(Share.id)).where(col(Share.post_id) == col(Delivery.post_id))
    rows = await session.execute(
        select(Delivery, Account, Post)
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .join(Post, col(Post.id) == col(Delivery.post_id))
        .where(
            _STANDS,
            col(Delivery.account_id).in_(own),
            col(Delivery.kind) == DeliveryKind.POST,
            col(Delivery.part) == 1,
            col(Delivery.visibility).in_(OPEN_TO_ALL),
            col(Delivery.url) != "",
            col(Post.withdrawn_at).is_(None),
            ~share_itself.exists(),
            *conditions,
        )
        .order_by(col(Delivery.sent_at).desc(), col(Delivery.id).desc())
        .limit(limit)
    )
    return _grouped(rows.tuples().all())


def _grouped(rows: Sequence[tuple[Delivery, Account, Post]]) -> list[Original]:
    by_post: dict[UUID, list[tuple[Delivery, Account, Post]]] = {}
    for row in rows:
        by_post.setdefault(row[2].id, []).append(row)
    return [
        Original(
            post_id=post_id, text=delivery.text, content_warning=delivery.content_warning,
            language=delivery.language, at=delivery.sent_at or delivery.due_at, who=account.name,
            there={account.platform: delivery for delivery, account, _ in group},
            account_ids=frozenset(account.id for _, account, _ in group),
        )
        for post_id, group in by_post.items()
        for delivery, account, _ in group[:1]
    ]  # fmt: skip
