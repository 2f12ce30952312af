"""How answers come in: replies that a person confirms, doorsteps and paper in a form, hands at a meeting."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid, Stale
from api.core.ids import new_id
from api.models import (
    Answer,
    AnswerIssue,
    AnswerState,
    Conversation,
    Force,
    Issue,
    Message,
    Post,
    Question,
    QuestionState,
    Source,
    Tally,
    Viewer,
)
from api.priorities import queries
from api.priorities.coding import MOST, suggest
from api.priorities.issues import label
from api.priorities.schemas import AnswerIn, TallyIn
from api.priorities.voices import voice


async def take_replies(session: AsyncSession, messages: Sequence[Message]) -> list[UUID]:
    """Replies under a question's post become answers to confirm; seeing a message again changes nothing.

    What stands directly under the post is taken as it is; further down, only what seems to name an issue, so that
    a chat about it does not pile up. A later answer of the same person adds to their first, up to three issues.
    """
    taken = []
    for message, question, force, direct in await _under_questions(session, messages):
        issues = suggest(message.text)
        if issues or direct:
            answer_id = await _keep(session, message, question, force)
            if answer_id:
                session.add_all(AnswerIssue(answer_id=answer_id, issue=issue, suggested=True) for issue in issues)
                taken.append(answer_id)
    await session.flush()
    return taken


async def confirm(
    session: AsyncSession, viewer: Viewer, answer_id: UUID, issues: Sequence[Issue] | None = None
) -> Answer:
    """Somebody has read it: these are its issues (None: as suggested). Can be confirmed again to correct it."""
    answer, question = await queries.get_answer(session, viewer, answer_id)
    access.require(viewer, Action.ANSWER, question.team_id)
    present = [each.issue for each in (await queries.issues_of(session, [answer.id]))[answer.id]]
    named = list(dict.fromkeys(present if issues is None else issues))
    if not 0 < len(named) <= MOST:
        raise Invalid("Name one to three issues, or set the answer aside.", "issues")
    await _next_version(session, answer, state=AnswerState.CONFIRMED, confirmed_by_id=viewer.person_id)
    await _no_more_than_three(session, answer, named)
    await session.execute(delete(AnswerIssue).where(col(AnswerIssue.answer_id) == answer.id))
    session.add_all(AnswerIssue(answer_id=answer.id, issue=issue) for issue in named)
    audit.record(
        session, viewer, "answers.confirm", "answer", answer.id, issues=" ".join(named), as_suggested=named == present
    )
    await session.flush()
    return answer


async def set_aside(session: AsyncSession, viewer: Viewer, answer_id: UUID) -> Answer:
    """It answers nothing: it stays, and is not counted."""
    answer, question = await queries.get_answer(session, viewer, answer_id)
    access.require(viewer, Action.ANSWER, question.team_id)
    if answer.state is not AnswerState.SET_ASIDE:
        await _next_version(session, answer, state=AnswerState.SET_ASIDE, confirmed_by_id=viewer.person_id)
        audit.record(session, viewer, "answers.set_aside", "answer", answer.id)
    return answer


async def record_answer(session: AsyncSession, viewer: Viewer, question_id: UUID, data: AnswerIn) -> Answer:
    """One person's answer, heard or read by somebody of the team."""
    question = await _open_question(session, viewer, question_id)
    answered_at = data.answered_at or now()
    if answered_at > now() + timedelta(seconds=60):
        raise Invalid("That is still to come. When was it answered?", "answered_at")
    force = await session.get_one(Force, question.force_id)
    answer = Answer(
        question_id=question.id, source=data.source, state=AnswerState.CONFIRMED, text=data.text, place=data.place,
        age_band=data.age_band, answered_at=answered_at, recorded_by_id=viewer.person_id,
        confirmed_by_id=viewer.person_id, keep_until=now() + timedelta(days=force.keep_days),
    )  # fmt: skip
    session.add(answer)
    await session.flush()
    session.add_all(AnswerIssue(answer_id=answer.id, issue=issue) for issue in data.issues)
    await session.flush()
    audit.record(session, viewer, "answers.record", "answer", answer.id, source=data.source)
    return answer


