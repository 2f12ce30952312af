"""Questions, answers and priorities over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response

from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    tagged,
)
from api.models import AnswerState, PriorityState, QuestionState
from api.posts import queries as posts
from api.posts.schemas import PostOut
from api.priorities import picture as pictures
from api.priorities import queries, service, shown
from api.priorities.schemas import (
    RECORD_EXAMPLES,
    AnswerIn,
    AnswerOut,
    ConfirmIn,
    EndIn,
    PictureOut,
    PriorityIn,
    PriorityOut,
    QuestionIn,
    QuestionOut,
    RecordIn,
    TallyIn,
    TallyOut,
    UpdateIn,
    UpdateOut,
)

questions = api_router("/questions", "priorities")
answers = api_router("/answers", "priorities")
priorities = api_router("/priorities", "priorities")
READ = needs("priorities:read", "priorities:write")
WRITE = needs("priorities:write")


@questions.get("", summary="What was asked where", **READ)
async def list_questions(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    neighbourhood_id: Annotated[UUID | None, Query(description="Only those of this neighbourhood.")] = None,
    state: Annotated[list[QuestionState] | None, Query(description="Only those in one of these states.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[QuestionOut]:
    """The newest first."""
    page = await queries.questions(session, viewer, team_id, neighbourhood_id, state or (), cursor, limit)
    return PageOut[QuestionOut].of(page, await shown.questions_out(session, page.items))


@questions.post("", status_code=201, summary="Ask for priorities", **WRITE)
async def ask(
    response: Response, session: WriteSession, viewer: CurrentViewer, data: QuestionIn, _: IdempotencyKey = None
) -> QuestionOut:
    """With accounts it is a post as well (`posts:write`), and with `publish_at` on its way (`posts:publish`)."""
    question = await service.ask(
        session,
        viewer,
        data.neighbourhood_id,
        data.text,
        data.closes_at,
        data.account_ids,
        data.publish_at,
        data.variants,
    )
    tagged(response, question)
    return (await shown.questions_out(session, [question]))[0]


@questions.get("/{question_id}", summary="One question", **READ)
async def show_question(
    response: Response, session: ReadSession, viewer: CurrentViewer, question_id: UUID
) -> QuestionOut:
    question = await queries.get_question(session, viewer, question_id)
    tagged(response, question)
    return (await shown.questions_out(session, [question]))[0]


@questions.post("/{question_id}/close", summary="End the round", **WRITE)
async def close_question(
    response: Response, session: WriteSession, viewer: CurrentViewer, question_id: UUID, _: IdempotencyKey = None
) -> QuestionOut:
    """It takes no more answers; those that wait can still be confirmed."""
    question = await service.close(session, viewer, question_id)
    tagged(response, question)
    return (await shown.questions_out(session, [question]))[0]


@questions.get("/{question_id}/answers", summary="What people answered", **READ)
async def list_answers(
    session: ReadSession,
    viewer: CurrentViewer,
    question_id: UUID,
    state: Annotated[list[AnswerState] | None, Query(description="Only those in one of these states.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[AnswerOut]:
    """The newest first. The words of a private message are shown to those only who may read it."""
    page = await queries.answers(session, viewer, question_id, state or (), cursor, limit)
    return PageOut[AnswerOut].of(page, await shown.answers_out(session, viewer, page.items))


@questions.post("/{question_id}/answers", status_code=201, summary="Record an answer or a meeting", **WRITE)
async def record(
    session: WriteSession,
    viewer: CurrentViewer,
    question_id: UUID,
    data: Annotated[RecordIn, Body(openapi_examples=RECORD_EXAMPLES)],
    _: IdempotencyKey = None,
) -> AnswerOut | TallyOut:
    """One person's answer: up to three issues, by slug or label. With `source` `meeting` it is hands and heads."""
    if isinstance(data, TallyIn):
        return shown.tally_out(await service.record_tally(session, viewer, question_id, data))
    return await _recorded(session, viewer, question_id, data)


@questions.post("/{question_id}/tallies", status_code=201, summary="Record hands at a meeting", **WRITE)
async def record_tally(
    session: WriteSession,
    viewer: CurrentViewer,
    question_id: UUID,
    data: Annotated[TallyIn, Body(openapi_examples={"meeting": RECORD_EXAMPLES["meeting"]})],
    _: IdempotencyKey = None,
) -> TallyOut:
    return shown.tally_out(await service.record_tally(session, viewer, question_id, data))


