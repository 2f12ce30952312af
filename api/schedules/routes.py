"""Schedules over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.shapes import Moment
from api.deps import (
    DEFAULT_LIMIT,
    CurrentViewer,
    CursorParam,
    IdempotencyKey,
    LimitParam,
    MustMatch,
    PageOut,
    ReadSession,
    WriteSession,
    api_router,
    needs,
    tagged,
)
from api.models import Schedule, ScheduleState
from api.schedules import queries, service
from api.schedules.schemas import ScheduleIn, ScheduleOut, SchedulePatch

router = api_router("/schedules", "schedules")


@router.get("", summary="What goes out when", **needs("posts:read", "posts:write", "posts:publish"))
async def list_schedules(
    session: ReadSession,
    viewer: CurrentViewer,
    team_id: Annotated[UUID | None, Query(description="Only those of this team.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="From this moment on.")] = None,
    before: Annotated[Moment | None, Query(alias="to", description="Before this moment.")] = None,
    state: Annotated[list[ScheduleState] | None, Query(description="Only those in one of these states.")] = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> PageOut[ScheduleOut]:
    """The earliest first."""
    page = await queries.schedules(session, viewer, team_id, since, before, cursor, limit, state or ())
    return PageOut[ScheduleOut].of(page, [ScheduleOut.of(e) for e in await queries.with_posts(session, page.items)])


@router.post("", status_code=201, summary="Say when a draft goes out", **needs("posts:publish"))
async def create_schedule(
    response: Response, session: WriteSession, viewer: CurrentViewer, data: ScheduleIn, _: IdempotencyKey = None
) -> ScheduleOut:
    return await _shown(response, session, await service.create(session, viewer, data))


@router.get("/{schedule_id}", summary="One schedule", **needs("posts:read", "posts:write", "posts:publish"))
async def show_schedule(
    response: Response, session: ReadSession, viewer: CurrentViewer, schedule_id: UUID
) -> ScheduleOut:
    return await _shown(response, session, await queries.get_schedule(session, viewer, schedule_id))


@router.patch("/{schedule_id}", summary="Move it", **needs("posts:publish"))
async def move_schedule(
    response: Response,
    session: WriteSession,
    viewer: CurrentViewer,
    schedule_id: UUID,
    patch: SchedulePatch,
    version: MustMatch,
) -> ScheduleOut:
    """Until the first of its deliveries is taken by a worker."""
    return await _shown(response, session, await service.move(session, viewer, schedule_id, patch, version))


@router.post("/{schedule_id}/cancel", summary="Stop it", **needs("posts:publish"))
async def cancel_schedule(
    response: Response, session: WriteSession, viewer: CurrentViewer, schedule_id: UUID, _: IdempotencyKey = None
) -> ScheduleOut:
    """What still waits is stopped; the post's deliveries say what had already left."""
    return await _shown(response, session, await service.cancel(session, viewer, schedule_id))


async def _shown(response: Response, session: AsyncSession, schedule: Schedule) -> ScheduleOut:
    tagged(response, schedule)
    return ScheduleOut.of((await queries.with_posts(session, [schedule]))[0])
