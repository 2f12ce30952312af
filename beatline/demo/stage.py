"""What the demo has made so far, by the names that its files use."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from api.models import Account, Neighbourhood, Person, StandardPost, Team, Viewer


@dataclass
class Stage:
    """`opened` is the moment from which the week is counted."""

    opened: datetime
    neighbourhoods: dict[str, Neighbourhood] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    viewers: dict[str, Viewer] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    teams: dict[UUID, Team] = field(default_factory=dict)
    """By force."""
    library: dict[tuple[UUID, str], StandardPost] = field(default_factory=dict)
