"""What stands around every page: who is here, what waits, and the state of the world in one line."""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import queries as accounts
from api.alerts import queries as alerts
from api.core.clock import now
from api.core.settings import Settings
from api.forces import queries as forces
from api.inbox import queries as inbox
from api.models import ScheduleState, Viewer
from api.schedules import queries as schedules
from web.words import plural, when_text


class Tone(StrEnum):
    RED = "red"
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class Strip:
    """The one loud line on top: red while nothing comes in, amber while posts are paused."""

    tone: Tone
    label: str
    """What a screen reader calls it."""
    words: str
    href: str
    press: str = "Open"


@dataclass(frozen=True, slots=True)
class Frame:
    name: str
    team: str
    waiting: int = 0
    strip: Strip | None = None
    world: tuple[str, ...] = ()
    may: frozenset[str] = field(default_factory=frozenset)
    """The actions that the viewer may do somewhere: which places have a link for them."""
    alerts: int = 0
    """How many stand that nobody has seen."""


async def around(session: AsyncSession, viewer: Viewer, settings: Settings) -> Frame:
    teams = await forces.teams(session, viewer)
    worst = await accounts.worst_health(session, viewer, settings)
    counts = await inbox.counts(session, viewer)
    return Frame(
        name=viewer.name,
        team=teams[0].name if len(teams) == 1 else plural(len(teams), "team") if teams else "",
        waiting=counts.waiting,
        strip=None
        if worst is None or worst[1].state != "stopped"
        else Strip(Tone.RED, "A feed has stopped", f"{worst[0].name}: {worst[1].words}", "/accounts"),
        world=(
            "All feeds live" if worst is None else f"{worst[0].name}: {worst[1].state}",
            await _next_post(session, viewer),
        ),
        alerts=await alerts.unseen(session, viewer),
        may=frozenset(action for action in Action if access.may_anywhere(viewer, action)),
    )


async def _next_post(session: AsyncSession, viewer: Viewer) -> str:
    if not access.may_anywhere(viewer, Action.SEE_POSTS):
        return ""
    coming = await schedules.schedules(session, viewer, since=now(), states=[ScheduleState.ACTIVE], limit=1)
    return f"Next post {when_text(coming.items[0].publish_at, now())}" if coming.items else "No post planned"
