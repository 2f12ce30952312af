"""Roles as people say them, and what each may do in one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.identity.queries import Known
from api.models import Membership, Role

LABELS: dict[Role, tuple[str, str]] = {
    Role.CONTRIBUTOR: ("Contributor", "Drafts and records answers; sees no private messages"),
    Role.TEAM_MEMBER: ("Team member", "Writes, answers and decides with the team"),
    Role.SUPERVISOR: ("Supervisor", "The same, and answers for it"),
    Role.COMMS: ("Communications", "Writes for the force and connects accounts"),
    Role.CONTACT_DESK: ("Contact desk", "Answers people, writes no posts"),
    Role.RECORDS: ("Records", "Reads, also what a sender deleted, with a reason"),
    Role.ADMIN: ("Administrator", "Runs it: people, teams, accounts. Reads no conversations"),
}
NEEDS_A_TEAM = (Role.CONTRIBUTOR, Role.TEAM_MEMBER)
WHOLE_FORCE = "force"
"""What forms say for a role in the whole force."""


@dataclass(frozen=True, slots=True)
class Held:
    """One role of one person."""

    id: UUID
    role: str
    label: str
    where: str
    """The form's word: a team's id, or the whole force."""
    where_label: str


def held(membership: Membership, teams: Mapping[UUID, str]) -> Held:
    team = membership.team_id
    return Held(
        membership.id,
        membership.role.value,
        LABELS[membership.role][0],
        str(team) if team else WHOLE_FORCE,
        teams.get(team, "another team") if team else "the whole force",
    )


def sentence(known: Known, teams: Mapping[UUID, str]) -> str:
    """What somebody is, in one line: Supervisor in Sandford North; Records in the whole force."""
    each = [held(one, teams) for one in known.memberships]
    return "; ".join(f"{one.label} in {one.where_label}" for one in each) or "No role yet"


def role_choices() -> Sequence[tuple[str, str]]:
    return [(role.value, f"{label}: {words[0].lower()}{words[1:]}") for role, (label, words) in LABELS.items()]


def where_choices(teams: Mapping[UUID, str]) -> Sequence[tuple[str, str]]:
    return [*((str(team), name) for team, name in teams.items()), (WHOLE_FORCE, "The whole force")]


def where_of(chosen: str) -> UUID | None:
    """The team that a form names; ValueError for what is none."""
    return None if chosen == WHOLE_FORCE else UUID(chosen)
