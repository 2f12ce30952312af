"""Posts that a viewer may see, alone and with all that belongs to them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.errors import NotFound
from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.models import Account, Delivery, DeliveryState, Destination, Person, Post, PostState, Schedule, Team, Viewer
from api.outbox import queries as outbox
from api.outbox.forecast import waits
from api.posts.values import Written


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
    waiting = await waits(session, {each.account_id for some in deliveries.values() for each in some})
    return [
        Written(
            post, names.get(post.author_id, ""), destinations[post.id],
            _that_count(deliveries[post.id], destinations[post.id], schedules.get(post.id)), schedules.get(post.id),
            waiting,
        )
        for post in posts
    ]  # fmt: skip


async def written(session: AsyncSession, post: Post) -> Written:
    return (await with_deliveries(session, [post]))[0]


def _that_count(
    deliveries: Sequence[Delivery], destinations: Sequence[Destination], schedule: Schedule | None
) -> list[Delivery]:
    """Without those that were stopped and replaced, or stopped for an account that was taken off."""
    waiting_for = {destination.account_id for destination in destinations} if schedule else set()
    kept = [each for each in deliveries if each.state is not DeliveryState.CANCELLED]
    waiting_for -= {each.account_id for each in kept}
    stopped = [
        each
        for each in deliveries
        if each.state is DeliveryState.CANCELLED
        and each.account_id in waiting_for
        and each.schedule_id == (schedule and schedule.id)
    ]
    return [*kept, *{each.account_id: each for each in stopped}.values()]


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    return access.within(viewer, Action.SEE_POSTS, col(Post.force_id), col(Post.team_id))
