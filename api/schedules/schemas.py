"""Schedules on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from api.core.shapes import Moment, Out
from api.core.wire import Wire
from api.models import PostState, ScheduleKind, ScheduleState
from api.posts.schemas import EXAMPLE_ID
from api.posts.values import Written
from api.schedules.values import Scheduled


class ScheduleIn(Wire):
    """When a draft goes out. `publish_at` on the post itself is the short way to the same."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"post_id": EXAMPLE_ID, "publish_at": "2026-11-28T09:00:00+00:00"}]}
    )

    post_id: UUID
    publish_at: Moment
    useful_until: Moment | None = None


class SchedulePatch(Wire):
    """Another time. Null changes nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"publish_at": "2026-11-28T10:30:00+00:00"}]})

    publish_at: Moment | None = None
    useful_until: Moment | None = None


class ScheduleOut(Out):
    """`publish_at` is the next time; kinds with more than one time will say how they repeat."""

    id: UUID
    post_id: UUID
    team_id: UUID
    kind: ScheduleKind
    state: ScheduleState
    publish_at: datetime
    useful_until: datetime | None = Field(description="Null: so many hours after its time, as the force has set.")
    etag: str
    text: str
    post_state: PostState
    account_ids: list[UUID]

    @classmethod
    def of(cls, scheduled: Scheduled) -> "ScheduleOut":
        schedule, written = scheduled.schedule, scheduled.written
        return cls(
            **schedule.model_dump(include={"id", "post_id", "team_id", "kind", "state", "publish_at", "useful_until"}),
            etag=schedule.etag,
            **_of_post(written),
        )


def _of_post(written: Written) -> dict[str, object]:
    return {
        "text": written.post.text,
        "post_state": written.post.state,
        "account_ids": [each.account_id for each in written.destinations],
    }
