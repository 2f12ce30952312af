"""Questions, answers and priorities that a viewer may see."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.errors import NotFound
from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.models import (
    Answer,
    AnswerIssue,
    AnswerState,
    Conversation,
    Message,
    Neighbourhood,
    Post,
    Priority,
    PriorityState,
    PriorityUpdate,
    Question,
    QuestionState,
    Viewer,
)
from api.platforms.values import Visibility
from api.priorities.values import Adopted, Asked, Given

AMBER, RED = timedelta(days=60), timedelta(days=90)
PRIVATE = (Visibility.DIRECT, Visibility.FOLLOWERS)
VOICE = func.coalesce(col(Answer.voice), cast(col(Answer.id), String))
"""Who answered: the same voice twice is one person; without one, each answer is a person."""


async def get_neighbourhood(session: AsyncSession, viewer: Viewer, neighbourhood_id: UUID) -> Neighbourhood:
    seen = access.within(viewer, Action.SEE_PRIORITIES, col(Neighbourhood.force_id), col(Neighbourhood.team_id))
    return await the_one(session, select(Neighbourhood).where(col(Neighbourhood.id) == neighbourhood_id, seen))


async def questions(
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID | None = None,
    neighbourhood_id: UUID | None = None,
    states: Sequence[QuestionState] = (),
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Question]:
    """The newest first."""
    statement = select(Question).where(_questions_seen(viewer))
    if team_id is not None:
        statement = statement.where(col(Question.team_id) == team_id)
    if neighbourhood_id is not None:
        statement = statement.where(col(Question.neighbourhood_id) == neighbourhood_id)
    if states:
        statement = statement.where(col(Question.state).in_(states))
    return await paged(session, statement, col(Question.opens_at), col(Question.id), cursor, limit, newest_first=True)


async def get_question(session: AsyncSession, viewer: Viewer, question_id: UUID) -> Question:
    return await the_one(session, select(Question).where(col(Question.id) == question_id, _questions_seen(viewer)))


async def asked(session: AsyncSession, questions: Sequence[Question]) -> list[Asked]:
    """In the same order, with their posts and how many people answered."""
    ids = [question.id for question in questions]
    posts: dict[UUID | None, list[UUID]] = defaultdict(list)
    rows = await session.execute(
        select(Post).where(col(Post.question_id).in_(ids)).order_by(col(Post.created_at), col(Post.id))
    )
    for post in rows.scalars():
        posts[post.question_id].append(post.id)
    counted = await session.execute(
        select(col(Answer.question_id), col(Answer.state), func.count(VOICE.distinct()))
        .where(col(Answer.question_id).in_(ids))
        .group_by(col(Answer.question_id), col(Answer.state))
    )
    counts = {(question_id, state): number for question_id, state, number in counted}
    return [
        Asked(
            question,
            posts[question.id],
            counts.get((question.id, AnswerState.CONFIRMED), 0),
            counts.get((question.id, AnswerState.TO_CONFIRM), 0),
        )
        for question in questions
    ]


async def answers(
    session: AsyncSession,
    viewer: Viewer,
    question_id: UUID,
    states: Sequence[AnswerState] = (),
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Answer]:
    """The newest first."""
    await get_question(session, viewer, question_id)
    statement = select(Answer).where(col(Answer.question_id) == question_id)
    if states:
        statement = statement.where(col(Answer.state).in_(states))
    return await paged(session, statement, col(Answer.answered_at), col(Answer.id), cursor, limit, newest_first=True)


async def get_answer(session: AsyncSession, viewer: Viewer, answer_id: UUID) -> tuple[Answer, Question]:
    rows = await session.execute(
        select(Answer, Question)
        .join(Question, col(Question.id) == col(Answer.question_id))
        .where(col(Answer.id) == answer_id, _questions_seen(viewer))
    )
    found = rows.one_or_none()
    if found is None:
        raise NotFound
    return found[0], found[1]


async def given(session: AsyncSession, viewer: Viewer, answers: Sequence[Answer]) -> list[Given]:
    """In the same order, with what this viewer may read. A reply's words stand in its message and nowhere else."""
    issues = await issues_of(session, [answer.id for answer in answers])
    rows = await session.execute(
        select(Message, Conversation)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Message.id).in_([answer.message_id for answer in answers if answer.message_id]))
    )
    messages = {message.id: (message, conversation) for message, conversation in rows.tuples()}
    return [_given(viewer, answer, issues[answer.id], messages.get(answer.message_id)) for answer in answers]  # type: ignore[arg-type]


