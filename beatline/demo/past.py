"""What our accounts posted before Beatline came, as posts that went out: so that threads in the town stand under them."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.models import (
    Confirmation,
    Delivery,
    DeliveryState,
    Destination,
    Post,
    PostState,
    Question,
    Schedule,
    ScheduleState,
    Viewer,
)
from api.platforms.values import Incoming
from beatline.demo.stage import Stage
from beatline.demo.town import Ours
from beatline.demo.world import Asked

WRITERS = {
    "sandfordvale": "ellie", "sandfordnorth": "ash", "ashcombevillages": "dan",
    "wexleypolice": "ivy", "wexleytown": "bea",
}  # fmt: skip


async def write_down(
    session: AsyncSession, stage: Stage, ours: Mapping[str, Ours], asked: Asked, question: Question
) -> None:
    for handle, known in ours.items():
        for said in known.history:
            asks = handle == asked.posted_by and said.text.startswith(asked.posts_begin)
            await _went_out(session, stage, handle, said, question if asks else None)
            if asks:
                question.opens_at = min(question.opens_at, said.occurred_at)


async def _went_out(
    session: AsyncSession, stage: Stage, handle: str, said: Incoming, question: Question | None
) -> None:
    account, writer = stage.accounts[handle], stage.viewers[WRITERS[handle]]
    post = _post(stage, writer, said, question)
    session.add(post)
    await session.flush()
    late = _lateness(said.remote_id)
    due = said.occurred_at - timedelta(milliseconds=late)
    until = due + timedelta(hours=2)
    schedule = Schedule(
        force_id=post.force_id, team_id=post.team_id, post_id=post.id, publish_at=due, useful_until=until,
        state=ScheduleState.DONE, made_by_id=writer.person_id, created_at=post.created_at,
    )  # fmt: skip
    session.add_all([schedule, Destination(post_id=post.id, account_id=account.id)])
    await session.flush()
    session.add(
        Delivery(
            force_id=post.force_id, team_id=post.team_id, account_id=account.id, post_id=post.id,
            schedule_id=schedule.id, text=said.text, state=DeliveryState.SENT, due_at=due, not_before=due,
            useful_until=until, attempts=1, first_started_at=due, sent_at=said.occurred_at, lateness_ms=late,
            remote_id=said.remote_id, url=said.url, created_at=post.created_at, updated_at=said.occurred_at,
        )
    )  # fmt: skip
    await session.flush()


def _post(stage: Stage, writer: Viewer, said: Incoming, question: Question | None) -> Post:
    written = said.occurred_at - timedelta(hours=3)
    return Post(
        force_id=writer.force_id, team_id=stage.teams[writer.force_id].id, author_id=writer.person_id, text=said.text,
        state=PostState.SENT, question_id=question.id if question else None, confirmed_by_id=writer.person_id,
        confirmed_at=written, confirmed_how=Confirmation.PERSON.value, created_at=written, updated_at=said.occurred_at,
    )  # fmt: skip


def _lateness(remote_id: str) -> int:
    """Some tenths of a second, the same each time."""
    return 120 + hashlib.sha256(remote_id.encode()).digest()[0] * 2
