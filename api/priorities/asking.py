"""Asking a neighbourhood, and ending the round."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Invalid
from api.models import Question, QuestionState, Viewer
from api.posts import service as posts
from api.posts.schemas import PostIn, Variant
from api.priorities import queries


async def ask(
    session: AsyncSession,
    viewer: Viewer,
    neighbourhood_id: UUID,
    text: str,
    closes_at: datetime | None = None,
    account_ids: Sequence[UUID] = (),
    publish_at: datetime | None = None,
    variants: Sequence[Variant] = (),
) -> Question:
    """With accounts it is posted from the same screen: a draft, or with a time on its way."""
    neighbourhood = await queries.get_neighbourhood(session, viewer, neighbourhood_id)
    access.require(viewer, Action.ADOPT, neighbourhood.team_id)
    if not text.strip():
        raise Invalid("Write the question first.", "text")
    if closes_at is not None and closes_at <= max(now(), publish_at or now()):
        raise Invalid("It would close before anybody can answer. Choose a later day.", "closes_at")
    question = Question(
        force_id=neighbourhood.force_id, team_id=neighbourhood.team_id, neighbourhood_id=neighbourhood.id,
        text=text, opens_at=now(), closes_at=closes_at, asked_by_id=viewer.person_id,
    )  # fmt: skip
    session.add(question)
    await session.flush()
    audit.record(session, viewer, "questions.ask", "question", question.id, neighbourhood=neighbourhood.id)
    if account_ids:
        access.require(viewer, Action.DRAFT, neighbourhood.team_id)
        wanted = PostIn(
            team_id=neighbourhood.team_id, text=text, account_ids=list(account_ids),
            publish_at=publish_at, useful_until=None, variants=list(variants), standard_post_id=None, values=None,
        )  # fmt: skip
        await posts.create(session, viewer, wanted, question_id=question.id)
    elif publish_at is not None:
        raise Invalid("Choose the accounts that it goes out from, or leave the time away.", "account_ids")
    return question


async def close(session: AsyncSession, viewer: Viewer, question_id: UUID) -> Question:
    """No more answers; what waits can still be confirmed. Closing twice changes nothing."""
    question = await queries.get_question(session, viewer, question_id)
    access.require(viewer, Action.ADOPT, question.team_id)
    if question.state is QuestionState.OPEN:
        question.state, question.closes_at, question.voice_key = QuestionState.CLOSED, now(), ""
        question.version, question.updated_at = question.version + 1, now()
        audit.record(session, viewer, "questions.close", "question", question.id)
    return question