async def issues_of(session: AsyncSession, answer_ids: Iterable[UUID]) -> dict[UUID, list[AnswerIssue]]:
    found: dict[UUID, list[AnswerIssue]] = defaultdict(list)
    rows = await session.execute(
        select(AnswerIssue)
        .where(col(AnswerIssue.answer_id).in_(list(answer_ids)))
        .order_by(col(AnswerIssue.created_at), col(AnswerIssue.issue))
    )
    for issue in rows.scalars():
        found[issue.answer_id].append(issue)
    return found


def _given(
    viewer: Viewer, answer: Answer, issues: Sequence[AnswerIssue], found: tuple[Message, Conversation] | None
) -> Given:
    named, suggested = [each.issue for each in issues], any(each.suggested for each in issues)
    if found is None:
        return Given(answer, named, suggested, answer.text, private=False, who="", conversation_id=None)
    message, conversation = found
    private = message.visibility in PRIVATE
    action = Action.SEE_DIRECT if private else Action.SEE_PRIORITIES
    opens = Action.SEE_DIRECT if private else Action.SEE_PUBLIC
    readable = message.deleted_at is None and access.may(viewer, action, conversation.team_id)
    return Given(
        answer, named, suggested,
        text=message.text if readable else "",
        private=private,
        who=message.author_name if readable else "",
        conversation_id=conversation.id if readable and access.may(viewer, opens, conversation.team_id) else None,
    )  # fmt: skip


async def priorities(
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID | None = None,
    neighbourhood_id: UUID | None = None,
    states: Sequence[PriorityState] = (),
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Priority]:
    """The last adopted first."""
    statement = select(Priority).where(_priorities_seen(viewer))
    if team_id is not None:
        statement = statement.where(col(Priority.team_id) == team_id)
    if neighbourhood_id is not None:
        statement = statement.where(col(Priority.neighbourhood_id) == neighbourhood_id)
    if states:
        statement = statement.where(col(Priority.state).in_(states))
    return await paged(session, statement, col(Priority.adopted_at), col(Priority.id), cursor, limit, newest_first=True)


async def get_priority(session: AsyncSession, viewer: Viewer, priority_id: UUID) -> Priority:
    return await the_one(session, select(Priority).where(col(Priority.id) == priority_id, _priorities_seen(viewer)))


async def updates(session: AsyncSession, priority_ids: Iterable[UUID]) -> dict[UUID, list[PriorityUpdate]]:
    """What was done, oldest first. The caller has passed the gate to the priorities."""
    found: dict[UUID, list[PriorityUpdate]] = defaultdict(list)
    rows = await session.execute(
        select(PriorityUpdate)
        .where(col(PriorityUpdate.priority_id).in_(list(priority_ids)))
        .order_by(col(PriorityUpdate.created_at), col(PriorityUpdate.id))
    )
    for update in rows.scalars():
        found[update.priority_id].append(update)
    return found


async def adopted(session: AsyncSession, priorities: Sequence[Priority]) -> list[Adopted]:
    """In the same order, with what was done and how long ago."""
    done = await updates(session, [priority.id for priority in priorities])
    return [_adopted(priority, done[priority.id]) for priority in priorities]


def _adopted(priority: Priority, done: Sequence[PriorityUpdate]) -> Adopted:
    age = max((priority.ended_at or now()) - (priority.last_update_at or priority.adopted_at), timedelta())
    freshness: Literal["fresh", "amber", "red", "ended"] = "red" if age >= RED else "amber" if age >= AMBER else "fresh"
    return Adopted(priority, age.days, "ended" if priority.state is PriorityState.ENDED else freshness, done)


def _questions_seen(viewer: Viewer) -> ColumnElement[bool]:
    return access.within(viewer, Action.SEE_PRIORITIES, col(Question.force_id), col(Question.team_id))


def _priorities_seen(viewer: Viewer) -> ColumnElement[bool]:
    return access.within(viewer, Action.SEE_PRIORITIES, col(Priority.force_id), col(Priority.team_id))
