"""A schedule with what it sends."""

from dataclasses import dataclass

from api.models import Schedule
from api.posts.values import Written


@dataclass(frozen=True, slots=True)
class Scheduled:
    schedule: Schedule
    written: Written
