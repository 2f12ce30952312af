"""Counts per source, side by side. Nothing is added up over sources: who answers where is not the same kind of people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.models import Answer, AnswerIssue, AnswerState, Issue, Question, Source, Tally, Viewer
from api.priorities import queries
from api.priorities.issues import SOURCES, label
from api.priorities.queries import VOICE
from api.priorities.values import IssueCount, Meeting, Picture, SourceCount


async def picture(session: AsyncSession, viewer: Viewer, question_id: UUID) -> Picture:
    """One person counts once per issue, and once among the people of a source."""
    question = await queries.get_question(session, viewer, question_id)
    people = await _people(session, question)
    meetings = await _meetings(session, question)
    return Picture(
        question,
        sources=[
            SourceCount(
                source, people.get((source, AnswerState.CONFIRMED), 0), people.get((source, AnswerState.TO_CONFIRM), 0)
            )
            for source in SOURCES
            if source is not Source.MEETING
        ],
        meetings=meetings,
        issues=_side_by_side(await _named(session, question), meetings),
        to_confirm=await _how_many(session, question, AnswerState.TO_CONFIRM),
        set_aside=await _how_many(session, question, AnswerState.SET_ASIDE),
    )


async def _people(session: AsyncSession, question: Question) -> dict[tuple[Source, AnswerState], int]:
    rows = await session.execute(
        select(col(Answer.source), col(Answer.state), func.count(VOICE.distinct()))
        .where(col(Answer.question_id) == question.id)
        .group_by(col(Answer.source), col(Answer.state))
    )
    return {(source, state): number for source, state, number in rows}


async def _named(session: AsyncSession, question: Question) -> dict[tuple[Issue, Source], int]:
    rows = await session.execute(
        select(col(AnswerIssue.issue), col(Answer.source), func.count(VOICE.distinct()))
        .join(Answer, col(Answer.id) == col(AnswerIssue.answer_id))
        .where(col(Answer.question_id) == question.id, col(Answer.state) == AnswerState.CONFIRMED)
        .group_by(col(AnswerIssue.issue), col(Answer.source))
    )
    return {(issue, source): number for issue, source, number in rows}


async def _meetings(session: AsyncSession, question: Question) -> list[Meeting]:
    rows = await session.execute(
        select(Tally).where(col(Tally.question_id) == question.id).order_by(col(Tally.held_on), col(Tally.id))
    )
    return [
        Meeting(
            tally.id, tally.source, tally.place, tally.held_on, tally.heads,
            {Issue(name): number for name, number in tally.counts.items()},
        )
        for tally in rows.scalars()
    ]  # fmt: skip


async def _how_many(session: AsyncSession, question: Question, state: AnswerState) -> int:
    rows = await session.execute(
        select(func.count()).where(col(Answer.question_id) == question.id, col(Answer.state) == state)
    )
    return rows.scalar_one()


def _side_by_side(named: Mapping[tuple[Issue, Source], int], meetings: Sequence[Meeting]) -> list[IssueCount]:
    """Most named in any one source first; the order says nothing about the sources together."""
    people: dict[Issue, dict[Source, int]] = defaultdict(dict)
    hands: dict[Issue, dict[UUID, int]] = defaultdict(dict)
    for (issue, source), number in named.items():
        people[issue][source] = number
    for meeting in meetings:
        for issue, number in meeting.counts.items():
            if number:
                hands[issue][meeting.id] = number
    rows = [IssueCount(issue, people.get(issue, {}), hands.get(issue, {})) for issue in {*people, *hands}]
    return sorted(rows, key=lambda row: (-max([*row.people.values(), *row.hands.values()]), label(row.issue)))
