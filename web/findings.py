"""What the check says of a text while somebody writes it: the words marked, and each finding in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import now
from api.core.errors import DomainError
from api.models import Viewer
from api.policy import service as policy
from api.policy.values import Context, Finding, Level, Picture, Verdict
from web.typed import Typed
from web.words import plural

LEVELS = {
    Level.WARN: ("To look at", "amber"),
    Level.HOLD: ("A second person should read this", "amber"),
    Level.BLOCK: ("This must not go out as it is", "red"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text; `marked`: a finding speaks of it."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Shown:
    finding: Finding
    level: str
    tone: str
    key: str
    """What its button sends: rule and place."""
    noted: bool


@dataclass(frozen=True, slots=True)
class Findings:
    summary: str
    parts: Sequence[Part]
    shown: Sequence[Shown]
    noted: Sequence[str]


async def found(session: AsyncSession, viewer: Viewer, typed: Typed, noted: Sequence[str] = ()) -> Findings:
    """Nothing is said of an empty page."""
    verdict = await policy.checked(session, viewer, typed.text, _context(typed)) if typed.text.strip() else None
    return shown(typed.text, verdict or Verdict(Level.NONE), noted)


def _context(typed: Typed) -> Context:
    try:
        due = typed.due()
    except DomainError:
        due = None  # half a date is said beside its field
    shown = tuple(Picture(alt=each.alt or each.why, video=each.video) for each in typed.carried)
    return Context(now=now(), scheduled_for=due, media=shown)


def shown(text: str, verdict: Verdict, noted: Sequence[str] = ()) -> Findings:
    each = [
        Shown(
            one, *LEVELS[one.level], key=f"{one.rule}-{one.start}-{one.end}", noted=f"{one.rule}-{one.words}" in noted
        )
        for one in verdict.findings
    ]
    asked = [one for one in each if not one.noted]
    return Findings(
        summary=f"{plural(len(asked), 'thing')} to look at" if asked else "",
        parts=_parts(text, [(one.finding.start, one.finding.end) for one in asked]),
        shown=each,
        noted=noted,
    )


def _parts(text: str, places: Sequence[tuple[int, int]]) -> list[Part]:
    """The text in pieces, those that a finding speaks of marked; places that overlap are one."""
    parts, at = [], 0
    for start, end in sorted(place for place in places if place[1] > place[0]):
        if end <= at:
            continue
        start = max(start, at)
        parts += [Part(text[at:start], False), Part(text[start:end], True)]
        at = end
    return [part for part in (*parts, Part(text[at:], False)) if part.text] if parts else []


def chosen(findings: Findings, key: str) -> Finding | None:
    """The finding whose button was pressed, if the text still has it."""
    return next((one.finding for one in findings.shown if one.key == key), None)
