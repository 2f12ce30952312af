"""Posts that a viewer may see, alone and with all that belongs to them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.errors import NotFound
from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.media import queries as media
from api.models import (
    Account,
    Delivery,
    DeliveryState,
    Destination,
    Errand,
    ErrandKind,
    ErrandState,
    Media,
    Person,
    Post,
    PostState,
    Schedule,
    Team,
    Viewer,
)
from api.outbox import errands
from api.outbox import queries as outbox
from api.outbox.waits import waits
from api.posts import shares
from api.posts.values import Version, Written


async def posts(
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID | None = None,
    states: Sequence[PostState] = (),
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Post]:
    """Newest change first."""
    statement = select(Post).where(_seen(viewer))
    if team_id is not None:
        statement = statement.where(col(Post.team_id) == team_id)
    if states:
        statement = statement.where(col(Post.state).in_(states))
    return await paged(session, statement, col(Post.updated_at), col(Post.id), cursor, limit, newest_first=True)


async def get_post(session: AsyncSession, viewer: Viewer, post_id: UUID) -> Post:
    return await the_one(session, select(Post).where(col(Post.id) == post_id, _seen(viewer)))


async def get_team(session: AsyncSession, viewer: Viewer, team_id: UUID) -> Team:
    """A team whose posts this viewer may see."""
    seen = access.within(viewer, Action.SEE_POSTS, col(Team.force_id), col(Team.id))
    team = (await session.execute(select(Team).where(col(Team.id) == team_id, seen))).scalar_one_or_none()
    if team is None:
        raise NotFound
    return team


async def chosen_accounts(session: AsyncSession, viewer: Viewer, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """The accounts among these that this viewer may write for."""
    mine = access.within(viewer, Action.DRAFT, col(Account.force_id), col(Account.team_id))
    rows = await session.execute(select(Account).where(col(Account.id).in_(list(account_ids)), mine))
    return {account.id: account for account in rows.scalars()}


async def handles(session: AsyncSession, account_ids: Iterable[UUID]) -> list[str]:
    """The names of accounts that a gate has already let through."""
    rows = await session.execute(
        select(col(Account.handle)).where(col(Account.id).in_(list(account_ids))).order_by(col(Account.handle))
    )
    return list(rows.scalars())


async def destinations_of(session: AsyncSession, post_ids: Iterable[UUID]) -> dict[UUID, list[Destination]]:
    """In the order of the accounts' names."""
    found: dict[UUID, list[Destination]] = defaultdict(list)
    rows = await session.execute(
        select(Destination)
        .join(Account, col(Account.id) == col(Destination.account_id))
        .where(col(Destination.post_id).in_(list(post_ids)))
        .order_by(col(Account.handle), col(Account.id))
    )
    for destination in rows.scalars():
        found[destination.post_id].append(destination)
    return found


async def schedules_of(session: AsyncSession, post_ids: Iterable[UUID]) -> dict[UUID, Schedule]:
    """The last schedule of each post."""
    rows = await session.execute(
        select(Schedule)
        .where(col(Schedule.post_id).in_(list(post_ids)))
        .order_by(col(Schedule.created_at), col(Schedule.id))
    )
    return {schedule.post_id: schedule for schedule in rows.scalars()}


async def with_deliveries(session: AsyncSession, posts: Sequence[Post]) -> list[Written]:
    """The posts in the same order, with what belongs to them; a handful of queries, however many posts."""
    ids = [post.id for post in posts]
    if not ids:
        return []
    destinations, schedules = await destinations_of(session, ids), await schedules_of(session, ids)
    deliveries: dict[UUID | None, list[Delivery]] = defaultdict(list)
    for delivery in await outbox.of_post(session, ids):
        deliveries[delivery.post_id].append(delivery)
    people = await session.execute(
        select(col(Person.id), col(Person.name)).where(col(Person.id).in_({post.author_id for post in posts}))
    )
    names = {row.id: row.name for row in people}
    shared = await shares.of(session, ids)
    carried = await media.of_posts(session, ids)
    waiting = await waits(session, {each.account_id for some in deliveries.values() for each in some})
    return [
        Written(
            post, names.get(post.author_id, ""), destinations[post.id],
            _that_count(deliveries[post.id], destinations[post.id], schedules.get(post.id)), schedules.get(post.id),
            shared.get(post.id),
            carried[post.id],
            waiting,
        )
        for post in posts
    ]  # fmt: skip


