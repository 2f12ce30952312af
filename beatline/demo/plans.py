"""What the teams have decided, asked, heard and planned."""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import LONDON
from api.models import Question, Source
from api.posts import service as posts
from api.posts.schemas import PostIn
from api.priorities import service as priorities
from api.priorities.schemas import AnswerIn, PriorityIn, TallyIn
from beatline.demo.stage import Stage
from beatline.demo.world import Adopted, Asked, Planned, Week, with_days


async def ask(session: AsyncSession, stage: Stage, asked: Asked) -> Question:
    """The question itself; the posts that asked it are in the town already."""
    last_day = stage.opened.astimezone(LONDON).date() + timedelta(days=asked.closes_in_days)
    question = await priorities.ask(
        session,
        stage.viewers[asked.who],
        stage.neighbourhoods[asked.neighbourhood].id,
        asked.text,
        datetime.combine(last_day, time(23, 59), LONDON).astimezone(UTC),
    )
    question.opens_at = question.created_at = stage.opened - timedelta(days=asked.opened_days_ago)
    return question


async def record(session: AsyncSession, stage: Stage, week: Week, question: Question) -> None:
    for heard in week.answers:
        answer = AnswerIn.model_validate(
            {
                "source": heard.source, "issues": list(heard.issues), "text": heard.text, "place": heard.place,
                "age_band": heard.age_band, "answered_at": stage.opened - timedelta(days=heard.days_ago),
            }
        )  # fmt: skip
        await priorities.record_answer(session, stage.viewers[heard.who], question.id, answer)
    for hands in week.tallies:
        held = stage.opened.astimezone(LONDON).date() - timedelta(days=hands.days_ago)
        tally = TallyIn.model_validate(
            {
                "source": Source.MEETING, "counts": hands.counts, "heads": hands.heads,
                "place": hands.place, "held_on": held,
            }
        )  # fmt: skip
        await priorities.record_tally(session, stage.viewers[hands.who], question.id, tally)


async def decide(session: AsyncSession, stage: Stage, adopted: tuple[Adopted, ...]) -> None:
    """Priorities with their past: some were left too long without an update."""
    nadia = stage.viewers["nadia"]
    for each in adopted:
        wanted = PriorityIn.model_validate(
            {
                "neighbourhood_id": stage.neighbourhoods[each.neighbourhood].id, "issue": each.issue,
                "title": each.title, "reason": each.reason,
            }
        )  # fmt: skip
        priority = await priorities.adopt(session, nadia, wanted)
        priority.adopted_at = priority.created_at = stage.opened - timedelta(days=each.adopted_days_ago)
        for update in each.updates:
            written = await priorities.write_update(session, nadia, priority.id, update["text"])
            written.created_at = stage.opened - timedelta(days=update["days_ago"])
            priority.last_update_at = priority.updated_at = written.created_at
        await session.flush()


async def schedule(session: AsyncSession, stage: Stage, week: Week) -> None:
    for planned in week.posts:
        await _write(session, stage, planned, planned.when(stage.opened).astimezone(UTC))
    for draft in week.drafts:
        await _write(session, stage, draft, None)


async def _write(session: AsyncSession, stage: Stage, planned: Planned, publish_at: datetime | None) -> None:
    viewer = stage.viewers[planned.who]
    today = stage.opened.astimezone(LONDON).date()
    wanted: dict[str, object] = {
        "team_id": stage.teams[viewer.force_id].id,
        "account_ids": [stage.accounts[handle].id for handle in planned.accounts],
        "publish_at": publish_at,
    }
    if planned.standard:
        values = {name: with_days(value, today) for name, value in planned.values.items()}
        wanted |= {"standard_post_id": stage.library[viewer.force_id, planned.standard].id, "values": values}
    else:
        wanted |= {"text": with_days(planned.text, today)}
    await posts.create(session, viewer, PostIn.model_validate(wanted))