async def record_tally(session: AsyncSession, viewer: Viewer, question_id: UUID, data: TallyIn) -> Tally:
    """Hands at a meeting, per issue, and the heads."""
    question = await _open_question(session, viewer, question_id)
    if data.held_on > (now() + timedelta(days=1)).date():
        raise Invalid("That is still to come. When was the meeting?", "held_on")
    tally = Tally(
        question_id=question.id, source=data.source, held_on=data.held_on, place=data.place, heads=data.heads,
        counts={issue.value: number for issue, number in data.counts.items()}, recorded_by_id=viewer.person_id,
    )  # fmt: skip
    session.add(tally)
    await session.flush()
    audit.record(session, viewer, "tallies.record", "tally", tally.id, heads=data.heads)
    return tally


async def _open_question(session: AsyncSession, viewer: Viewer, question_id: UUID) -> Question:
    question = await queries.get_question(session, viewer, question_id)
    access.require(viewer, Action.ANSWER, question.team_id)
    if question.state is not QuestionState.OPEN:
        raise Conflict("This round is closed: it takes no more answers. Ask a new question.", state=question.state)
    return question


async def _under_questions(
    session: AsyncSession, messages: Sequence[Message]
) -> list[tuple[Message, Question, Force, bool]]:
    """What was written by others, in time, under a post that asks an open question."""
    theirs = {each.id: each for each in messages if not each.from_us and each.deleted_at is None}
    if not theirs:
        return []
    await session.flush()
    rows = await session.execute(
        select(col(Message.id), Question, Force, col(Conversation.root_remote_id))
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .join(Post, col(Post.id) == col(Conversation.post_id))
        .join(Question, col(Question.id) == col(Post.question_id))
        .join(Force, col(Force.id) == col(Question.force_id))
        .where(col(Message.id).in_(theirs), col(Question.state) == QuestionState.OPEN)
    )
    return [
        (theirs[message_id], question, force, theirs[message_id].in_reply_to == root)
        for message_id, question, force, root in rows.tuples()
        if question.closes_at is None or theirs[message_id].occurred_at <= question.closes_at
    ]


async def _keep(session: AsyncSession, message: Message, question: Question, force: Force) -> UUID | None:
    """None when the message was taken before. Its words stay in the message, under its own rules."""
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    moment = now()
    rows = await session.execute(
        insert(Answer)
        .values(
            id=new_id(), created_at=moment, updated_at=moment, version=1, question_id=question.id,
            source=Source.ONLINE, state=AnswerState.TO_CONFIRM, message_id=message.id,
            voice=voice(question, message.author_handle), text="", place="", answered_at=message.occurred_at,
            keep_until=moment + timedelta(days=force.keep_days),
        )
        .on_conflict_do_nothing(index_elements=["message_id"])
        .returning(col(Answer.id))
    )  # fmt: skip
    kept: UUID | None = rows.scalar_one_or_none()
    return kept


async def _no_more_than_three(session: AsyncSession, answer: Answer, named: Sequence[Issue]) -> None:
    """One person names up to three issues in a round, however many messages they write."""
    if answer.voice is None:
        return
    rows = await session.execute(
        select(col(AnswerIssue.issue))
        .join(Answer, col(Answer.id) == col(AnswerIssue.answer_id))
        .where(
            col(Answer.question_id) == answer.question_id,
            col(Answer.voice) == answer.voice,
            col(Answer.state) == AnswerState.CONFIRMED,
            col(Answer.id) != answer.id,
        )
    )
    before = list(dict.fromkeys(rows.scalars()))
    if len({*before, *named}) > MOST:
        names = ", ".join(label(issue) for issue in before)
        raise Conflict(
            f"The same person has already named: {names}. One person counts for three issues: choose which, "
            "or set an earlier answer aside.",
            named=[issue.value for issue in before],
        )


async def _next_version(session: AsyncSession, answer: Answer, **values: Any) -> None:
    changed = await session.execute(
        update(Answer)
        .where(col(Answer.id) == answer.id, col(Answer.version) == answer.version)
        .values(version=answer.version + 1, updated_at=now(), **values)
        .execution_options(synchronize_session=False)
    )
    if not getattr(changed, "rowcount", 0):
        raise Stale
    await session.refresh(answer)
