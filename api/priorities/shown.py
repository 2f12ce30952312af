"""From values to what goes over the wire."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from api.models import Answer, Priority, Question, Tally, Viewer
from api.priorities import queries
from api.priorities.issues import ISSUES, SOURCES, label
from api.priorities.schemas import (
    AnswerOut,
    IssueOut,
    MeetingOut,
    PictureOut,
    PriorityOut,
    QuestionOut,
    SourceOut,
    TallyOut,
    UpdateOut,
)
from api.priorities.values import Adopted, Asked, Given, IssueCount, Picture


async def questions_out(session: AsyncSession, questions: Sequence[Question]) -> list[QuestionOut]:
    return [question_out(each) for each in await queries.asked(session, questions)]


async def answers_out(session: AsyncSession, viewer: Viewer, answers: Sequence[Answer]) -> list[AnswerOut]:
    return [answer_out(each) for each in await queries.given(session, viewer, answers)]


async def priorities_out(session: AsyncSession, priorities: Sequence[Priority]) -> list[PriorityOut]:
    return [priority_out(each) for each in await queries.adopted(session, priorities)]


def question_out(asked: Asked) -> QuestionOut:
    question = asked.question
    fields = {"id", "neighbourhood_id", "team_id", "text", "state", "opens_at", "closes_at", "asked_by_id"}
    return QuestionOut(
        **question.model_dump(include=fields),
        post_ids=list(asked.post_ids),
        people=asked.people,
        to_confirm=asked.to_confirm,
        etag=question.etag,
    )


def answer_out(given: Given) -> AnswerOut:
    answer = given.answer
    fields = {"id", "question_id", "source", "state", "place", "age_band", "answered_at", "message_id"}
    return AnswerOut(
        **answer.model_dump(include=fields),
        issues=list(given.issues),
        suggested=given.suggested,
        text=given.text,
        private=given.private,
        who=given.who,
        conversation_id=given.conversation_id,
        etag=answer.etag,
    )


def tally_out(tally: Tally) -> TallyOut:
    return TallyOut.model_validate(tally)


def picture_out(picture: Picture) -> PictureOut:
    return PictureOut(
        question_id=picture.question.id,
        neighbourhood_id=picture.question.neighbourhood_id,
        sources=[
            SourceOut(source=each.source, label=SOURCES[each.source], people=each.people, to_confirm=each.to_confirm)
            for each in picture.sources
        ],
        meetings=[MeetingOut.model_validate(each) for each in picture.meetings],
        issues=[_issue_out(each) for each in picture.issues],
        to_confirm=picture.to_confirm,
        set_aside=picture.set_aside,
    )


def priority_out(adopted: Adopted) -> PriorityOut:
    priority = adopted.priority
    fields = {
        "id", "neighbourhood_id", "team_id", "question_id", "issue", "title", "reason", "slot", "state",
        "adopted_by_id", "adopted_at", "last_update_at", "ended_at",
    }  # fmt: skip
    return PriorityOut(
        **priority.model_dump(include=fields),
        label=label(priority.issue),
        days=adopted.days,
        freshness=adopted.freshness,
        updates=[UpdateOut.model_validate(each) for each in adopted.updates],
        etag=priority.etag,
    )


def _issue_out(row: IssueCount) -> IssueOut:
    about = ISSUES[row.issue]
    return IssueOut(
        issue=row.issue,
        label=about.label,
        owner=about.owner,
        category=about.category,
        people=dict(row.people),
        hands=dict(row.hands),
    )
