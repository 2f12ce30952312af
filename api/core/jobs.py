"""The row is the job; the queue only wakes someone. A wake-up that gets lost makes things late by seconds, never lost."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

PENDING = "jobs"


@dataclass(frozen=True, slots=True)
class Job:
    """What to look at. `about` is an id or nothing; never personal data, never a secret."""

    name: str
    about: str = ""


class Queue(Protocol):
    async def wake(self, job: Job) -> None:
        """May fail or be lost; whoever calls carries on."""


def ask(session: AsyncSession, job: Job) -> None:
    """Wake someone once this unit of work is committed; asked twice is asked once."""
    pending: dict[Job, None] = session.info.setdefault(PENDING, {})
    pending[job] = None


def asked(session: AsyncSession) -> list[Job]:
    return list(session.info.pop(PENDING, {}))