@questions.get("/{question_id}/picture", summary="Issues with counts for each source, side by side", **READ)
async def show_picture(session: ReadSession, viewer: CurrentViewer, question_id: UUID) -> PictureOut:
    """Counts of those who chose to answer: they are no share of all residents, and sources are never added up."""
    return shown.picture_out(await pictures.picture(session, viewer, question_id))


@answers.post("/{answer_id}/confirm", summary="Say which issues an answer names", **WRITE)
async def confirm_answer(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    answer_id: UUID,
    data: ConfirmIn | None = None,
    _: IdempotencyKey = None,
) -> AnswerOut:
    """Without issues: as suggested. One person names up to three in a round, however often they write."""
    answer = await service.confirm(session, viewer, answer_id, data.issues if data else None)
    tagged(response, answer)
    return (await shown.answers_out(session, viewer, [answer]))[0]


@answers.post("/{answer_id}/set-aside", summary="It answers nothing", **WRITE)
async def set_answer_aside(
    response: Response, session: WriteSession, viewer: CurrentViewer, answer_id: UUID, _: IdempotencyKey = None
) -> AnswerOut:
    answer = await service.set_aside(session, viewer, answer_id)
    tagged(response, answer)
    return (await shown.answers_out(session, viewer, [answer]))[0]


@priorities.get("", summary="What teams work on", **READ)
async def list_priorities(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    neighbourhood_id: Annotated[UUID | None, Query(description="Only those of this neighbourhood.")] = None,
    state: Annotated[list[PriorityState] | None, Query(description="Only those in one of these states.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[PriorityOut]:
    """The last adopted first."""
    page = await queries.priorities(session, viewer, team_id, neighbourhood_id, state or (), cursor, limit)
    return PageOut[PriorityOut].of(page, await shown.priorities_out(session, page.items))


@priorities.post("", status_code=201, summary="Adopt a priority", **WRITE)
async def adopt(
    response: Response, session: WriteSession, viewer: CurrentViewer, data: PriorityIn, _: IdempotencyKey = None
) -> PriorityOut:
    """At most three for a neighbourhood at once: a fourth is 409, with the names of the three."""
    priority = await service.adopt(session, viewer, data)
    tagged(response, priority)
    return (await shown.priorities_out(session, [priority]))[0]


@priorities.get("/{priority_id}", summary="One priority and what was done", **READ)
async def show_priority(
    response: Response, session: ReadSession, viewer: CurrentViewer, priority_id: UUID
) -> PriorityOut:
    priority = await queries.get_priority(session, viewer, priority_id)
    tagged(response, priority)
    return (await shown.priorities_out(session, [priority]))[0]


@priorities.post("/{priority_id}/updates", status_code=201, summary="Write what was done", **WRITE)
async def write_update(
    session: WriteSession, viewer: CurrentViewer, priority_id: UUID, data: UpdateIn, _: IdempotencyKey = None
) -> UpdateOut:
    return UpdateOut.model_validate(await service.write_update(session, viewer, priority_id, data.text))


@priorities.post("/{priority_id}/end", summary="End a priority", **WRITE)
async def end_priority(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    priority_id: UUID,
    data: EndIn | None = None,
    _: IdempotencyKey = None,
) -> PriorityOut:
    """Makes room for another; the words, if there are any, are kept as its last update."""
    priority = await service.end_priority(session, viewer, priority_id, data.text if data else "")
    tagged(response, priority)
    return (await shown.priorities_out(session, [priority]))[0]


@priorities.post(
    "/{priority_id}/draft", status_code=201, summary="Draft “you said, we did” from the record", **needs("posts:write")
)
async def draft_you_said(
    response: Response, session: WriteSession, viewer: CurrentViewer, priority_id: UUID, _: IdempotencyKey = None
) -> PostOut:
    """Needs `priorities:read` as well. The draft can then be changed and published like any other."""
    post = await service.draft_you_said(session, viewer, priority_id)
    tagged(response, post)
    return PostOut.of(await posts.written(session, post))


async def _recorded(session: WriteSession, viewer: CurrentViewer, question_id: UUID, data: AnswerIn) -> AnswerOut:
    answer = await service.record_answer(session, viewer, question_id, data)
    return (await shown.answers_out(session, viewer, [answer]))[0]
