"""A round of asking as its pages draw it: five steps, and counts that are never added up over sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.models import Issue, Source
from api.priorities.issues import ISSUES, SOURCES
from api.priorities.values import Asked, Picture
from web.words import first_line

STEPS = ("Asking", "Answers", "Picture", "Decision", "What we did")
ASKING, ANSWERS, PICTURE, DECISION, DID = range(5)
DRAWN = 5
"""Issues in each small chart."""
FEW = 5
"""With fewer people a chart would say more than they did."""
SHORT: Mapping[Issue, str] = {
    Issue.ASB: "ASB", Issue.SPEEDING: "Speeding", Issue.PARKING: "Parking", Issue.DRUGS: "Drugs",
    Issue.BURGLARY: "Burglary", Issue.VEHICLE_CRIME: "Vehicles", Issue.THEFT: "Theft", Issue.VIOLENCE: "Violence",
    Issue.DOMESTIC_ABUSE: "Domestic", Issue.VAWG: "Women", Issue.HATE_CRIME: "Hate", Issue.FRAUD: "Fraud",
    Issue.RURAL: "Rural", Issue.FLY_TIPPING: "Fly-tips", Issue.E_SCOOTERS: "E-scooters", Issue.DRINK: "Drink",
    Issue.BEGGING: "Begging", Issue.YOUTH: "Youth", Issue.PATROLS: "Patrols", Issue.CYBER: "Online",
    Issue.BUSINESS: "Business", Issue.SLAVERY: "Slavery", Issue.DOGS: "Dogs", Issue.NOISE: "Noise",
    Issue.GRAFFITI: "Graffiti", Issue.OTHER: "Other",
}  # fmt: skip
USUAL = (
    Issue.SPEEDING, Issue.ASB, Issue.PARKING, Issue.E_SCOOTERS, Issue.DRUGS, Issue.PATROLS, Issue.FRAUD,
    Issue.FLY_TIPPING,
)  # fmt: skip
"""What a form for one thumb shows before anybody has named anything."""
WHERE = {
    Source.ONLINE: "in replies and messages",
    Source.WEB_FORM: "on the web form",
    Source.DOORSTEP: "at the door",
    Source.SCHOOL: "on visits",
    Source.PAPER: "on paper",
    Source.PARTNER: "through partners",
}


BRIEF: Mapping[Issue, str] = {
    Issue.SPEEDING: "Speeding, roads", Issue.E_SCOOTERS: "E-scooters, bikes", Issue.FLY_TIPPING: "Fly-tipping",
    Issue.FRAUD: "Fraud, scams", Issue.THEFT: "Theft, shoplifting", Issue.VIOLENCE: "Violence, knives",
    Issue.VAWG: "Women’s safety", Issue.RURAL: "Rural, wildlife", Issue.DRINK: "Street drinking",
    Issue.BEGGING: "Begging, homeless", Issue.YOUTH: "Things for youth", Issue.CYBER: "Online safety",
    Issue.SLAVERY: "Slavery", Issue.GRAFFITI: "Graffiti, damage",
}  # fmt: skip
"""What fits under one thumb; the others are brief as they are."""
NARROW = {
    Source.ONLINE: "Replies",
    Source.WEB_FORM: "Web form",
    Source.DOORSTEP: "Doors",
    Source.SCHOOL: "Visits",
    Source.PAPER: "Paper",
    Source.PARTNER: "Partners",
}


@dataclass(frozen=True, slots=True)
class Step:
    words: str
    href: str
    """Empty: not reached, or not for this viewer."""
    done: bool
    current: bool


def reached(asked: Asked, decided: bool) -> int:
    """How far a round has come."""
    if decided:
        return DID
    if asked.to_confirm:
        return ANSWERS
    return PICTURE if asked.people else ASKING


def steps(question_id: UUID, furthest: int, here: int | None = None, did: str = "") -> list[Step]:
    """`here`: the step that a page is about; None in a list, where the furthest one is marked."""
    base = f"/questions/{question_id}"
    hrefs = ("", base, f"{base}/picture", f"{base}/decision", did)
    current = furthest if here is None else here
    return [
        Step(words, "" if here == at else hrefs[at], at < max(furthest, current) and at != current, at == current)
        for at, words in enumerate(STEPS)
    ]


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    full: str
    number: int
    width: int
    """Of 44 that the drawing has."""


@dataclass(frozen=True, slots=True)
class Column:
    """One source, or one meeting: how many people stand behind it, and who named what."""

    title: str
    brief: str
    """The same on a phone."""
    place: str
    """Where it was, as a sentence goes on: at the door."""
    people: int
    noun: str
    named: Mapping[Issue, int]
    bars: Sequence[Bar]
    to_confirm: int = 0

    @property
    def drawn(self) -> bool:
        return self.people >= FEW and bool(self.named)


def columns(picture: Picture) -> list[Column]:
    """Sources with people first in their usual order, then each meeting by itself."""
    order = [row.issue for row in picture.issues[:DRAWN]]
    by_source = []
    for one in picture.sources:
        named = {row.issue: row.people[one.source] for row in picture.issues if row.people.get(one.source)}
        if one.people or one.to_confirm:
            bars = _bars(order, named, one.people)
            where = WHERE[one.source]
            by_source.append(
                Column(
                    SOURCES[one.source], NARROW[one.source], where, one.people, "people", named, bars, one.to_confirm
                )
            )
    meetings = []
    for meeting in picture.meetings:
        title = f"Meeting, {meeting.held_on.day} {meeting.held_on:%B}"
        brief = f"Meeting {meeting.held_on.day} {meeting.held_on:%b}"
        named = {issue: number for issue, number in meeting.counts.items() if number}
        bars = _bars(order, named, meeting.heads)
        meetings.append(Column(title, brief, f"at {meeting.place}", meeting.heads, "in the room", named, bars))
    return by_source + meetings


def _bars(order: Sequence[Issue], named: Mapping[Issue, int], people: int) -> list[Bar]:
    return [
        Bar(SHORT[issue], ISSUES[issue].label, named.get(issue, 0), round(named.get(issue, 0) * 44 / max(people, 1)))
        for issue in order
    ]


def not_asked(picture: Picture) -> list[str]:
    """Sources from which nobody has been heard."""
    heard = {one.source for one in picture.sources if one.people or one.to_confirm}
    heard |= {Source.MEETING} if picture.meetings else set()
    return [words for source, words in SOURCES.items() if source not in heard and source is not Source.PARTNER]


def words(columns: Sequence[Column]) -> list[str]:
    """What the charts say, in sentences: which issue comes first where. Never a share of all residents."""
    said = [column for column in columns if column.drawn]
    if not said:
        return ["Too few people have answered to say what comes first."]
    first: dict[str, list[str]] = {}
    for column in said:
        most = max(column.named.values())
        leading = [ISSUES[issue].label for issue, number in column.named.items() if number == most]
        first.setdefault(_leads(leading), []).append(f"{column.place} ({most} of {column.people})")
    everywhere = " everywhere:" if len(first) == 1 and len(said) > 1 else ""
    return [f"{leads}{everywhere} {_and(places)}." for leads, places in first.items()]


def _leads(labels: Sequence[str]) -> str:
    rest = [f"{label[0].lower()}{label[1:]}" for label in labels[1:]]
    return f"{_and([labels[0], *rest])} share first place" if rest else f"{labels[0]} comes first"


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def usual_issues(named: Iterable[Issue]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(slug, label) for a form: those already named here and the usual ones first; all others one fold away."""
    front = list(dict.fromkeys([*named, *USUAL]))[: len(USUAL)]
    rest = [issue for issue in ISSUES if issue not in front]
    return [(one.value, _brief(one)) for one in front], [(one.value, _brief(one)) for one in rest]


def _brief(issue: Issue) -> str:
    return BRIEF.get(issue, ISSUES[issue].label)


def title_of(text: str) -> str:
    """The question itself, without what explains it."""
    question = text[: text.find("?") + 1]
    return question if 0 < len(question) <= 90 else first_line(text, 70)
