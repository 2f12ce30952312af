"""The one list of issues: what each is called, whose it is, and which recorded crime stands beside it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from api.models import Issue, Source


class Owner(StrEnum):
    POLICE = "police"
    COUNCIL = "council"
    BOTH = "both"


class AgeBand(StrEnum):
    TEN = "10-15"
    SIXTEEN = "16-24"
    TWENTY_FIVE = "25-34"
    THIRTY_FIVE = "35-49"
    FIFTY = "50-64"
    SIXTY_FIVE = "65+"


@dataclass(frozen=True, slots=True)
class About:
    """`category`: the data.police.uk category where one fits."""

    label: str
    owner: Owner
    category: str | None = None


_POLICE, _COUNCIL, _BOTH = Owner.POLICE, Owner.COUNCIL, Owner.BOTH
ISSUES: dict[Issue, About] = {
    Issue.ASB: About("Anti-social behaviour", _BOTH, "anti-social-behaviour"),
    Issue.SPEEDING: About("Speeding and road safety", _BOTH),
    Issue.PARKING: About("Parking", _COUNCIL),
    Issue.DRUGS: About("Drugs", _POLICE, "drugs"),
    Issue.BURGLARY: About("Burglary", _POLICE, "burglary"),
    Issue.VEHICLE_CRIME: About("Vehicle crime", _POLICE, "vehicle-crime"),
    Issue.THEFT: About("Theft and shoplifting", _POLICE, "shoplifting"),
    Issue.VIOLENCE: About("Violence and knife crime", _POLICE, "violent-crime"),
    Issue.DOMESTIC_ABUSE: About("Domestic abuse", _POLICE),
    Issue.VAWG: About("Sexual harassment and safety of women and girls", _BOTH),
    Issue.HATE_CRIME: About("Hate crime", _POLICE),
    Issue.FRAUD: About("Fraud and scams", _POLICE),
    Issue.RURAL: About("Rural and wildlife crime", _POLICE),
    Issue.FLY_TIPPING: About("Fly-tipping and environment", _COUNCIL),
    Issue.E_SCOOTERS: About("E-scooters and nuisance bikes", _POLICE),
    Issue.DRINK: About("Drink and street drinking", _BOTH),
    Issue.BEGGING: About("Begging and homelessness", _BOTH),
    Issue.YOUTH: About("Youth provision", _COUNCIL),
    Issue.PATROLS: About("Visible patrols", _POLICE),
    Issue.CYBER: About("Cyber and online safety", _POLICE),
    Issue.BUSINESS: About("Business crime", _POLICE),
    Issue.SLAVERY: About("Modern slavery and exploitation", _POLICE),
    Issue.DOGS: About("Dogs", _COUNCIL),
    Issue.NOISE: About("Noise", _COUNCIL),
    Issue.GRAFFITI: About("Graffiti and vandalism", _BOTH, "criminal-damage-arson"),
    Issue.OTHER: About("Other", _BOTH),
}
SOURCES: dict[Source, str] = {
    Source.ONLINE: "Replies and messages",
    Source.WEB_FORM: "Web form",
    Source.MEETING: "Meeting",
    Source.DOORSTEP: "Street or doorstep",
    Source.SCHOOL: "Schools and less-heard visits",
    Source.PAPER: "Letters and paper",
    Source.PARTNER: "Partners",
}
_BY_LABEL = {about.label.casefold(): issue for issue, about in ISSUES.items()}


def label(issue: Issue) -> str:
    return ISSUES[issue].label


def issue_of(named: Any) -> Issue:
    """By its slug or by its label, however it is written."""
    if isinstance(named, str):
        words = named.strip().casefold()
        if words in _BY_LABEL:
            return _BY_LABEL[words]
        if words in {issue.value for issue in Issue}:
            return Issue(words)
    raise ValueError("it is not on the list of issues: use a slug such as speeding-and-road-safety, or its label")


IssueName = Annotated[Issue, BeforeValidator(issue_of)]
"""An issue as it comes in: slug or label."""
