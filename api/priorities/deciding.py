"""What a neighbourhood's team works on: at most three at once, each with its reason, and what came of it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid
from api.models import Neighbourhood, Post, Priority, PriorityState, PriorityUpdate, Viewer
from api.platforms.text import graphemes
from api.posts import service as posts
from api.posts.schemas import PostIn
from api.priorities import queries
from api.priorities.issues import label
from api.priorities.schemas import PriorityIn

SLOTS = (1, 2, 3)
SHORT = 500
"""What a draft is kept to, where the record has more to say."""


async def adopt(session: AsyncSession, viewer: Viewer, data: PriorityIn) -> Priority:
    """A fourth is refused, with the names of the three."""
    neighbourhood = await queries.get_neighbourhood(session, viewer, data.neighbourhood_id)
    access.require(viewer, Action.ADOPT, neighbourhood.team_id)
    if not data.reason.strip():
        raise Invalid("Write down why: people will ask.", "reason")
    if data.question_id is not None:
        question = await queries.get_question(session, viewer, data.question_id)
        if question.neighbourhood_id != neighbourhood.id:
            raise Invalid("That question was asked in another neighbourhood.", "question_id")
    current = await _current(session, neighbourhood)
    _room_for(data, current)
    priority = Priority(
        force_id=neighbourhood.force_id, team_id=neighbourhood.team_id, neighbourhood_id=neighbourhood.id,
        question_id=data.question_id, issue=data.issue, title=data.title, reason=data.reason,
        slot=min(set(SLOTS) - {each.slot for each in current}), adopted_by_id=viewer.person_id, adopted_at=now(),
    )  # fmt: skip
    session.add(priority)
    await session.flush()
    audit.record(session, viewer, Action.ADOPT, "priority", priority.id, issue=data.issue, slot=priority.slot)
    return priority


async def write_update(session: AsyncSession, viewer: Viewer, priority_id: UUID, text: str) -> PriorityUpdate:
    """What was done; the clock of the priority starts again."""
    priority = await _current_priority(session, viewer, priority_id)
    if not text.strip():
        raise Invalid("Write down what was done.", "text")
    update = PriorityUpdate(priority_id=priority.id, text=text, person_id=viewer.person_id)
    session.add(update)
    priority.last_update_at = now()
    _changed(priority)
    await session.flush()
    audit.record(session, viewer, "priorities.update", "priority", priority.id)
    return update


async def end_priority(session: AsyncSession, viewer: Viewer, priority_id: UUID, text: str = "") -> Priority:
    """Makes room for another; what came of it is kept as the last update."""
    priority = await _current_priority(session, viewer, priority_id)
    if text.strip():
        await write_update(session, viewer, priority.id, text)
    priority.state, priority.ended_at = PriorityState.ENDED, now()
    _changed(priority)
    await session.flush()
    audit.record(session, viewer, "priorities.end", "priority", priority.id)
    return priority


async def draft_you_said(session: AsyncSession, viewer: Viewer, priority_id: UUID) -> Post:
    """A draft from the record, for the accounts that this person may write as."""
    priority = await queries.get_priority(session, viewer, priority_id)
    access.require(viewer, Action.DRAFT, priority.team_id)
    done = (await queries.updates(session, [priority.id]))[priority.id]
    if not done:
        raise Conflict("Write down first what was done: the draft is made from that.")
    chosen = await accounts.writable(session, viewer, priority.team_id)
    text = you_said(priority.title or label(priority.issue), [update.text for update in done])
    wanted = PostIn(
        team_id=priority.team_id, text=text, account_ids=[account.id for account in chosen],
        publish_at=None, useful_until=None, standard_post_id=None, values=None,
    )  # fmt: skip
    return await posts.create(session, viewer, wanted, priority_id=priority.id)


def you_said(said: str, done: Sequence[str]) -> str:
    """As many of the last things done as fit; always the last one."""
    kept: list[str] = []
    for text in reversed(done):
        longer = [_sentence(text), *kept]
        if kept and graphemes(_you_said(said, longer)) > SHORT:
            break
        kept = longer
    return _you_said(said, kept)


def _you_said(said: str, done: Sequence[str]) -> str:
    return f"You said: {_sentence(said)} We did: {' '.join(done)} Has it helped? Tell us here."


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


async def _current(session: AsyncSession, neighbourhood: Neighbourhood) -> Sequence[Priority]:
    # Its neighbourhood is locked: two people adopting at once take turns, and the second sees the first's.
    await session.execute(
        select(col(Neighbourhood.id)).where(col(Neighbourhood.id) == neighbourhood.id).with_for_update()
    )
    rows = await session.execute(
        select(Priority)
        .where(col(Priority.neighbourhood_id) == neighbourhood.id, col(Priority.state) == PriorityState.CURRENT)
        .order_by(col(Priority.slot))
    )
    return rows.scalars().all()


def _room_for(data: PriorityIn, current: Sequence[Priority]) -> None:
    names = [each.title or label(each.issue) for each in current]
    wanted = (data.title or label(data.issue)).casefold()
    if any(each.issue is data.issue and name.casefold() == wanted for each, name in zip(current, names, strict=True)):
        raise Conflict(f"“{data.title or label(data.issue)}” is one of the priorities already.")
    if len(current) >= len(SLOTS):
        raise Conflict(
            f"There are three priorities already: {'; '.join(names)}. End one of them before you adopt another.",
            priorities=[str(each.id) for each in current],
        )


async def _current_priority(session: AsyncSession, viewer: Viewer, priority_id: UUID) -> Priority:
    priority = await queries.get_priority(session, viewer, priority_id)
    access.require(viewer, Action.ADOPT, priority.team_id)
    if priority.state is not PriorityState.CURRENT:
        raise Conflict("This priority has ended. Adopt it again to go on with it.", state=priority.state)
    return priority


def _changed(priority: Priority) -> None:
    priority.version, priority.updated_at = priority.version + 1, now()