async def written(session: AsyncSession, post: Post) -> Written:
    return (await with_deliveries(session, [post]))[0]


async def gone_with_originals(session: AsyncSession, viewer: Viewer, since: datetime) -> Sequence[Post]:
    """The viewer's own that were taken down by the software since then, with what they share."""
    rows = await session.execute(
        select(Post)
        .where(
            _seen(viewer),
            col(Post.author_id) == viewer.person_id,
            col(Post.withdrawn_at) >= since,
            col(Post.withdrawn_by_id).is_(None),
        )
        .order_by(col(Post.withdrawn_at).desc())
        .limit(PAGE)
    )
    return rows.scalars().all()


async def still_there(session: AsyncSession, viewer: Viewer, since: datetime) -> Sequence[Post]:
    """Posts that somebody took down since then, and that an account's platform did not let go."""
    refused = select(col(Errand.id)).where(
        col(Errand.delivery_id) == col(Delivery.id),
        col(Errand.kind) == ErrandKind.WITHDRAW,
        col(Errand.state) == ErrandState.FAILED,
    )
    asked_again = select(col(Errand.id)).where(
        col(Errand.delivery_id) == col(Delivery.id),
        col(Errand.kind) == ErrandKind.WITHDRAW,
        col(Errand.state) == ErrandState.ASKED,
    )
    there = (
        select(col(Delivery.id))
        .where(col(Delivery.post_id) == col(Post.id), col(Delivery.gone_at).is_(None))
        .where(refused.exists(), ~asked_again.exists())
    )
    rows = await session.execute(
        select(Post)
        .where(_seen(viewer), col(Post.withdrawn_at) >= since, there.exists())
        .order_by(col(Post.withdrawn_at).desc())
        .limit(PAGE)
    )
    return rows.scalars().all()


async def described(session: AsyncSession, deliveries: Iterable[Delivery]) -> list[tuple[UUID, str]]:
    """The pictures that these carry, each once and in order, with what stands for them."""
    ids = list(dict.fromkeys(UUID(each) for delivery in deliveries for each in delivery.media_ids or ()))
    rows = await session.execute(select(col(Media.id), col(Media.alt)).where(col(Media.id).in_(ids)))
    known = dict(rows.tuples().all())
    return [(each, known[each]) for each in ids if each in known]


async def versions(session: AsyncSession, post: Post) -> list[Version]:
    """Everything of it that was public and was changed, on whichever account. The caller has passed the gate."""
    deliveries = {each.id: each for each in await outbox.of_post(session, [post.id])}
    kept = await errands.versions(session, list(deliveries))
    people = await session.execute(
        select(col(Person.id), col(Person.name)).where(col(Person.id).in_({each.changed_by_id for each in kept}))
    )
    names = dict(people.tuples().all())
    return [
        Version(
            delivery_id=each.delivery_id,
            account_id=deliveries[each.delivery_id].account_id,
            text=each.text,
            content_warning=each.content_warning,
            descriptions=each.alts,
            replaced_at=each.replaced_at,
            changed_by=names.get(each.changed_by_id) if each.changed_by_id else None,
        )
        for each in kept
    ]


def _that_count(
    deliveries: Sequence[Delivery], destinations: Sequence[Destination], schedule: Schedule | None
) -> list[Delivery]:
    """Without those that were stopped and replaced, or stopped for an account that was taken off."""
    waiting_for = {destination.account_id for destination in destinations} if schedule else set()
    kept: list[Delivery] = []
    stopped: dict[UUID, list[Delivery]] = {}
    for thread in threads_in(deliveries):
        if any(each.state is not DeliveryState.CANCELLED for each in thread):
            kept += thread
        elif thread[0].schedule_id == (schedule and schedule.id):
            stopped[thread[0].account_id] = thread
    waiting_for -= {each.account_id for each in kept}
    return kept + [each for account_id, thread in stopped.items() if account_id in waiting_for for each in thread]


def threads_in(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """What belongs together, each thread in the order of its parts; what is no thread stands alone."""
    threads: dict[UUID | None, list[Delivery]] = {}
    for each in sorted(deliveries, key=lambda one: one.part):
        thread = threads.get(each.parent_id, [])
        thread.append(each)
        threads[each.id] = thread
    whole = {id(thread): thread for thread in threads.values()}
    return sorted(whole.values(), key=lambda thread: (thread[0].due_at, thread[0].id))


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    return access.within(viewer, Action.SEE_POSTS, col(Post.force_id), col(Post.team_id))
